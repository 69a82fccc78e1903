"""Turn structures into the plain data that the viewer in the browser draws. No Streamlit, no markup in here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.data import atomic_names, chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors
from plotly.colors import sample_colorscale
from scipy.spatial import cKDTree

DrawStyle = Literal["ball-stick", "spheres", "sticks"]

BOND_FACTOR = 1.2
"""Two atoms are joined when closer than this times the sum of their covalent radii."""
BOUNDARY = 0.12
"""Å: atoms this close to a face of the cell are drawn on the opposite face too."""
MAX_BOUNDARY_ATOMS = 3000
"""With more atoms than this, no copies on faces."""
MAX_COORDINATES = 600_000
"""Longer trajectories are thinned evenly to this many numbers; first and last frame stay."""
LONGEST_ARROW = 1.8
"""Å: length of the longest arrow where no scale is given."""

_NONMETALS = [1, 2, *range(5, 11), *range(14, 19), *range(32, 37), *range(51, 55), 85, 86]


@dataclass(frozen=True)
class Arrows:
    """One vector an atom, drawn from its surface."""

    vectors: np.ndarray
    """(n_atoms, 3), or (n_frames, n_atoms, 3) where they change with the frame."""
    color: str
    """"#rrggbb"."""
    label: str
    """What the legend says."""


@dataclass(frozen=True)
class AtomColors:
    """One number an atom, drawn as its colour."""

    values: np.ndarray
    """(n_atoms,), in `unit`; NaN is drawn grey."""
    label: str
    """What the colour bar says."""
    unit: str = ""
    """Unit of the values."""
    scale: str = "Viridis"
    """A colour scale of Plotly."""
    limits: tuple[float, float] | None = None
    """Ends of the colour bar; None takes the extremes."""


def scene(
    structure: Atoms | Sequence[Atoms],
    *,
    color_by: AtomColors | None = None,
    arrows: Sequence[Arrows] = (),
    arrow_scale: float | None = None,
    arrow_unit: str = "eV/Å",
    cell: bool = True,
    supercell: tuple[int, int, int] = (1, 1, 1),
    style: DrawStyle = "ball-stick",
    labels: Sequence[str] | None = None,
    selected: Sequence[int] = (),
    animate: bool = False,
    fps: float = 12,
    frame_labels: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Describe what is to be drawn.

    Parameters
    ----------
    structure : Atoms or sequence of Atoms
        One structure, or the frames of an animation (same atoms, same order).
    color_by : AtomColors, optional
        Colours atoms by a number instead of by element.
    arrows : sequence of Arrows
        Vectors on atoms, all on one scale.
    arrow_scale : float, optional
        Å drawn for one `arrow_unit`; by default the longest arrow is 1.8 Å.
    arrow_unit : str
        Unit of the vectors.
    cell : bool
        Draw the edges of the cell.
    supercell : (int, int, int)
        Repeats along periodic directions.
    style : str
        "ball-stick", "spheres" or "sticks".
    labels : sequence of str, optional
        (n_atoms,), text beside each atom.
    selected : sequence of int
        Atoms to point out.
    animate : bool
        Start playing at once.
    fps : float
        Frames a second.
    frame_labels : sequence of str, optional
        (n_frames,), what the slider says.

    Returns
    -------
    dict
        Numbers and short strings only; every text from a file stays behind.

    Raises
    ------
    ValueError
        If lengths do not fit the number of atoms or frames.
    """
    frames = [structure] if isinstance(structure, Atoms) else list(structure)
    _check(frames, color_by=color_by, arrows=arrows, labels=labels, frame_labels=frame_labels)
    first = frames[0]
    kept = _thinned(len(frames), len(first))
    repeats = tuple(n if periodic else 1 for n, periodic in zip(supercell, first.pbc, strict=True))
    parent, shift = images(first, repeats)
    species = sorted(set(first.numbers.tolist()))
    kind = {number: k for k, number in enumerate(species)}
    described = {
        "structure": _identity(first, repeats, len(frames)),
        "description": f"{first.get_chemical_formula()}, {len(first)} atoms",
        "elements": [_element(number) for number in species],
        "species": [kind[number] for number in first.numbers.tolist()],
        "parent": parent.tolist(),
        "shift": shift.ravel().tolist(),
        "bonds": _bonds([frames[k] for k in kept], parent, shift),
        "frames": [_flat(frames[k].positions) for k in kept],
        "cells": _cells([frames[k] for k in kept]),
        "showCell": bool(cell and first.cell.rank == 3),
        "repeats": repeats,
        "style": style,
        "colors": None if color_by is None else _atom_colors(color_by),
        "colorBar": None if color_by is None else _color_bar(color_by),
        "arrows": _arrows(arrows, kept, arrow_scale, arrow_unit),
        "labels": None if labels is None else [str(label) for label in labels],
        "selected": [int(k) for k in selected],
        "play": bool(animate and len(kept) > 1),
        "fps": float(fps),
        "frameLabels": [str(frame_labels[k] if frame_labels else f"{k} of {len(frames) - 1}") for k in kept],
    }
    described["version"] = hashlib.sha256(json.dumps(described).encode()).hexdigest()[:16]
    return described


def images(atoms: Atoms, repeats: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """List what is drawn: every atom inside the repeated cell, those on its faces on all of them.

    Parameters
    ----------
    atoms : Atoms
        One cell, n atoms.
    repeats : (3,)
        How often it is repeated along a, b, c.

    Returns
    -------
    parent : (m,)
        Which atom each image belongs to.
    shift : (m, 3)
        Whole cell vectors added to its position.
    """
    n = len(atoms)
    if not atoms.pbc.any() or atoms.cell.rank < 3:
        return np.arange(n), np.zeros((n, 3), dtype=int)
    heights = 1 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    margin = np.where(atoms.pbc, np.minimum(BOUNDARY / heights, 0.05), 0.0)
    fractional = atoms.cell.scaled_positions(atoms.positions)
    home = np.where(atoms.pbc, np.floor(fractional + margin), 0).astype(int)
    fractional = fractional - home
    on_faces = n * int(np.prod(repeats)) <= MAX_BOUNDARY_ATOMS
    limits = np.array(repeats) + (margin if on_faces else -margin)
    parent, shift = [], []
    for step in product(*(range(r + 1) if p else (0,) for r, p in zip(repeats, atoms.pbc, strict=True))):
        moved = np.where(atoms.pbc, fractional + step < limits, True)
        inside = np.flatnonzero(moved.all(axis=1))
        parent.append(inside)
        shift.append(np.array(step) - home[inside])
    return np.concatenate(parent), np.concatenate(shift)


def bonds(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Join neighbours; metal atoms among themselves only where nothing else is present.

    Parameters
    ----------
    numbers : (n,)
        Atomic numbers.
    positions : (n, 3)
        Å.

    Returns
    -------
    (n_bonds, 2)
        Pairs of indices.
    """
    radii = covalent_radii[numbers]
    pairs = cKDTree(positions).query_pairs(2 * BOND_FACTOR * radii.max(), output_type="ndarray")
    i, j = pairs.T
    near = np.linalg.norm(positions[i] - positions[j], axis=1) < BOND_FACTOR * (radii[i] + radii[j])
    metal = ~np.isin(numbers, _NONMETALS)
    if not metal.all():
        near &= ~(metal[i] & metal[j])
    return pairs[near]


def _bonds(frames: list[Atoms], parent: np.ndarray, shift: np.ndarray) -> list[list[int]]:
    """Pairs of every frame, flat: an animation may break and form bonds. One list where all frames have the same."""
    found = [
        bonds(frame.numbers[parent], frame.positions[parent] + shift @ frame.cell.array).ravel().tolist()
        for frame in frames
    ]
    return found if any(pairs != found[0] for pairs in found) else found[:1]


def _check(
    frames: list[Atoms],
    *,
    color_by: AtomColors | None,
    arrows: Sequence[Arrows],
    labels: Sequence[str] | None,
    frame_labels: Sequence[str] | None,
) -> None:
    if not frames or not len(frames[0]):
        raise ValueError("there is no atom to draw")
    n = len(frames[0])
    if any(not np.array_equal(frame.numbers, frames[0].numbers) for frame in frames):
        raise ValueError("the frames of an animation must hold the same atoms in the same order")
    if color_by is not None and np.shape(color_by.values) != (n,):
        raise ValueError(f"{np.shape(color_by.values)} values to colour {n} atoms by")
    for group in arrows:
        if np.shape(group.vectors) not in ((n, 3), (len(frames), n, 3)):
            raise ValueError(f"arrows of shape {np.shape(group.vectors)} do not fit {n} atoms")
    if labels is not None and len(labels) != n:
        raise ValueError(f"{len(labels)} labels for {n} atoms")
    if frame_labels is not None and len(frame_labels) != len(frames):
        raise ValueError(f"{len(frame_labels)} labels for {len(frames)} frames")


def _thinned(n_frames: int, n_atoms: int) -> list[int]:
    most = max(2, MAX_COORDINATES // (3 * n_atoms))
    if n_frames <= most:
        return list(range(n_frames))
    return sorted(set(np.linspace(0, n_frames - 1, most).round().astype(int).tolist()))


def _identity(atoms: Atoms, repeats: tuple[int, ...], n_frames: int) -> str:
    """Name what the camera and the chosen atom belong to."""
    parts = (atoms.numbers.tolist(), np.round(atoms.cell.array, 1).tolist(), repeats, n_frames > 1)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _element(number: int) -> dict[str, Any]:
    covalent = float(covalent_radii[number])
    return {
        "symbol": chemical_symbols[number],
        "name": atomic_names[number],
        "color": _hex(jmol_colors[number]),
        "radius": round(0.24 + 0.2 * covalent, 3),
        "large": round(covalent, 3),
    }


def _cells(frames: list[Atoms]) -> list[list[float]]:
    """Give one cell where all are the same."""
    cells = [frame.cell.array for frame in frames]
    same = all(np.array_equal(cell, cells[0]) for cell in cells)
    return [_flat(cell) for cell in (cells[:1] if same else cells)]


def _limits(color_by: AtomColors) -> tuple[float, float]:
    if color_by.limits is not None:
        return color_by.limits
    finite = np.asarray(color_by.values, dtype=float)
    finite = finite[np.isfinite(finite)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)


def _atom_colors(color_by: AtomColors) -> list[str]:
    low, high = _limits(color_by)
    values = np.asarray(color_by.values, dtype=float)
    share = np.clip((values - low) / (high - low), 0, 1) if high > low else 0.0 * values
    stops = _stops(color_by.scale, 256)
    return ["#9aa4b0" if np.isnan(x) else stops[round(float(x) * 255)] for x in share]


def _color_bar(color_by: AtomColors) -> dict[str, Any]:
    low, high = _limits(color_by)
    return {
        "label": str(color_by.label),
        "unit": str(color_by.unit),
        "low": low,
        "high": high,
        "stops": _stops(color_by.scale, 12),
        "values": [None if np.isnan(x) else float(x) for x in np.asarray(color_by.values, dtype=float)],
    }


def _stops(scale: str, n: int) -> list[str]:
    tuples = sample_colorscale(scale, np.linspace(0, 1, n).tolist(), colortype="tuple")
    return [_hex(color) for color in tuples]


def _arrows(arrows: Sequence[Arrows], kept: list[int], scale: float | None, unit: str) -> dict[str, Any] | None:
    if not arrows:
        return None
    groups = [np.asarray(group.vectors, dtype=float) for group in arrows]
    longest = max(float(np.linalg.norm(group, axis=-1).max()) for group in groups)
    return {
        "scale": scale if scale is not None else LONGEST_ARROW / longest if longest > 0 else 1.0,
        "longest": longest,
        "unit": unit,
        "groups": [
            {
                "color": group.color,
                "label": str(group.label),
                "frames": [_flat(v) for v in ([vectors] if vectors.ndim == 2 else vectors[kept])],
            }
            for group, vectors in zip(arrows, groups, strict=True)
        ],
    }


def _flat(array: np.ndarray) -> list[float]:
    return np.round(np.asarray(array, dtype=float), 5).ravel().tolist()


def _hex(color: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in color)
