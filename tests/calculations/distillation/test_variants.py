import numpy as np
import pytest
from ase.build import bulk, fcc111, graphene, molecule

from mlip_core.calculations.distillation.costs import cost, mean_atoms
from mlip_core.calculations.distillation.settings import DistillationSettings
from mlip_core.calculations.distillation.variants import KINDS, repetitions, variants

COMMON = {"seed": (1, 0), "strain": 0.03, "rattle": 0.1}


def test_the_kinds_have_their_shares():
    assert sum(kind.share for kind in KINDS.values()) == pytest.approx(1)
    made = [atoms.info["kind"] for atoms in variants(bulk("GaAs", "zincblende", a=5.65), 40, **COMMON)]
    assert {name: made.count(name) for name in KINDS} == {name: round(40 * KINDS[name].share) for name in KINDS}


def test_the_same_seed_gives_the_same_variants_and_another_gives_others():
    crystal = bulk("GaAs", "zincblende", a=5.65)
    one, again = variants(crystal, 10, **COMMON), variants(crystal, 10, **COMMON)
    other = variants(crystal, 10, **{**COMMON, "seed": (1, 1)})
    assert all(np.array_equal(a.positions, b.positions) for a, b in zip(one, again, strict=True))
    assert not any(
        a.positions.shape == b.positions.shape and np.allclose(a.positions, b.positions)
        for a, b in zip(one, other, strict=True)
    )


def test_atoms_move_by_the_rattle_that_is_noted():
    """Over many variants; each moves in its own strained cell, so fractional coordinates are compared."""
    crystal = bulk("Al", cubic=True) * (2, 2, 2)
    found = {}
    for atoms in variants(crystal, 200, **COMMON):
        if "rattle" in atoms.info and len(atoms) == len(crystal):
            moved = atoms.get_scaled_positions(wrap=False) - crystal.get_scaled_positions(wrap=False)
            found.setdefault(atoms.info["rattle"], []).append(moved @ atoms.cell.array)
    assert max(found) == pytest.approx(0.1)
    for stdev, moves in found.items():
        assert np.std(np.concatenate(moves)) == pytest.approx(stdev, rel=0.1)


def test_a_slab_is_repeated_along_its_periodic_directions_alone_and_keeps_its_cell():
    slab = fcc111("Cu", (1, 1, 3), vacuum=6)
    slab.pbc = (True, True, False)
    for atoms in variants(slab, 20, **COMMON):
        assert atoms.pbc.tolist() == [True, True, False]
        assert np.allclose(atoms.cell[2], slab.cell[2])
        assert len(atoms) % 3 == 0


def test_a_molecule_is_never_repeated():
    assert {len(atoms) for atoms in variants(molecule("H2O"), 20, **COMMON)} == {3}


@pytest.mark.parametrize("structure", [bulk("Cu"), graphene(vacuum=6), bulk("Si", cubic=True) * (3, 3, 3)])
def test_repetitions_give_the_wanted_number_of_atoms_or_the_next(structure):
    for shape in repetitions(structure, 8, 24):
        n = len(structure) * np.prod(shape)
        assert 8 <= n <= 24 or (n == len(structure) and n > 24)


def test_the_estimate_counts_the_atoms_that_are_made():
    crystal = bulk("GaAs", "zincblende", a=5.65)
    made = variants(crystal, 400, **COMMON)
    assert mean_atoms(crystal) == pytest.approx(np.mean([len(atoms) for atoms in made]), rel=0.06)
    settings = DistillationSettings(n_structures=100, epochs=10)
    found = cost(crystal, settings, label=0.01, learning=0.002)
    assert found.n_structures == 100 + 10 + 14
    assert found.label_seconds == pytest.approx(0.01 * 124 * mean_atoms(crystal))
    assert found.learning_seconds == pytest.approx(0.002 * 10 * 100 * mean_atoms(crystal))
    assert cost(crystal, settings, label=0.01, learning=0.002, epochs_done=10).learning_seconds == 0
