"""A crystal that is off by a known amount shows its group at tolerances above that amount, and not below."""

import numpy as np
import pytest
from ase.build import bulk, molecule

from mlip_core.structures import symmetry_by_tolerance
from mlip_core.structures.tolerance import SWEEP


@pytest.mark.parametrize("off", [1e-4, 1e-2])
def test_the_group_comes_back_where_the_tolerance_exceeds_what_is_off(off):
    atoms = bulk("NaCl", "rocksalt", 5.64, cubic=True)
    atoms.positions[0] += off * np.array([0.25, 0.54, 0.80])
    groups = {info.symprec: info.number for info in symmetry_by_tolerance(atoms)}
    assert {symprec for symprec in groups if groups[symprec] == 1} >= {s for s in SWEEP if s < 0.15 * off}
    assert all(groups[symprec] == 225 for symprec in groups if symprec > 3 * off)


def test_a_sweep_covers_five_decades_and_a_molecule_has_none():
    assert (SWEEP[0], SWEEP[-1], len(SWEEP)) == (1e-6, 1e-1, 11)
    assert symmetry_by_tolerance(molecule("H2O")) == ()
