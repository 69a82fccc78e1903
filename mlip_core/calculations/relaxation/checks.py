"""What a relaxation is watched for, and how its end compares with its start."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.records import record
from mlip_core.structures.close_atoms import closest_pair
from mlip_core.structures.crystal import SymmetryInfo, symmetry

SMALLEST, LARGEST = 1 / 3, 2.0
"""Volume over that of the start at which a relaxation is stopped.

A start whose lattice constants are a fifth too short grows by 1.95; pressure may halve a soft crystal.
"""
LONGEST_STRETCH = 1.6
"""Length over that of the start, along any direction of the crystal, at which a relaxation is stopped.

Layers held together weakly by a model move apart by half their distance at most before they no longer belong together.
"""
UNUSUAL_VOLUME_CHANGE = 0.25
"""Relative change of the volume from which it is pointed out; models and experiments differ by less than a tenth."""
ENERGY_FALL = 50.0
"""eV per atom below the start: more than any bond gives."""
MATCHED_ATOMS = 200
"""Atoms above which a cell is not matched with its start by pymatgen, which becomes slow."""


@record("StartComparison")
@dataclass(frozen=True, kw_only=True)
class StartComparison:
    """The end of a relaxation beside its start."""

    volume_change: float | None
    """Relative change of the volume, (V_end − V_start)/V_start; None without a 3D cell."""
    rms_displacement: float
    """How far the atoms moved within the cell, root mean square over atoms, without the rigid shift of all, Å."""
    rmsd: float | None
    """Distance between the two structures after the best match by pymatgen's StructureMatcher (stol 1.0, no scaling, cells not
    reduced), in units of (V/n_atoms)^(1/3); None where it does not apply."""
    operations_start: tuple[int, int] | None
    """Number of symmetry operations of the start at 1e-5 and 1e-2 Å; None where not periodic in three directions."""
    operations_end: tuple[int, int] | None
    """Number of symmetry operations of the end at 1e-5 and 1e-2 Å; None where not periodic in three directions."""


def blow_up(start: Atoms, atoms: Atoms, energies: list[float]) -> str:
    """Say in a sentence why going on is useless, or nothing."""
    fall = (energies[0] - energies[-1]) / len(atoms)
    if not fall < ENERGY_FALL:
        return (
            f"stopped: the energy fell by {fall:.3g} eV per atom, more than any bond gives. "
            "The model does not know this structure; start from another one or choose another model."
        )
    if atoms.pbc.all() and atoms.cell.rank == 3:
        wrong = _cell_out_of_bounds(start, atoms)
        if wrong:
            return f"stopped: {wrong}. Keep the cell fixed first, or choose another model."
    pair = closest_pair(atoms)
    if pair:
        return (
            f"stopped: atoms {pair[0]} and {pair[1]} came within {pair[2]:.2f} Å. "
            "The model does not keep these atoms apart; start closer to the minimum or choose another model."
        )
    return ""


def _cell_out_of_bounds(start: Atoms, atoms: Atoms) -> str:
    ratio = atoms.get_volume() / start.get_volume()
    if not SMALLEST < ratio < LARGEST:
        return f"the volume became {ratio:.2g} times that of the start"
    stretch = np.linalg.norm(np.linalg.solve(start.cell.array, atoms.cell.array), ord=2)
    if not stretch < LONGEST_STRETCH:
        return f"the crystal became {stretch:.2g} times as long in one direction"
    return ""


def space_group_symbol(atoms: Atoms, symprec: float) -> str | None:
    """Symbol and number as "Fm-3m (225)"; None where not periodic in three directions or not found."""
    found = _symmetry(atoms, symprec)
    return None if found is None else f"{found.international} ({found.number})"


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


def _symmetry(atoms: Atoms, symprec: float) -> SymmetryInfo | None:
    if atoms.cell.rank < 3:
        return None
    try:
        return symmetry(atoms, symprec)
    except StructureError:
        return None


def _operations(atoms: Atoms, tolerances: tuple[float, ...]) -> tuple[int, int] | None:
    tight, loose = (_symmetry(atoms, symprec) for symprec in tolerances)
    return None if tight is None or loose is None else (tight.n_operations, loose.n_operations)


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
