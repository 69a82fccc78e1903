"""Force errors to take along: tables, atoms, structures with every configuration's forces."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from ase.io import write

from dashboard.components.comparison import Compared, opened
from dashboard.components.download import archive
from dashboard.figures.page import file_name
from dashboard.members import label
from mlip_core.force_errors import ForceErrors, per_atom_table, with_forces


def tables_archive(results: Sequence[tuple[str, ForceErrors]]) -> bytes:
    """Pack the tables by structure, element, subset and force, in eV and Å, with the settings.

    Parameters
    ----------
    results : sequence of (str, ForceErrors)
        Label of each configuration with its record.

    Returns
    -------
    bytes
        The ZIP file.
    """
    files: dict[str, str] = {}
    facts = {}
    for name, errors in results:
        folder = file_name(name)
        for table in ("by_structure", "by_element", "by_subset", "by_magnitude", "not_evaluated"):
            files[f"{folder}/{table}.csv"] = getattr(errors, table).to_csv(index=False)
        facts[name] = {
            "data set": errors.dataset,
            "sha256": errors.dataset_sha256,
            "reference": errors.reference,
            "kind": errors.kind,
            "units": "eV, Å",
            "mae": errors.mae,
            "rmse": errors.rmse,
            "intervals": errors.intervals,
            "energy_note": errors.energy_note,
            "energy_offsets": errors.energy_offsets,
            "settings": asdict(errors.settings),
        }
    files["summary.json"] = json.dumps(facts, indent=1, ensure_ascii=False)
    return archive(files)


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


def with_all_forces(compared: Sequence[Compared]) -> bytes:
    """Write the structures with the reference and a ``<configuration>_forces`` column for each configuration."""
    predictions = {file_name(label(item.member)): item.predictions for item in compared}
    text = io.StringIO()
    for atoms in with_forces(opened(compared[0].dataset), predictions):
        write(text, atoms, format="extxyz")
    return text.getvalue().encode()
