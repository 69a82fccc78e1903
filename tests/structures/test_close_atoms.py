import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from mlip_core.structures.close_atoms import CLOSEST, closest_pair


@pytest.mark.parametrize("pbc", list(itertools.product([True, False], repeat=3)))
def test_the_closest_pair_is_that_of_ases_neighbour_list(pbc):
    rng, found = np.random.default_rng(4), 0
    for _ in range(60):
        cell = 2.2 * np.eye(3) + rng.uniform(-0.6, 0.6, size=(3, 3))
        atoms = Atoms("H4", rng.uniform(size=(4, 3)) @ cell, cell=cell, pbc=pbc)
        first, second, distances = neighbor_list("ijd", atoms, CLOSEST)
        pair = closest_pair(atoms)
        if not len(distances):
            assert pair is None
            continue
        found += 1
        nearest = int(np.argmin(distances))
        assert set(pair[:2]) == {int(first[nearest]), int(second[nearest])}
        assert pair[2] == pytest.approx(distances[nearest])
    assert 0 < found < 60
