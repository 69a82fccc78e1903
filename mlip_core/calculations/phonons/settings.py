"""How phonons are computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from mlip_core.errors import SettingsError
from mlip_core.records import record

Displacements = Literal["reduced", "full"]


@record("NonAnalytical")
@dataclass(frozen=True, kw_only=True)
class NonAnalytical:
    """What a polar insulator needs for its LO–TO splitting.

    Raises
    ------
    SettingsError
        If the numbers have another shape or are not finite.
    """

    born_charges: Any
    """(n_atoms, 3, 3), elementary charges: one tensor for each atom of the structure as given."""
    dielectric: Any
    """(3, 3), high-frequency dielectric tensor relative to vacuum."""

    def __post_init__(self) -> None:
        charges, dielectric = _numbers("born_charges", self.born_charges), _numbers("dielectric", self.dielectric)
        if charges.ndim != 3 or charges.shape[1:] != (3, 3):
            raise SettingsError(f"born_charges must be one 3×3 tensor per atom, not an array of {charges.shape}.")
        if dielectric.shape != (3, 3):
            raise SettingsError(f"dielectric must be a 3×3 tensor, not an array of {dielectric.shape}.")
        object.__setattr__(self, "born_charges", _tuples(charges))
        object.__setattr__(self, "dielectric", _tuples(dielectric))


@record("PhononSettings")
@dataclass(frozen=True, kw_only=True)
class PhononSettings:
    """How phonons are computed.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    supercell_matrix: Any = None
    """Three integers or 3×3 integers that multiply the given cell; None takes the minimum length."""
    min_length: float = 12.0
    """Å: without a matrix, the supercell with the fewest atoms whose nearest images of one atom are at least this far apart."""
    displacement: float = 0.01
    """How far an atom is moved, Å; 0.03 suits float32 and direct forces."""
    displacements: Displacements = "reduced"
    """"reduced": the few that symmetry requires; "full": ±x ±y ±z of every atom of the primitive cell."""
    plus_minus: bool = True
    """Add the opposite of every reduced displacement, so that forces at rest cancel; otherwise only where symmetry does not give it."""
    subtract_residual: bool = False
    """Subtract the forces of the undisplaced supercell."""
    mesh: Any = 60.0
    """Three integers, or a length in Å that sets a mesh of about length/|a_i| points (half where nothing is symmetric)."""
    n_qpoints: int = 200
    """About how many q-points lie on the whole path."""
    symprec: float = 1e-5
    """Tolerance of the symmetry of the reference structure, Å."""
    imaginary_tolerance: float = 0.05
    """THz: only below minus this is a mode called imaginary."""
    nac: NonAnalytical | None = None
    """Born charges and dielectric tensor; None leaves LO–TO splitting out."""

    def __post_init__(self) -> None:
        if self.supercell_matrix is not None:
            object.__setattr__(self, "supercell_matrix", _supercell_matrix(self.supercell_matrix))
        object.__setattr__(self, "mesh", _mesh(self.mesh))
        for name in ("min_length", "displacement", "symprec", "imaginary_tolerance"):
            value = getattr(self, name)
            if not (isinstance(value, int | float | np.number) and 0 < value < np.inf):
                raise SettingsError(f"{name} must be a positive number, not {value!r}.")
        if self.displacement > 0.5:
            raise SettingsError(f"a displacement of {self.displacement} Å is not harmonic: choose 0.01 to 0.05 Å.")
        if self.displacements not in get_args(Displacements):
            raise SettingsError(f"displacements must be 'reduced' or 'full', not {self.displacements!r}.")
        if not isinstance(self.n_qpoints, int) or self.n_qpoints < 2:
            raise SettingsError(f"n_qpoints must be a whole number of at least 2, not {self.n_qpoints!r}.")
        if self.nac is not None and not isinstance(self.nac, NonAnalytical):
            raise SettingsError("nac must be NonAnalytical(born_charges=…, dielectric=…).")


def _supercell_matrix(value: Sequence[Any] | np.ndarray) -> tuple[Any, ...]:
    matrix = _numbers("supercell_matrix", value)
    if matrix.shape not in ((3,), (3, 3)) or not np.array_equal(matrix, np.rint(matrix)):
        raise SettingsError(f"supercell_matrix must be three integers or 3×3 integers, not {value!r}.")
    full = np.diag(matrix) if matrix.ndim == 1 else matrix
    if np.linalg.det(full) < 0.5:
        raise SettingsError(f"supercell_matrix must have a positive determinant; {value!r} has not.")
    return _tuples(np.rint(matrix).astype(int))


def _mesh(value: Any) -> Any:
    mesh = _numbers("mesh", value)
    if mesh.ndim == 0 and mesh > 0:
        return float(mesh)
    if mesh.shape == (3,) and np.array_equal(mesh, np.rint(mesh)) and (mesh >= 1).all():
        return _tuples(mesh.astype(int))
    raise SettingsError(f"mesh must be three positive integers or a length in Å, not {value!r}.")


def _numbers(name: str, value: Any) -> np.ndarray:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{name} must be numbers, not {value!r}.") from error
    if not np.isfinite(array).all():
        raise SettingsError(f"{name} must be finite numbers, not {value!r}.")
    return array


def _tuples(array: np.ndarray) -> tuple[Any, ...]:
    return tuple(_tuples(row) if row.ndim else row.item() for row in array)
