"""Potentials whose phonons are known, and models that are wrong in a known way."""

import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.neighborlist import neighbor_list

import mlip_core as mlip
from mlip_core.models.model import Model, Prediction


class Springs(Model):
    """Pairs of given length r0 held by ½k(r − r0)²; a pair belongs to a shell within 0.25 Å."""

    name = "springs"
    batch_structures = 4

    def __init__(self, *shells):
        self.shells = shells
        self.batches = []

    def _forward(self, structures):
        self.batches.append(len(structures))
        return [self._one(atoms) for atoms in structures]

    def _one(self, atoms):
        energy, forces = 0.0, np.zeros((len(atoms), 3))
        first, vectors, distances = neighbor_list("iDd", atoms, max(r0 for r0, _ in self.shells) + 0.25)
        for r0, k in self.shells:
            near = np.abs(distances - r0) < 0.25
            stretch = distances[near] - r0
            energy += float(np.sum(k * stretch**2) / 4)
            np.add.at(forces, first[near], (k * stretch / distances[near])[:, None] * vectors[near])
        return Prediction(energy, forces, None)


class Gaussians(Model):
    """Every pair repels by 100 exp(−(r/1.3 Å)²) eV: works for any structure, relaxed or not."""

    name = "gaussians"
    width = 1.3

    def _forward(self, structures):
        return [self._one(atoms) for atoms in structures]

    def _one(self, atoms):
        first, vectors, distances = neighbor_list("iDd", atoms, 5.5)
        pair = 100 * np.exp(-((distances / self.width) ** 2))
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, first, -(2 * pair / self.width**2)[:, None] * vectors)
        return Prediction(float(pair.sum() / 2), forces, None)


class Wrong(Model):
    """Another model with its forces changed by a function of the forces."""

    name = "wrong"

    def __init__(self, model, change):
        self.model, self.change = model, change

    def _forward(self, structures):
        return [p._replace(forces=self.change(p.forces)) for p in self.model.predict(structures)]


@pytest.fixture(scope="session")
def emt():
    return mlip.from_ase(EMT(), name="EMT")


@pytest.fixture(scope="session")
def wrong():
    return Wrong


@pytest.fixture(scope="session")
def springs():
    return Springs


@pytest.fixture(scope="session")
def gaussians():
    return Gaussians()


@pytest.fixture(scope="session")
def aluminium():
    """Conventional cell: four atoms where the primitive cell has one."""
    return bulk("Al", cubic=True)


@pytest.fixture(scope="session")
def fcc():
    """(primitive cell, nearest-neighbour springs, k): a = 4 Å, k = 2 eV/Å²."""
    return bulk("Al", "fcc", 4.0), Springs((4.0 / np.sqrt(2), 2.0)), 2.0


@pytest.fixture(scope="session")
def magnesia():
    """(conventional MgO, springs between first and second neighbours)."""
    a = 4.2
    return bulk("MgO", "rocksalt", a, cubic=True), Springs((a / 2, 5.0), (a / np.sqrt(2), 1.0))


@pytest.fixture(scope="session")
def phonopy_by_hand():
    """What a person would write with phonopy alone."""

    def run(structure, calculator, matrix, displacement=0.01):
        from phonopy import Phonopy
        from phonopy.structure.atoms import PhonopyAtoms

        unitcell = PhonopyAtoms(structure.get_chemical_symbols(), cell=structure.cell[:], positions=structure.positions)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            phonopy = Phonopy(unitcell, matrix, primitive_matrix="auto")
        phonopy.generate_displacements(distance=displacement)
        forces = []
        for cell in phonopy.supercells_with_displacements:
            atoms = Atoms(cell.symbols, cell=cell.cell, positions=cell.positions, pbc=True)
            atoms.calc = calculator
            forces.append(atoms.get_forces())
        phonopy.forces = forces
        phonopy.produce_force_constants()
        return phonopy

    return run
