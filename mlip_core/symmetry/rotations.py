"""Grids of rotations: their weights, what they average exactly, and how results are rotated back.

A rotation R acts on row vectors as ``x @ R.T``. Every grid is proper (det = +1);
with ``inversion`` each rotation is used a second time together with x → −x.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from ase import Atoms
from scipy.integrate import lebedev_rule
from scipy.spatial.transform import Rotation

from mlip_core.errors import SettingsError
from mlip_core.models.model import Prediction

LEBEDEV_DEGREES = (3, 5, 7, 9, 11, 15, 17, 19, 21, 23, 29, 31, 35, 41, 47, 53, 59, 65)
"""Degrees of the Lebedev rules with positive weights only (13, 25 and 27 have negative ones)."""

GENERIC_FRAMES = (
    Rotation.from_rotvec([-0.417, 0.893, 1.271]).as_matrix(),
    Rotation.from_rotvec([0.731, -1.137, 0.529]).as_matrix(),
)
"""Two (3, 3) rotations that map no crystal axis near another, by which a measurement rotates before and after each rotation of its grid."""

RANDOM_SEED = 20260116
"""Seed of the Haar-random grids, fixed so that a corrected model is a function of the structure alone."""

_GROUPS = {"tetrahedral": ("T", 2), "octahedral": ("O", 3), "icosahedral": ("I", 5)}
_MOST_RANDOM = 10_000


@dataclass(frozen=True)
class Grid:
    """Rotations over which a prediction is averaged or its spread is measured."""

    name: str
    """Name: "none", "tetrahedral", "octahedral", "icosahedral", "lebedev-<degree>" or "random-<number>"."""
    rotations: np.ndarray
    """(n, 3, 3), the proper rotations R_k."""
    weights: np.ndarray
    """(n,), weights of the rotations, positive and summing to 1."""
    inversion: bool
    """Whether each rotation is used a second time with x → −x."""
    degree: int | None
    """Degree l up to which the mean of a function of orientation is exact; None for random grids, where it is
    statistical."""

    @cached_property
    def operations(self) -> np.ndarray:
        """(n or 2n, 3, 3): the rotations, then the rotations times −1 if the grid has inversion."""
        return np.concatenate([self.rotations, -self.rotations]) if self.inversion else self.rotations

    @cached_property
    def operation_weights(self) -> np.ndarray:
        """(n or 2n,): weights of the operations, summing to 1."""
        return np.concatenate([self.weights, self.weights]) / 2 if self.inversion else self.weights

    def generic(self) -> "Grid":
        """Return the grid L R_k R₀ for measurements, with fixed generic L and R₀ and the same exactness.

        R₀ on the side of the structure: on the aligned octahedral grid a perfect cubic
        crystal would show no variance for any model. L on the side of the laboratory: a
        model that is averaged over the grid would show none by identity.
        """
        left, right = GENERIC_FRAMES
        return replace(self, rotations=left @ self.rotations @ right)


@lru_cache(maxsize=64)
def grid(name: str, *, inversion: bool = False) -> Grid:
    """Build a grid by name, aligned with the laboratory's axes.

    Parameters
    ----------
    name : str
        "none" (the identity alone), a rotation group ("tetrahedral", "octahedral",
        "icosahedral"), "lebedev-<degree>" (a Lebedev rule on the sphere times
        degree + 1 in-plane angles) or "random-<number>" (Haar-random, fixed seed).
    inversion : bool
        Use each rotation also with x → −x.

    Returns
    -------
    Grid

    Raises
    ------
    SettingsError
        If there is no such grid.

    References
    ----------
    V. I. Lebedev, D. N. Laikov, Dokl. Math. 59, 477 (1999).
    """
    rotations, weights, degree = _parse(name)()
    for array in (rotations, weights):
        array.setflags(write=False)
    return Grid(name, rotations, weights, inversion, degree)


def check_name(name: str) -> None:
    """Raise a SettingsError unless ``name`` names a grid; builds nothing."""
    _parse(name)


def rotate(structure: Atoms, operation: np.ndarray) -> Atoms:
    """Rotate a whole structure: positions and cell.

    An improper operation inverts the positions and rotates the cell by its proper
    part: the lattice of −a, −b, −c is that of a, b, c, and the cell keeps its hand.

    Parameters
    ----------
    structure : Atoms
        With or without a cell; not changed.
    operation : (3, 3) array
        Orthogonal.

    Returns
    -------
    Atoms
        A rotated copy without constraints.
    """
    rotated = structure.copy()
    rotated.set_constraint()
    rotated.positions = structure.positions @ operation.T
    rotated.cell = structure.cell.array @ (np.sign(np.linalg.det(operation)) * operation).T
    return rotated


def rotate_back(prediction: Prediction, operation: np.ndarray) -> Prediction:
    """Bring the prediction for a rotated structure into the frame of the original, in float64.

    Parameters
    ----------
    prediction : Prediction
        For ``rotate(structure, operation)``.
    operation : (3, 3) array
        The same operation.

    Returns
    -------
    Prediction
        Energy, forces ``F @ R`` and stress ``Rᵀ σ R``.
    """
    forces = np.asarray(prediction.forces, dtype=np.float64) @ operation
    stress = prediction.stress
    if stress is not None:
        stress = operation.T @ np.asarray(stress, dtype=np.float64) @ operation
    return Prediction(float(prediction.energy), forces, stress)


def relative_angles(rotations: np.ndarray) -> np.ndarray:
    """Angles between all pairs of rotations.

    Parameters
    ----------
    rotations : (n, 3, 3) array

    Returns
    -------
    (n, n) array
        Angle of R_k R_l⁻¹, radians, 0 to π.
    """
    flat = rotations.reshape(-1, 9)
    return np.arccos(np.clip((flat @ flat.T - 1) / 2, -1, 1))


_Parts = tuple[np.ndarray, np.ndarray, int | None]


def _parse(name: str) -> Callable[[], _Parts]:
    if name == "none":
        return lambda: (np.eye(3)[None], np.ones(1), 0)
    if name in _GROUPS:
        return lambda: _group(name)
    kind, _, number = name.partition("-")
    if kind == "lebedev" and number.isdecimal():
        degree = int(number)
        if degree not in LEBEDEV_DEGREES:
            raise SettingsError(
                f"there is no Lebedev grid of degree {degree} with positive weights; "
                f"choose one of {', '.join(map(str, LEBEDEV_DEGREES))}"
            )
        return lambda: _lebedev(degree)
    if kind == "random" and number.isdecimal() and 1 <= int(number) <= _MOST_RANDOM:
        return lambda: _random(int(number))
    raise SettingsError(
        f"there is no rotation grid {name!r}; choose none, tetrahedral, octahedral, icosahedral, "
        f"lebedev-<degree> (such as lebedev-5) or random-<number> (1 to {_MOST_RANDOM})"
    )


def _group(name: str) -> _Parts:
    symbol, degree = _GROUPS[name]
    rotations = Rotation.create_group(symbol).as_matrix()
    return rotations, np.full(len(rotations), 1 / len(rotations)), degree


def _lebedev(degree: int) -> _Parts:
    """R = R_z(φ) R_y(θ) R_z(γ): (θ, φ) from the rule on the sphere, degree + 1 equal steps of γ."""
    points, sphere_weights = lebedev_rule(degree)
    polar = np.arccos(np.clip(points[2], -1, 1))
    azimuth = np.arctan2(points[1], points[0])
    in_plane = 2 * np.pi * np.arange(degree + 1) / (degree + 1)
    angles = np.array([(a, p, g) for p, a in zip(polar, azimuth, strict=True) for g in in_plane])
    weights = np.repeat(sphere_weights / sphere_weights.sum(), degree + 1) / (degree + 1)
    return Rotation.from_euler("ZYZ", angles).as_matrix(), weights, degree


def _random(number: int) -> _Parts:
    rotations = Rotation.random(number, rng=np.random.default_rng(RANDOM_SEED)).as_matrix()
    return rotations, np.full(number, 1 / number), None
