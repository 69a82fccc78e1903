"""Force errors to take along: atoms, and structures with every configuration's forces."""

import io
from collections.abc import Sequence

from ase.io import write

from dashboard.views.force_errors.comparison import Compared, opened
from dashboard.widgets.figure_page import file_name
from mlip_core.calculations.force_errors import per_atom_table, with_forces


def per_atom_parquet(item: Compared) -> bytes:
    """Pack every atom's reference and predicted force, eV/Å."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer, writer = io.BytesIO(), None
    for table in per_atom_table(opened(item.dataset), item.predictions):
        rows = pa.Table.from_pandas(table, preserve_index=False)
        writer = writer or pq.ParquetWriter(buffer, rows.schema, compression="zstd")
        writer.write_table(rows)
    if writer is not None:
        writer.close()
    return buffer.getvalue()


def per_atom_csv(item: Compared) -> bytes:
    """Write every atom's reference and predicted force, eV/Å."""
    tables = per_atom_table(opened(item.dataset), item.predictions)
    return "".join(table.to_csv(index=False, header=place == 0) for place, table in enumerate(tables)).encode()


def with_all_forces(compared: Sequence[Compared]) -> bytes:
    """Write the structures with the reference and a ``<configuration>_forces`` column for each configuration."""
    predictions = {file_name(item.member.label): item.predictions for item in compared}
    text = io.StringIO()
    for atoms in with_forces(opened(compared[0].dataset), predictions):
        write(text, atoms, format="extxyz")
    return text.getvalue().encode()
