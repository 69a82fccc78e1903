"""A virial is an energy: the stress of a pair potential comes back, whatever units energies and lengths are in."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.lj import LennardJones

from mlip_core.datasets import Units, read_dataset

# CODATA 2014, as the units of ASE; eV, Å
HARTREE, RYDBERG, BOHR, KCAL = 27.21138602, 13.605693009, 0.52917721067, 0.0433641043
SETTINGS = [
    (Units(), 1.0, 1.0),
    (Units(lengths="bohr"), 1.0, BOHR),
    (Units(energy="Ry", forces="Ry/bohr", stress="Ry/bohr³", lengths="bohr"), RYDBERG, BOHR),
    (Units(energy="Hartree", forces="Hartree/bohr", stress="Hartree/bohr³", lengths="bohr"), HARTREE, BOHR),
    (Units(energy="kcal/mol", forces="kcal/mol/Å", stress="kcal/mol/Å³"), KCAL, 1.0),
    (Units.named("Ry/bohr"), RYDBERG, 1.0),
    (Units(lengths="nm"), 1.0, 10.0),
]


def argon():
    """A strained crystal with its stress, eV and Å; the virial is the sum over pairs r ⊗ F, −V times the stress."""
    atoms = bulk("Ar", cubic=True)
    atoms.set_cell(atoms.cell.array @ [[1.02, 0.01, 0], [0, 0.97, 0.02], [0, 0, 1.05]], scale_atoms=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = LennardJones(sigma=3.4, epsilon=0.0104, rc=10.0)
    return atoms, atoms.get_stress(voigt=False)


def extended_xyz(atoms, virial, length, energy):
    """One frame whose numbers are in other units."""
    lattice = " ".join(map(repr, (atoms.cell.array / length).ravel().tolist()))
    head = f'Lattice="{lattice}" virial="{" ".join(map(repr, (virial / energy).ravel().tolist()))}" '
    force = atoms.get_forces()
    rows = [
        "Ar " + " ".join(map(repr, [*(p / length).tolist(), *f.tolist()]))
        for p, f in zip(atoms.positions, force, strict=True)
    ]
    return "\n".join([str(len(atoms)), head + "Properties=species:S:1:pos:R:3:forces:R:3", *rows, ""]).encode()


@pytest.mark.parametrize(("units", "energy", "length"), SETTINGS)
def test_virial_in_extended_xyz(units, energy, length):
    atoms, stress = argon()
    virial = -stress * atoms.get_volume()
    (frame,) = read_dataset(extended_xyz(atoms, virial, length, energy), "a.xyz", units=units)
    np.testing.assert_allclose(frame.atoms.get_volume(), atoms.get_volume(), rtol=1e-7)
    np.testing.assert_allclose(frame.stress, stress, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(("units", "energy", "length"), SETTINGS)
def test_virial_of_deepmd(tmp_path, units, energy, length):
    atoms, stress = argon()
    (tmp_path / "set.000").mkdir()
    (tmp_path / "type.raw").write_text("0\n" * len(atoms))
    (tmp_path / "type_map.raw").write_text("Ar\n")
    arrays = {
        "coord": atoms.positions.reshape(1, -1) / length,
        "box": atoms.cell.array.reshape(1, 9) / length,
        "energy": np.array([atoms.get_potential_energy()]) / energy,
        "force": atoms.get_forces().reshape(1, -1) / units.forces_in_ev_per_a,
        "virial": -stress.reshape(1, 9) * atoms.get_volume() / energy,
    }
    for name, array in arrays.items():
        np.save(tmp_path / "set.000" / f"{name}.npy", array)
    (frame,) = read_dataset(tmp_path, units=units)
    np.testing.assert_allclose(frame.stress, stress, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(frame.forces, atoms.get_forces(), atol=1e-12)
    assert frame.energy == pytest.approx(atoms.get_potential_energy(), rel=1e-7)


def test_the_stress_itself_is_the_derivative_of_the_energy():
    """The sign: dE/dε of a stretched cell is V times the stress."""
    atoms, stress = argon()
    energies = []
    for strain in (1e-5, -1e-5):
        moved = atoms.copy()
        moved.set_cell(atoms.cell.array * [1, 1, 1 + strain], scale_atoms=True)
        moved.calc = LennardJones(sigma=3.4, epsilon=0.0104, rc=10.0)
        energies.append(moved.get_potential_energy())
    (frame,) = read_dataset(extended_xyz(atoms, -stress * atoms.get_volume(), 1, 1), "a.xyz")
    assert (energies[0] - energies[1]) / 2e-5 == pytest.approx(frame.stress[2, 2] * atoms.get_volume(), rel=1e-4)
