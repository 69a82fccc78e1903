"""A prediction as a function of orientation: around axes, and over the sphere."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from scipy.spatial.transform import Rotation

from mlip_core.calculations.rotations.statistics import rotated_predictions
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.symmetry.rotations import GENERIC_FRAMES


@record("AngleScan")
@dataclass(frozen=True)
class AngleScan:
    """Deviation against the angle by which the structure is rotated, axis by axis."""

    axes: np.ndarray
    """(n_axes, 3), axes of rotation, unit vectors in the laboratory."""
    angles: np.ndarray
    """(n_angles,), angles of rotation, degrees, from 0 (where every deviation is 0) to below 360."""
    energy_deviations: np.ndarray
    """(n_axes, n_angles), change of the energy (E(θ) − E(0)) / N, eV/atom."""
    force_deviations: np.ndarray
    """(n_axes, n_angles), change of the forces F̃(θ) − F̃(0), root mean square over the 3N components, eV/Å."""


@record("OrientationMap")
@dataclass(frozen=True)
class OrientationMap:
    """Predictions over the sphere: each point a direction of the structure that is rotated to point along +z.

    What remains free, the rotation about z, is averaged over a few equal steps.
    """

    polar: np.ndarray
    """(n_polar,), angle of the direction from z, degrees, 0 to 180, both poles included."""
    azimuth: np.ndarray
    """(n_azimuth,), angle of the direction around z, degrees, 0 to 360, both included, so that the sphere closes."""
    directions: np.ndarray
    """(n_polar, n_azimuth, 3), the directions as unit vectors in the structure's own frame."""
    energies: np.ndarray
    """(n_polar, n_azimuth), energy less its mean over the sphere, eV/atom."""
    in_plane_std: np.ndarray
    """(n_polar, n_azimuth), standard deviation of the energy over the rotations about z, eV/atom."""
    forces: np.ndarray
    """(n_polar, n_azimuth, n_atoms, 3), forces, rotated back into the structure's own frame, eV/Å."""
    evaluations: int
    """Number of orientations in which the model was asked."""

    def force(self, atom: int, axis: int) -> np.ndarray:
        """(n_polar, n_azimuth), component of the force on an atom in the structure's own frame, less its mean over the sphere, eV/Å."""
        values = self.forces[:, :, atom, axis]
        return values - sphere_mean(values, self.polar)


def sphere_mean(values: np.ndarray, polar: np.ndarray) -> float:
    """Mean over the sphere, by solid angle, of values (n_polar, n_azimuth) whose last column repeats the first."""
    solid_angle = np.sin(np.radians(polar))
    return float(solid_angle @ values[:, :-1].mean(axis=1) / solid_angle.sum())


def angle_scan(
    model: Model, structure: Atoms, axes: np.ndarray, n_angles: int, *, progress: Progress = silent
) -> AngleScan:
    """Rotate a structure about axes of the laboratory, from a generic first orientation.

    Parameters
    ----------
    model : Model
    structure : Atoms
    axes : (n_axes, 3) array
        Any length.
    n_angles : int
        Equal steps of a full rotation.
    progress : callable, optional

    Returns
    -------
    AngleScan
    """
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    angles = 360.0 * np.arange(n_angles) / n_angles
    start = GENERIC_FRAMES[1]
    rotations = [Rotation.from_rotvec(np.radians(a) * axis).as_matrix() @ start for axis in axes for a in angles[1:]]
    rotated = rotated_predictions(model, structure, [start, *rotations], progress=progress)
    energy = np.zeros((len(axes), n_angles))
    force = np.zeros((len(axes), n_angles))
    energy[:, 1:] = (rotated.energies[1:] - rotated.energies[0]).reshape(len(axes), -1) / len(structure)
    rms = np.sqrt(np.mean((rotated.forces[1:] - rotated.forces[0]) ** 2, axis=(1, 2)))
    force[:, 1:] = rms.reshape(len(axes), -1)
    return AngleScan(axes, angles, energy, force)


def orientation_map(
    model: Model, structure: Atoms, n_polar: int, in_plane: int, *, progress: Progress = silent
) -> OrientationMap:
    """Evaluate a structure over the sphere of its directions.

    Parameters
    ----------
    model : Model
    structure : Atoms
    n_polar : int
        Circles of latitude, poles included; twice n_polar − 1 points on each.
    in_plane : int
        Rotations about z over which each point is averaged. One alone leaves a seam at the
        south pole: no rotation field covers the sphere without one.
    progress : callable, optional

    Returns
    -------
    OrientationMap
    """
    polar, azimuth = np.linspace(0, 180, n_polar), np.linspace(0, 360, 2 * (n_polar - 1) + 1)
    theta, phi = np.radians(np.meshgrid(polar, azimuth, indexing="ij"))
    directions = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)
    points, place = _distinct(n_polar, len(azimuth))
    rotations = np.concatenate([_to_z(directions.reshape(-1, 3)[p], in_plane) for p in points])
    rotated = rotated_predictions(model, structure, rotations, progress=progress)
    energies = rotated.energies.reshape(-1, in_plane) / len(structure)
    forces = rotated.forces.reshape(len(points), in_plane, -1, 3).mean(axis=1)
    mean = energies.mean(axis=1)[place]
    mean = mean - sphere_mean(mean, polar)
    return OrientationMap(polar, azimuth, directions, mean, energies.std(axis=1)[place], forces[place], len(rotations))


def map_points(n_polar: int) -> int:
    """Number of different directions on a map with so many circles of latitude."""
    return 2 * (n_polar - 1) * (n_polar - 2) + 2


def _distinct(n_polar: int, n_azimuth: int) -> tuple[list[int], np.ndarray]:
    """Flat indices of the points to evaluate, and for each point of the mesh which of them it shows."""
    keys = [
        (row, 0 if row in (0, n_polar - 1) else column % (n_azimuth - 1))
        for row in range(n_polar)
        for column in range(n_azimuth)
    ]
    order = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    points = [row * n_azimuth + column for row, column in order]
    return points, np.array([order[key] for key in keys]).reshape(n_polar, n_azimuth)


def rotation_to_z(polar: float, azimuth: float) -> np.ndarray:
    """(3, 3), the shortest rotation of a direction, given by two angles in degrees, to +z: the first in which the map asks for it."""
    theta, phi = np.radians([polar, azimuth])
    return _to_z(np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]), 1)[0]


def _to_z(direction: np.ndarray, in_plane: int) -> np.ndarray:
    """(in_plane, 3, 3): the shortest rotation of a direction to +z, followed by equal rotations about z."""
    axis = np.cross(direction, [0.0, 0.0, 1.0])
    sine = np.linalg.norm(axis)
    axis = axis / sine if sine > 1e-12 else np.array([1.0, 0.0, 0.0])
    tilt = Rotation.from_rotvec(np.arctan2(sine, direction[2]) * axis).as_matrix()
    spins = Rotation.from_rotvec(np.outer(2 * np.pi * np.arange(in_plane) / in_plane, [0, 0, 1])).as_matrix()
    return spins @ tilt
