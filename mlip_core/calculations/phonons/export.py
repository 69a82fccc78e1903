"""The files of phonopy, as text, from a stored record."""

import numpy as np
import yaml

from mlip_core.calculations.phonons.record import Phonons


def force_constants_text(p: Phonons, *, raw: bool = False) -> str:
    """Write phonopy's FORCE_CONSTANTS in the compact layout.

    Parameters
    ----------
    p : Phonons
        The record.
    raw : bool
        Before correction.

    Returns
    -------
    str
        eV/Å²; atoms numbered from 1 as in phonopy's supercell.
    """
    force_constants = p.raw_force_constants if raw else p.force_constants
    lines = [f"{force_constants.shape[0]:4d} {force_constants.shape[1]:4d}"]
    for row, first in zip(force_constants, p.lattice.primitive_to_supercell, strict=True):
        for second, block in enumerate(row):
            lines.append(f"{first + 1} {second + 1}")
            lines += ["".join(f"{value:22.15f}" for value in line) for line in block]
    return "\n".join(lines) + "\n"


def phonopy_params(p: Phonons) -> str:
    """Write phonopy_params.yaml: cells, displacements and forces, which `phonopy.load` reads.

    Parameters
    ----------
    p : Phonons
        The record.

    Returns
    -------
    str
        YAML; forces have the residual subtracted where the settings say so.
    """
    data = p.displacement_set
    forces = data.forces - data.residual if p.settings.subtract_residual else data.forces
    content = {
        "phonopy": {"calculator": "vasp", "frequency_unit_conversion_factor": 15.633302},
        "physical_unit": {"atomic_mass": "AMU", "length": "angstrom", "force_constants": "eV/angstrom^2"},
        "supercell_matrix": p.supercell_matrix.tolist(),
        "primitive_matrix": p.primitive_matrix.tolist(),
        "unit_cell": _cell(p),
        "displacements": [
            {
                "atom": int(atom) + 1,
                "displacement": vector.tolist(),
                "forces": answer.tolist(),
            }
            for atom, vector, answer in zip(data.atoms, data.vectors, forces, strict=True)
        ],
    }
    if p.settings.nac is not None:
        content |= _nac(p)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(content, Dumper=dumper, sort_keys=False, default_flow_style=None, width=120)


def _cell(p: Phonons) -> dict[str, object]:
    atoms = p.unitcell
    fractional = atoms.cell.scaled_positions(atoms.positions)
    rows = zip(atoms.get_chemical_symbols(), fractional.tolist(), atoms.get_masses().tolist(), strict=True)
    points = [{"symbol": symbol, "coordinates": place, "mass": mass} for symbol, place, mass in rows]
    return {"lattice": atoms.cell.array.tolist(), "points": points}


def _nac(p: Phonons) -> dict[str, object]:
    assert p.settings.nac is not None
    owner = _unitcell_atoms(p)
    return {
        "born_effective_charge": [np.array(p.settings.nac.born_charges[atom]).tolist() for atom in owner],
        "dielectric_constant": np.array(p.settings.nac.dielectric).tolist(),
    }


def _unitcell_atoms(p: Phonons) -> list[int]:
    """Atom of the unit cell that each atom of the primitive cell is."""
    difference = p.unitcell.cell.scaled_positions(p.primitive.positions)[:, None] - p.unitcell.cell.scaled_positions(
        p.unitcell.positions
    )
    return [int(i) for i in np.argmin(np.abs(difference - np.rint(difference)).sum(axis=2), axis=1)]
