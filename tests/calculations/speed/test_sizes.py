"""A structure repeated to about so many atoms is the same crystal, and nearly a cube."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, graphene, molecule
from ase.constraints import FixAtoms
from ase.geometry import get_distances

from mlip_core.calculations.speed.sizes import repeated, supercell

SIZES = (8, 64, 216, 512, 1000)


def test_a_primitive_cell_of_silicon_becomes_its_cubes():
    cells = repeated(bulk("Si", a=5.43), SIZES)
    assert [len(cell) for cell in cells] == list(SIZES)
    for cell, n in zip(cells, (1, 2, 3, 4, 5), strict=True):
        assert cell.cell.array == pytest.approx(np.eye(3) * n * 5.43, abs=1e-9)


@pytest.mark.parametrize(
    "structure",
    [bulk("Mg"), bulk("Ti", "hcp", a=2.95, c=4.68) * (1, 1, 2), bulk("Al"), bulk("Si") * (1, 2, 3)],
    ids=lambda structure: str(structure.symbols),
)
def test_other_crystals_come_near_to_number_and_cube(structure):
    for cell, wished in zip(repeated(structure, SIZES[1:]), SIZES[1:], strict=True):
        assert abs(np.log(len(cell) / wished)) < 0.55, "between a cube and the next larger one"
        lengths = cell.cell.lengths()
        assert lengths.max() / lengths.min() < 1.35
        assert np.abs(cell.cell.angles() - 90).max() < 31


def test_density_and_neighbours_stay():
    structure = bulk("Mg")
    (cell,) = repeated(structure, (100,))
    assert cell.get_volume() / len(cell) == pytest.approx(structure.get_volume() / len(structure))
    distances = get_distances(cell.positions, cell=cell.cell, pbc=True)[1] + 99 * np.eye(len(cell))
    nearest = bulk("Mg") * (5, 5, 5)
    expected = (get_distances(nearest.positions, cell=nearest.cell, pbc=True)[1] + 99 * np.eye(len(nearest))).min()
    assert distances.min(axis=1) == pytest.approx(np.full(len(cell), expected), abs=1e-6)


def test_a_left_handed_cell_keeps_its_hand():
    structure = bulk("Si")
    structure.set_cell(structure.cell.array[[1, 0, 2]])
    matrix = supercell(structure, 64)
    assert np.linalg.det(matrix) == pytest.approx(32)


@pytest.mark.parametrize("vacuum", [10.0, None])
def test_a_slab_is_repeated_in_its_plane_only(vacuum):
    layer = graphene(vacuum=vacuum)
    for cell in repeated(layer, (64, 200)):
        assert np.ptp(cell.positions[:, 2]) == pytest.approx(0, abs=1e-9)
        assert list(cell.pbc) == [True, True, False]
        a, b = cell.cell.lengths()[:2]
        assert max(a, b) / min(a, b) < 1.35
    assert len(repeated(fcc111("Al", (1, 1, 3), vacuum=8, periodic=False), (3, 75))[0]) == 3


def test_a_wire_is_repeated_along_itself():
    wire = Atoms("C2", positions=[[0, 0, 0], [0, 0, 1.3]], cell=[0, 0, 2.6], pbc=[False, False, True])
    (cell,) = repeated(wire, (20,))
    assert len(cell) == 20
    assert cell.cell.lengths() == pytest.approx([0, 0, 26])


def test_a_molecule_stays_one_and_a_large_cell_is_met_once():
    assert [len(cell) for cell in repeated(molecule("H2O"), SIZES)] == [3]
    large = bulk("Si", cubic=True) * (3, 3, 3)
    large.set_constraint(FixAtoms([0]))
    cells = repeated(large, (8, 64, 216))
    assert [len(cell) for cell in cells] == [216]
    assert not cells[0].constraints
    assert large.constraints
