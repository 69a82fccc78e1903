"""A data set as a task names it: where it is kept, and which one it must be."""

from dataclasses import dataclass
from pathlib import Path

from mlip_core.datasets.dataset import Dataset, open_unchanged
from mlip_core.home import home as home_folder
from mlip_core.records import record

FOLDER = "datasets"
"""Folder of the data sets below the home folder."""
USUAL_ATOMS = 16.0
"""Atoms in a structure of a data set whose number was not noted."""


@record("StoredDataset")
@dataclass(frozen=True, kw_only=True)
class StoredDataset:
    """Names a data set that is kept on this machine, by its content."""

    file: str
    """File below the home folder's ``datasets``, such as ``pbe-reference/dataset-46c5….parquet``."""
    sha256: str
    """Hash of its structures and reference values: the file must still hold these."""
    name: str = ""
    """What people call it."""
    n_structures: int = 0
    """How many structures it has."""
    n_atoms: int = 0
    """How many atoms these have together; 0 where it was not noted."""

    @classmethod
    def of(cls, dataset: Dataset) -> "StoredDataset":
        """Name a data set that is kept below the home folder."""
        path = Path(dataset.path)
        return cls(
            file=f"{path.parent.name}/{path.name}",
            sha256=dataset.sha256,
            name=dataset.name,
            n_structures=dataset.n_structures,
            n_atoms=dataset.n_atoms,
        )

    @property
    def mean_atoms(self) -> float:
        """Atoms in a structure on average; a guess where that was not noted."""
        return self.n_atoms / max(1, self.n_structures) or USUAL_ATOMS

    @property
    def code(self) -> str:
        """Name in an address, as :class:`mlip_core.datasets.shelf.Shelf` reads it."""
        folder, _, file = self.file.partition("/")
        return f"{folder}.{Path(file).stem.removeprefix('dataset-')}"

    def open(self, home: str | Path | None = None) -> Dataset:
        """Open it.

        Parameters
        ----------
        home : path, optional
            The home folder; this machine's own by default.

        Raises
        ------
        DatasetError
            If it is gone, or another one by now.
        """
        return open_unchanged(str(Path(home or home_folder()) / FOLDER / self.file), self.sha256)
