"""Print the force errors of what comes with the program on its PBE reference: ``python -m mlip_core.reference``."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from mlip_core.calculations.force_errors import ForceErrors, Selection, error_split, force_errors, narrowed
from mlip_core.configuration import Configuration
from mlip_core.datasets import Dataset
from mlip_core.models.catalogue import entry
from mlip_core.models.model import Model
from mlip_core.reference.pbe import reference_dataset
from mlip_core.symmetry.corrections import Corrections

LINEUP = (
    Configuration(model="pet-demo", forces="direct"),
    Configuration(
        model="pet-demo",
        forces="direct",
        corrections=Corrections(rotations="octahedral", inversion=True, net_force=True),
    ),
    Configuration(model="pet-demo", forces="conservative"),
    Configuration(model="soap-demo"),
    Configuration(model="sevennet-0"),
    Configuration(model="sevennet-l3i5"),
    Configuration(model="chgnet"),
)
BUNDLED = "pet-demo"
"""The model whose elements decide which structures count."""
HEADER = (
    "| configuration | force MAE (meV/Å) | 95 % interval | RMSE | of it broken rotations | softening slope | energy MAE (meV/atom) |",
    "|---|---|---|---|---|---|---|",
)


def main() -> None:
    """Print the table in Markdown, row by row."""
    with TemporaryDirectory(prefix="mlip-table-") as folder:
        dataset = reference_dataset(folder=folder)
        print(*HEADER, sep="\n")
        for row in table(dataset, LINEUP, Path(folder)):
            print(row, flush=True)


def table(dataset: Dataset, lineup: tuple[Configuration, ...], folder: Path) -> Iterator[str]:
    """Yield one row of Markdown a configuration, all of the structures that the bundled models cover.

    Parameters
    ----------
    dataset : Dataset
    lineup : tuple of Configuration
    folder : path
        Where predictions are kept.
    """
    covered = covered_structures(dataset)
    for configuration in lineup:
        model = configuration.load()
        errors = force_errors(dataset, model, folder=folder)
        part = narrowed(errors, dataset, folder / errors.predictions_file, Selection(structures=covered))
        yield row(configuration, part, _broken(configuration, dataset, model))


def _broken(configuration: Configuration, dataset: Dataset, model: Model) -> str:
    """Say how much of the mean square error is broken rotational symmetry, or why it is not asked."""
    if entry(configuration.model).claims(configuration.forces).rotation:
        return "none, by construction"
    if configuration.corrections.rotations != "none":
        return "averaged away up to l = 3"
    return f"{100 * error_split(dataset, model).share:.1f} %"


def covered_structures(dataset: Dataset) -> tuple[int, ...]:
    """Return the structures whose elements the bundled models learned."""
    known = set(entry(BUNDLED).elements)
    return tuple(frame.index for frame in dataset if set(frame.atoms.get_chemical_symbols()) <= known)


def row(configuration: Configuration, errors: ForceErrors, broken: str) -> str:
    """Write one row."""
    low, high = errors.intervals["mae"]
    energy = "" if errors.energy_mae is None else f"{1000 * errors.energy_mae:.1f}"
    cells = (
        configuration.label,
        f"{1000 * errors.mae:.0f}",
        f"{1000 * low:.0f} – {1000 * high:.0f}",
        f"{1000 * errors.rmse:.0f}",
        broken,
        f"{errors.softening:.3f}",
        energy,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
