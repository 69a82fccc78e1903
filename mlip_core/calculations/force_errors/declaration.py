"""What the queue, the pages and a person's download need to know about force errors."""

from collections.abc import Mapping

from mlip_core.calculations.declaration import Calculation, Files, Tables, with_units
from mlip_core.calculations.force_errors import (
    ErrorSplit,
    ForceErrors,
    ForceErrorSettings,
    differences,
    error_split,
    force_errors,
)
from mlip_core.calculations.force_errors.task import ErrorSplitSettings, run, run_split
from mlip_core.symmetry.rotations import grid

_TABLES = ("by_structure", "by_element", "by_subset", "by_magnitude", "not_evaluated")
_SUMS = ("sum_", "stress_abs", "stress_square")
"""How the columns begin from which parts of the data are added up again."""
_UNITS = {
    **dict.fromkeys(("mae", "rmse", "max_error", "magnitude_mae", "mean_force", "low", "high"), "eV_per_A"),
    **dict.fromkeys(("total_rmse", "averaged_rmse", "symmetry_rmse"), "eV_per_A"),
    **dict.fromkeys(("energy", "energy_ref"), "eV"),
    **dict.fromkeys(("energy_error", "energy_mae"), "eV_per_atom"),
    "stress_rmse": "eV_per_A3",
}


def summary(result: ForceErrors) -> Mapping[str, object]:
    """Errors over all structures, the force error with its interval."""
    low, high = result.intervals.get("mae", (None, None))
    return {
        "kind": result.kind,
        "data_set": result.dataset,
        "reference": result.reference,
        "part": result.narrowed_to or "all",
        "structures": result.n_structures,
        "force_mae_eV_per_A": result.mae,
        "force_mae_low_eV_per_A": low,
        "force_mae_high_eV_per_A": high,
        "force_rmse_eV_per_A": result.rmse,
        "max_error_eV_per_A": result.max_error,
        "cosine": result.cosine,
        "softening": result.softening,
        "energy_mae_eV_per_atom": result.energy_mae,
        "energy_note": result.energy_note,
        "stress_rmse_eV_per_A3": result.stress_rmse,
        "us_per_atom": result.us_per_atom,
    }


def tables(result: ForceErrors) -> Tables:
    """Errors by structure, element, subset and force, and what was not evaluated."""
    found = {name: getattr(result, name) for name in _TABLES}
    return {
        name: with_units(table[[column for column in table if not column.startswith(_SUMS)]], _UNITS)
        for name, table in found.items()
    }


def files(result: ForceErrors) -> Files:
    """Nothing: the structures are the data set's own."""
    return {}


def predictions(result: ForceErrors) -> tuple[str, ...]:
    """The file with every prediction."""
    return (result.predictions_file,)


def split_summary(result: ErrorSplit) -> Mapping[str, object]:
    """How much of the error is broken rotational symmetry."""
    return {
        "total_rmse_eV_per_A": result.total_rmse,
        "averaged_rmse_eV_per_A": result.averaged_rmse,
        "symmetry_rmse_eV_per_A": result.symmetry_rmse,
        "share": result.share,
        "evaluations": result.evaluations,
        "not_evaluated": result.not_evaluated,
    }


def split_tables(result: ErrorSplit) -> Tables:
    """The split of every structure."""
    return {"split": with_units(result.by_structure, _UNITS)}


def split_files(result: ErrorSplit) -> Files:
    """Nothing: the structures are the data set's own."""
    return {}


def split_evaluations(_: object, settings: ErrorSplitSettings) -> float:
    """Each structure in each orientation."""
    return len(grid(settings.grid, inversion=settings.inversion).operations)


CALCULATIONS = (
    Calculation(
        name="force_errors",
        title="force errors",
        subject="data set",
        function=run,
        settings=ForceErrorSettings,
        record=ForceErrors,
        summary=summary,
        tables=tables,
        files=files,
        beside=predictions,
        other="reference_model",
        packages=("scipy",),
        public=(force_errors, differences, ForceErrorSettings),
    ),
    Calculation(
        name="error_split",
        title="split of the error",
        subject="data set",
        function=run_split,
        settings=ErrorSplitSettings,
        record=ErrorSplit,
        summary=split_summary,
        tables=split_tables,
        files=split_files,
        other="reference_model",
        evaluations=split_evaluations,
        public=(error_split,),
    ),
)
