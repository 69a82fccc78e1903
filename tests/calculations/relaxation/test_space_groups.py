"""The space group along a relaxation is found again only where the shape changes, and is then spglib's."""

import numpy as np
import pytest
import spglib
from ase.build import bulk

from mlip_core.calculations.relaxation import space_groups
from mlip_core.calculations.relaxation.space_groups import PART, FollowedSpaceGroup, change_of_shape
from mlip_core.calculations.relaxation.trace import LOOSE, TIGHT


def by_spglib(atoms, symprec):
    return spglib.get_spacegroup((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), symprec=symprec)


@pytest.fixture
def searches(monkeypatch):
    made, whole = [], space_groups.space_group_symbol
    monkeypatch.setattr(space_groups, "space_group_symbol", lambda *asked: made.append(1) or whole(*asked))
    return made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("symprec", [TIGHT, LOOSE])
def test_on_the_way_it_is_that_of_spglib(symprec):
    start = bulk("Si", cubic=True)
    rattle = np.random.default_rng(0).normal(size=start.positions.shape)
    followed, seen = FollowedSpaceGroup(symprec), set()
    for size in [*np.geomspace(0.1, 1e-7, 40), *np.geomspace(1e-7, 0.1, 40)]:
        atoms = start.copy()
        atoms.set_cell(atoms.cell.array * (1 + size) + size * np.diag([0, 0, 0.5]), scale_atoms=True)
        atoms.positions += size * rattle + 0.2 * size
        seen.add(followed.of(atoms))
        assert followed.of(atoms) == by_spglib(atoms, symprec)
    assert "Fd-3m (227)" in seen
    assert len(seen) > 1


def test_a_crystal_that_grows_and_drifts_is_looked_at_once(searches):
    start, followed = bulk("NaCl", "rocksalt", 5.64, cubic=True), FollowedSpaceGroup(LOOSE)
    for step in range(5):
        atoms = start.copy()
        atoms.set_cell(atoms.cell.array * (1 + 0.005 * step), scale_atoms=True)
        atoms.positions += 0.1 * step
        assert followed.of(atoms) == "Fm-3m (225)"
    assert len(searches) == 1
    atoms.positions[0, 0] += 2 * PART * LOOSE
    followed.of(atoms)
    assert len(searches) == 2


def test_small_steps_add_up(searches):
    atoms, followed = bulk("Si", cubic=True), FollowedSpaceGroup(LOOSE)
    for _ in range(30):
        atoms = atoms.copy()
        atoms.positions[3] += [0.3 * PART * LOOSE, 0, 0]
        followed.of(atoms)
    assert 5 < len(searches) < 12


def test_the_change_of_shape_is_what_was_done():
    start = bulk("NaCl", "rocksalt", 5.64, cubic=True)
    moved = start.copy()
    moved.positions[2] += [0, 0.08, 0]
    assert change_of_shape(start, moved) == pytest.approx(0.08 * 7 / 8)
    sheared = start.copy()
    sheared.set_cell(start.cell.array + 0.03 * np.eye(3, k=1)[[0, 2, 2]], scale_atoms=True)
    assert change_of_shape(start, sheared) == pytest.approx(0.03)
    doubled = start.copy()
    doubled.set_cell(2 * start.cell.array, scale_atoms=True)
    assert change_of_shape(start, doubled) == np.inf


@pytest.mark.parametrize("pbc", [False, (True, True, False)])
def test_what_is_no_crystal_has_none(pbc, searches):
    atoms = bulk("Si", cubic=True)
    atoms.pbc = pbc
    assert FollowedSpaceGroup(TIGHT).of(atoms) is None
    assert not searches
