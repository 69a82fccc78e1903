"""Force errors to take along: tables, atoms, structures with every configuration's forces."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from ase.io import write

from dashboard.pages.force_errors.comparison import Compared, opened
from dashboard.widgets.download import Named, archive
from dashboard.widgets.figure_page import Figures, file_name
from dashboard.widgets.members import label
from mlip_core.calculations.benchmarks.runs import LambenchRuns
from mlip_core.calculations.force_errors import ErrorSplit, ForceErrors, per_atom_table, with_forces


def tables_archive(
    results: Named[ForceErrors], splits: Named[ErrorSplit], runs: Named[LambenchRuns], title: str, figures: Figures
) -> bytes:
    """Pack the tables by structure, element, subset and force, in eV and Å, with the settings and the figures."""
    files: dict[str, str] = {}
    facts: dict[str, dict[str, object]] = {}
    for mark, errors in results:
        folder = file_name(mark.label)
        for table in ("by_structure", "by_element", "by_subset", "by_magnitude", "not_evaluated"):
            files[f"{folder}/{table}.csv"] = getattr(errors, table).to_csv(index=False)
        facts[mark.label] = {
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
    for mark, split in splits:
        files[f"{file_name(mark.label)}/split.csv"] = split.by_structure.to_csv(index=False)
    for mark, measured in runs:
        folder = file_name(mark.label)
        files[f"{folder}/lambench_cells.csv"] = measured.cells.to_csv(index=False)
        files[f"{folder}/lambench_runs.csv"] = measured.runs.to_csv(index=False)
        figures_of_merit = {"efficiency": measured.efficiency, "instability": measured.instability}
        facts.setdefault(mark.label, {})["lambench"] = figures_of_merit
    files["summary.json"] = json.dumps(facts, indent=1, ensure_ascii=False)
    return archive(files, title, figures)


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
    predictions = {file_name(label(item.member)): item.predictions for item in compared}
    text = io.StringIO()
    for atoms in with_forces(opened(compared[0].dataset), predictions):
        write(text, atoms, format="extxyz")
    return text.getvalue().encode()
