"""A potential whose dependence on orientation is known in closed form."""

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.geometry import complete_cell
from numpy.polynomial import legendre

from mlip_core.models.model import Claims, Model, Prediction

AXIS = np.array([0.36, -0.48, 0.8])


def polynomial(degree, t):
    """P_l, P_l′ and P_l″ at t."""
    series = np.eye(degree + 1)[degree]
    return [legendre.legval(t, legendre.legder(series, k)) for k in range(3)]


def neighbours(atoms, cutoff):
    """Centre, neighbour and arrow of every pair closer than the cutoff, images included."""
    cell, images = atoms.cell.array, np.zeros((1, 3))
    if atoms.pbc.any():
        full = complete_cell(cell)
        reach = (
            np.where(atoms.pbc, np.ceil(cutoff * np.linalg.norm(np.linalg.inv(full), axis=0)), 0).astype(int)
            + atoms.pbc
        )
        images = np.array(list(itertools.product(*(range(-n, n + 1) for n in reach))))
    x = atoms.positions
    arrows = x[None, :, None] - x[:, None, None] + images @ cell
    distance2 = np.sum(arrows**2, axis=-1)
    i, j, image = np.nonzero((distance2 < cutoff**2) & (distance2 > 1e-12))
    return i, j, arrows[i, j, image]


class LegendrePotential(Model):
    """E = Σ_ij q_i w(r_ij) Σ_l c_l P_l(n_ij · e): degree l of the energy has the size c_l, forces are its gradient."""

    name = "Legendre sum"
    dtype = "float64"
    claims = Claims(rotation=False, inversion=False, translation=True, conservative=True)

    def __init__(self, coefficients, cutoff=3.4):
        self.coefficients = dict(coefficients)
        self.cutoff = cutoff
        self.batches = []

    def pairs(self, atoms):
        """Centre, neighbour, arrow, distance, and q w, q w′ of each pair."""
        i, j, arrow = neighbours(atoms, self.cutoff)
        r = np.linalg.norm(arrow, axis=1)
        q = 0.4 + 0.3 * (atoms.numbers[i] % 7)
        gap = 1 - r / self.cutoff
        return i, j, arrow, r, q * gap**3, -3 * q * gap**2 / self.cutoff

    def _forward(self, structures):
        self.batches.append(len(structures))
        return [self._one(atoms) for atoms in structures]

    def _one(self, atoms):
        i, j, arrow, r, w, dw = self.pairs(atoms)
        n = arrow / r[:, None]
        t = n @ AXIS
        series = np.zeros(1 + max(self.coefficients))
        series[list(self.coefficients)] = list(self.coefficients.values())
        p, dp = legendre.legval(t, series), legendre.legval(t, legendre.legder(series))
        energy = np.sum(w * p)
        gradient = (dw * p)[:, None] * n + (w * dp / r)[:, None] * (AXIS - t[:, None] * n)
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, i, gradient)
        np.add.at(forces, j, -gradient)
        stress = None
        if atoms.cell.rank == 3 and atoms.pbc.all():
            virial = arrow.T @ gradient
            stress = (virial + virial.T) / 2 / atoms.get_volume()
        return Prediction(float(energy), forces, stress)

    def truth(self, atoms):
        """Mean energy and energy_rot_std, forces_rot_std over all rotations, by the addition theorem."""
        i, j, arrow, r, w, dw = self.pairs(atoms)
        n = arrow / r[:, None]
        t = np.clip(n @ n.T, -1, 1)
        shared = (i[:, None] == i).astype(float) + (j[:, None] == j) - (i[:, None] == j) - (j[:, None] == i)
        wr = w / r
        energy_variance = force_variance = 0.0
        for degree, c in self.coefficients.items():
            if degree == 0:
                continue
            p, dp, ddp = polynomial(degree, t)
            energy_variance += c**2 / (2 * degree + 1) * (w @ p @ w)
            sine2 = 1 - t**2
            gradients = np.outer(dw, dw) * p * t + (np.outer(dw, wr) + np.outer(wr, dw)) * dp * sine2
            gradients += np.outer(wr, wr) * ((1 + t**2) * dp - t * sine2 * ddp)
            force_variance += c**2 / (2 * degree + 1) * np.sum(shared * gradients)
        n_atoms = len(atoms)
        mean = self.coefficients.get(0, 0.0) * w.sum()
        return mean, np.sqrt(energy_variance) / n_atoms, np.sqrt(force_variance / (3 * n_atoms))


@pytest.fixture(scope="session")
def legendre_potential():
    """The class: ``legendre_potential({0: 1.0, 4: 0.3})``."""
    return LegendrePotential


@pytest.fixture
def anisotropic():
    """A model that holds every degree up to 6."""
    return LegendrePotential({0: 1.0, 1: 0.3, 2: 0.2, 3: 0.25, 4: 0.15, 5: 0.1, 6: 0.2})


@pytest.fixture
def rattled():
    """A periodic structure of eight atoms without any symmetry."""
    rng = np.random.default_rng(7)
    places = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2], [2, 2, 2.0]])
    cell = 4.1 * np.eye(3) + rng.normal(scale=0.1, size=(3, 3))
    return Atoms("Mg4O4", places + rng.normal(scale=0.15, size=(8, 3)), cell=cell, pbc=True)


@pytest.fixture
def cluster(rattled):
    """The same atoms without a cell."""
    return Atoms(rattled.numbers, rattled.positions)
