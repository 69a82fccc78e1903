"""The calculator asks the model again exactly when ASE sees a change."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import compare_atoms
from ase.calculators.emt import EMT

import mlip_core as mlip
from mlip_core.models.model import Counted


def change(kind):
    def made(atoms):
        if kind == "move":
            atoms.positions[1, 2] += 1e-12
        elif kind == "rounding":
            atoms.positions[0, 0] = 1e-16
        elif kind == "cell":
            atoms.set_cell(atoms.cell.array * 1.001)
        elif kind == "pbc":
            atoms.pbc = [True, True, False]
        elif kind == "element":
            atoms.numbers[0] = 47
        elif kind == "charge":
            atoms.set_initial_charges([0.0, 0.0, 0.0, 1.0])
        elif kind == "tag":
            atoms.set_tags(1)
        elif kind == "more":
            atoms.append("Cu")
            atoms.positions[-1] = [1.0, 1.0, 1.0]
        elif kind == "not a number":
            atoms.positions[0, 0] = np.nan

    return made


KINDS = ["nothing", "move", "rounding", "cell", "pbc", "element", "charge", "tag", "more", "not a number"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_seen_where_ase_sees_one(kind):
    atoms = bulk("Cu", cubic=True)
    calculator = Counted(mlip.from_ase(EMT(), name="EMT")).calculator()
    atoms.calc = calculator
    atoms.get_forces()
    before = atoms.copy()
    change(kind)(atoms)
    assert bool(calculator.check_state(atoms)) == bool(compare_atoms(before, atoms, tol=1e-15))


@pytest.mark.parametrize(
    ("kind", "evaluations"), [("nothing", 1), ("tag", 1), ("move", 2), ("cell", 2), ("element", 2)]
)
def test_nothing_is_computed_twice_and_nothing_old_is_given(kind, evaluations):
    model = Counted(mlip.from_ase(EMT(), name="EMT"))
    atoms = bulk("Cu", cubic=True)
    atoms.calc = model.calculator()
    atoms.get_forces()
    change(kind)(atoms)
    found = atoms.get_potential_energy()
    assert model.evaluations == evaluations
    fresh = atoms.copy()
    fresh.calc = EMT()
    assert found == pytest.approx(fresh.get_potential_energy(), abs=1e-9)
