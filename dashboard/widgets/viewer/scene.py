"""Turn structures into the plain data that the viewer in the browser draws. No Streamlit, no markup in here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.data import atomic_names, chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors
from plotly.colors import sample_colorscale

from mlip_core.structures.formula import formula
from mlip_core.viewing.geometry import ball_radius, bonds, hex_color, images, thinned

DrawStyle = Literal["ball-stick", "spheres", "sticks"]

LONGEST_ARROW = 1.8
"""Å: length of the longest arrow where no scale is given."""


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
    kept = thinned(len(frames), len(first))
    repeats = tuple(n if periodic else 1 for n, periodic in zip(supercell, first.pbc, strict=True))
    parent, shift = images(first, repeats)
    species = sorted(set(first.numbers.tolist()))
    kind = {number: k for k, number in enumerate(species)}
    described = {
        "structure": _identity(first, repeats, len(frames)),
        "description": f"{formula(first)}, {len(first)} atoms",
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


def _identity(atoms: Atoms, repeats: tuple[int, ...], n_frames: int) -> str:
    """Name what the camera and the chosen atom belong to."""
    parts = (atoms.numbers.tolist(), np.round(atoms.cell.array, 1).tolist(), repeats, n_frames > 1)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _element(number: int) -> dict[str, Any]:
    covalent = float(covalent_radii[number])
    return {
        "symbol": chemical_symbols[number],
        "name": atomic_names[number],
        "color": hex_color(jmol_colors[number]),
        "radius": ball_radius(number),
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
    return [hex_color(color) for color in tuples]


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
