"""What Python users and the queue get of an equation of state beside the record."""

import io
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read

import mlip_core as mlip
from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.export import files
from mlip_core.errors import CalculationError

DECLARED = CALCULATIONS["equation_of_state"]
GPA = 160.2176634


@pytest.fixture(scope="module")
def emt():
    return mlip.from_ase(EMT(), name="EMT")


@pytest.fixture(scope="module")
def copper(emt):
    return mlip.equation_of_state(bulk("Cu", a=3.6, cubic=True), emt)


def test_the_tables_are_per_atom_in_the_units_that_they_name(copper):
    table = mlip.tables(copper)["volumes"]
    volumes = 3.6**3 / 4 * np.linspace(0.94, 1.06, 9)
    assert table["volume_A3_per_atom"].to_numpy() == pytest.approx(volumes)
    for row in table.itertuples():
        atoms = bulk("Cu", a=(4 * row.volume_A3_per_atom) ** (1 / 3))
        atoms.calc = EMT()
        assert row.energy_eV_per_atom == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        stress = -atoms.get_stress()[:3].mean() * GPA
        assert row.stress_pressure_GPa == pytest.approx(stress, abs=1e-6)
        assert row.point_pressure_GPa == pytest.approx(stress, abs=0.05)
        assert row.fitted_pressure_GPa == pytest.approx(stress, abs=0.5)


def test_the_summary_tells_the_minimum_per_atom(copper):
    said = DECLARED.summary(copper)
    curve = mlip.tables(copper)["fit"]
    lowest = curve.loc[curve["energy_eV_per_atom"].idxmin()]
    assert said["volume_A3_per_atom"] == pytest.approx(lowest["volume_A3_per_atom"], rel=2e-3)
    assert said["energy_eV_per_atom"] == pytest.approx(lowest["energy_eV_per_atom"], abs=1e-4)
    assert abs(np.interp(said["volume_A3_per_atom"], curve["volume_A3_per_atom"], curve["pressure_GPa"])) < 0.01
    slope = -np.gradient(curve["pressure_GPa"], curve["volume_A3_per_atom"])
    modulus = lowest["volume_A3_per_atom"] * slope[curve["energy_eV_per_atom"].idxmin()]
    assert said["bulk_modulus_GPa"] == pytest.approx(modulus, rel=0.02)
    assert said["stress_volume_A3_per_atom"] == pytest.approx(said["volume_A3_per_atom"], rel=1e-3)


def test_every_volume_can_be_taken_along(copper):
    frames = read(io.StringIO(files(copper)["volumes.extxyz"]), ":", format="extxyz")
    assert [atoms.get_volume() for atoms in frames] == pytest.approx(copper.volumes)


def test_without_a_fit_the_points_can_still_be_taken_along(copper):
    lone = replace(copper, fit=None, pressures=None, point_pressures=None, stress_volume=None)
    assert set(mlip.tables(lone)) == {"volumes"}
    assert mlip.tables(lone)["volumes"]["fitted_pressure_GPa"].isna().all()
    assert DECLARED.summary(lone)["volume_A3_per_atom"] is None


def test_after_a_relaxation_the_volumes_lie_around_the_relaxed_cell(emt):
    start = bulk("Cu", a=3.5)
    settings = mlip.EquationOfStateSettings(n_volumes=5)
    relaxed = mlip.relax(start, emt, mlip.RelaxationSettings(cell="isotropic", fmax=1e-4))
    result = DECLARED.function(start, emt, settings, relaxation=relaxed)
    assert relaxed.structure.get_volume() > 1.05 * start.get_volume()
    assert result.volumes[2] == pytest.approx(relaxed.structure.get_volume())
    assert result.notes == ()
    assert DECLARED.function(start, emt, settings).volumes[2] == pytest.approx(start.get_volume())


def test_around_a_cell_that_did_not_relax_nothing_is_computed(emt):
    start = bulk("Cu", a=3.5)
    relaxed = mlip.relax(start, emt, mlip.RelaxationSettings(cell="isotropic", fmax=1e-6, steps=1))
    with pytest.raises(CalculationError, match="did not converge"):
        DECLARED.function(start, emt, mlip.EquationOfStateSettings(), relaxation=relaxed)
