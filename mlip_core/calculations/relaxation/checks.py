"""What a relaxation is watched for, and how its end compares with its start."""

import warnings
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.records import record

CLOSEST = 0.5
"""Å; nearer atoms mean that the model left the region it knows."""
VOLUME_RATIO = 3.0
"""Volume over (or under) that of the start at which a relaxation has blown up."""
ENERGY_FALL = 50.0
"""eV per atom below the start: more than any bond gives."""
MATCHED_ATOMS = 200
"""Larger cells are not matched by pymatgen (it becomes slow)."""


@record("StartComparison")
@dataclass(frozen=True, kw_only=True)
class StartComparison:
    """The end of a relaxation beside its start."""

    volume_change: float | None
    """(V_end − V_start)/V_start; None without a 3D cell."""
    rms_displacement: float
    """Å: root mean square over atoms of how far each moved at fixed cell, rigid shift removed."""
    rmsd: float | None
    """pymatgen's StructureMatcher (stol 1.0, no scaling, cells not reduced), in units of (V/n_atoms)^(1/3); None where it does not apply."""
    operations_start: tuple[int, int] | None
    """Symmetry operations of the start at 1e-5 and 1e-2 Å; None where not periodic in three directions."""
    operations_end: tuple[int, int] | None
    """The same of the end."""


def blow_up(start: Atoms, atoms: Atoms, energies: list[float]) -> str:
    """Say in a sentence why going on is useless, or nothing."""
    fall = (energies[0] - energies[-1]) / len(atoms)
    if not fall < ENERGY_FALL:
        return (
            f"stopped: the energy fell by {fall:.3g} eV per atom, more than any bond gives. "
            "The model does not know this structure; start from another one or choose another model."
        )
    if atoms.pbc.all() and atoms.cell.rank == 3:
        ratio = atoms.get_volume() / start.get_volume()
        if not 1 / VOLUME_RATIO < ratio < VOLUME_RATIO:
            return (
                f"stopped: the volume became {ratio:.2g} times that of the start. "
                "Keep the cell fixed first, or choose another model."
            )
    pair = _closest_pair(atoms)
    if pair:
        return (
            f"stopped: atoms {pair[0]} and {pair[1]} came within {pair[2]:.2f} Å. "
            "The model does not keep these atoms apart; start closer to the minimum or choose another model."
        )
    return ""


def _closest_pair(atoms: Atoms) -> tuple[int, int, float] | None:
    from ase.neighborlist import neighbor_list

    first, second, distances = neighbor_list("ijd", atoms, CLOSEST)
    if len(distances) == 0:
        return None
    nearest = int(np.argmin(distances))
    return int(first[nearest]), int(second[nearest]), float(distances[nearest])


def space_group(atoms: Atoms, symprec: float) -> str | None:
    """Symbol and number as "Fm-3m (225)"; None where not periodic in three directions or not found."""
    dataset = _symmetry(atoms, symprec)
    return None if dataset is None else f"{dataset.international} ({dataset.number})"


def compare_with_start(start: Atoms, end: Atoms, *tolerances: float) -> StartComparison:
    """Compare a relaxed structure with its start (same atoms, same order)."""
    crystal = bool(start.pbc.all()) and start.cell.rank == 3
    return StartComparison(
        volume_change=float(end.get_volume() / start.get_volume() - 1) if crystal else None,
        rms_displacement=_rms_displacement(start, end),
        rmsd=_matched_rmsd(start, end) if crystal and len(start) <= MATCHED_ATOMS else None,
        operations_start=_operations(start, tolerances),
        operations_end=_operations(end, tolerances),
    )


def _symmetry(atoms: Atoms, symprec: float):  # type: ignore[no-untyped-def]  # noqa: ANN202
    import spglib

    if not (atoms.pbc.all() and atoms.cell.rank == 3):
        return None
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return spglib.get_symmetry_dataset(cell, symprec=symprec)
        except Exception:
            return None


def _operations(atoms: Atoms, tolerances: tuple[float, ...]) -> tuple[int, int] | None:
    found = [_symmetry(atoms, symprec) for symprec in tolerances]
    if any(dataset is None for dataset in found):
        return None
    tight, loose = (len(dataset.rotations) for dataset in found)
    return tight, loose


def _rms_displacement(start: Atoms, end: Atoms) -> float:
    if start.cell.rank == 3:
        fractional = end.cell.scaled_positions(end.positions) - start.cell.scaled_positions(start.positions)
        moved = start.cell.cartesian_positions(fractional)
    else:
        moved = end.positions - start.positions
    moved = moved - moved.mean(axis=0)
    return float(np.sqrt(np.mean(np.sum(moved**2, axis=1))))


def _matched_rmsd(start: Atoms, end: Atoms) -> float | None:
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Lattice, Structure

    def convert(atoms: Atoms) -> Structure:
        return Structure(Lattice(atoms.cell.array), atoms.get_chemical_symbols(), atoms.get_scaled_positions())

    match = StructureMatcher(stol=1.0, scale=False, primitive_cell=False).get_rms_dist(convert(start), convert(end))
    return None if match is None else float(match[0])
