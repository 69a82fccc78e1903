"""The calculation against EMT by hand and against models whose equation of state is known exactly."""

import re
from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from ase.build import add_vacuum, bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from ase.spacegroup import crystal
from scipy.optimize import minimize_scalar

import mlip_core as mlip
from mlip_core import records
from mlip_core.calculations.equation_of_state.cells import empty_layers
from mlip_core.errors import Cancelled, ModelError, SettingsError
from mlip_core.models.model import Model, Prediction
from mlip_core.symmetry.pair_potential import PairPotential
from mlip_core.units import EV_PER_A3_IN_GPA as GPA

Settings = mlip.EquationOfStateSettings


class Known(Model):
    """Birch–Murnaghan energy of the volume alone, and a pressure of the stress that may differ from its slope."""

    name = "known"

    def __init__(self, *, v0=16.0, e0=-4.0, modulus=90.0, slope=4.7, extra=0.0, stress=True, bump=0.0):
        self.v0, self.e0, self.modulus, self.slope = v0, e0, modulus, slope
        self.extra, self.has_stress, self.bump = extra, stress, bump
        self.asked = []

    def energy(self, volume):
        y = (self.v0 / volume) ** (2 / 3) - 1
        return self.e0 + 9 / 16 * self.v0 * self.modulus / GPA * (y**3 * self.slope + y**2 * (2 - 4 * y))

    def pressure(self, volume):
        x = (self.v0 / volume) ** (1 / 3)
        return 1.5 * self.modulus * (x**7 - x**5) * (1 + 0.75 * (self.slope - 4) * (x**2 - 1))

    def _forward(self, structures):
        self.asked.append(len(structures))
        return [self._one(atoms) for atoms in structures]

    def _one(self, atoms):
        v = atoms.get_volume()
        stress = -(self.pressure(v) + self.extra) / GPA * np.diag([0.5, 1.0, 1.5]) if self.has_stress else None
        return Prediction(self.energy(v) + self.bump * (v > self.v0), np.zeros((len(atoms), 3)), stress)


@pytest.fixture(scope="module")
def emt():
    return mlip.from_ase(EMT(), name="EMT")


def cubic(volume=16.0):
    return Atoms("Cu", cell=np.eye(3) * volume ** (1 / 3), pbc=True)


def emt_energy(atoms, volume):
    scaled = atoms.copy()
    scaled.set_cell(atoms.cell * (volume / atoms.get_volume()) ** (1 / 3), scale_atoms=True)
    scaled.calc = EMT()
    return scaled.get_potential_energy()


def test_a_known_equation_comes_back():
    model = Known()
    result = mlip.equation_of_state(cubic(16.3), model, Settings(n_volumes=11, volume_range=0.08))
    assert result.volumes == pytest.approx(16.3 * np.linspace(0.92, 1.08, 11))
    assert result.energies == pytest.approx(model.energy(result.volumes))
    assert result.volume == pytest.approx(16.0, rel=1e-8)
    assert result.energy == pytest.approx(-4.0, abs=1e-9)
    assert result.bulk_modulus == pytest.approx(90.0, rel=1e-7)
    assert result.bulk_modulus_derivative == pytest.approx(4.7, abs=1e-5)
    expected = model.pressure(result.volumes)
    assert expected[0] > 5
    assert expected[-1] < -3
    for pressures, within in (
        (result.pressures, 1e-9),
        (result.fitted_pressures, 1e-6),
        (result.point_pressures, 0.02),
    ):
        assert pressures == pytest.approx(expected, abs=within)
    assert result.stress_volume == pytest.approx(16.0, abs=1e-3)
    assert result.notes == ()
    assert result.converged.all()


def test_all_volumes_are_one_forward_call():
    model = Known()
    result = mlip.equation_of_state(cubic(), model, Settings(n_volumes=13))
    assert model.asked == [13]
    assert result.n_evaluations == 13
    assert 0 < result.model_seconds <= result.seconds


def test_a_stress_that_is_not_the_slope_of_the_energy_shows():
    honest, direct = Known(), Known(extra=2.5)
    right = mlip.equation_of_state(cubic(), honest)
    wrong = mlip.equation_of_state(cubic(), direct)
    assert wrong.pressures - wrong.fitted_pressures == pytest.approx(np.full(9, 2.5), abs=1e-5)
    assert wrong.pressure_difference == pytest.approx(2.5, abs=0.01)
    assert right.pressure_difference < 3 * right.point_pressure_error < 0.03
    assert wrong.volume == pytest.approx(right.volume)
    # a relaxation by this stress ends where its pressure, not the slope of the energy, vanishes
    relaxed = mlip.relax(
        cubic(), direct, mlip.RelaxationSettings(cell="isotropic", fmax=1e-4, steps=2000)
    ).structure.get_volume()
    assert wrong.stress_volume == pytest.approx(relaxed, rel=1e-3)
    assert wrong.stress_volume > 16.3


def test_the_bundled_models_direct_stress_is_not_the_slope_of_its_energy():
    direct, conservative = (
        mlip.equation_of_state(bulk("Si", a=5.47), mlip.load_model("pet-demo", forces=forces))
        for forces in ("direct", "conservative")
    )
    assert direct.energies == pytest.approx(conservative.energies, abs=1e-4)
    assert conservative.pressure_difference < 0.01
    assert 0.1 < direct.pressure_difference < 1
    assert abs(conservative.stress_volume - conservative.volume) < 0.005
    assert abs(direct.stress_volume - direct.volume) > 0.03


def test_copper_by_emt_against_derivatives_by_hand(emt):
    copper = bulk("Cu", a=3.6)
    result = mlip.equation_of_state(copper, emt)
    found = minimize_scalar(lambda v: emt_energy(copper, v), bracket=(11, 11.5, 12), tol=1e-12)
    h = 0.01
    second = np.dot([emt_energy(copper, found.x + s * h) for s in (-1, 0, 1)], [1, -2, 1]) / h**2
    assert result.volume == pytest.approx(found.x, rel=1e-4)
    assert result.energy == pytest.approx(found.fun, abs=1e-5)
    assert result.bulk_modulus == pytest.approx(found.x * second * GPA, rel=3e-3)
    for i, atoms in enumerate(result.structures):
        assert result.energies[i] == pytest.approx(emt_energy(copper, result.volumes[i]))
        by_ase = atoms.copy()
        by_ase.calc = EMT()
        assert result.pressures[i] == pytest.approx(-by_ase.get_stress()[:3].mean() * GPA)
    assert result.pressure_difference < 3 * result.point_pressure_error < 1e-3
    assert np.allclose(result.pressures, result.fitted_pressures, atol=0.01)
    assert result.stress_volume == pytest.approx(result.volume, rel=1e-5)


def test_ases_own_example(emt):
    """The docstring of `ase.eos.calculate_eos`: 3.589825 Å."""
    result = mlip.equation_of_state(
        bulk("Cu", "fcc", a=3.6), emt, Settings(n_volumes=5, volume_range=0.04, equation="sj")
    )
    assert f"{(4 * result.volume) ** (1 / 3):.6f}" == "3.589825"
    assert result.point_pressures is not None
    assert result.point_pressure_error is None  # there are no seven points


def test_volumes_are_of_the_cell_given_and_moduli_are_not(emt):
    one, eight = bulk("Cu"), bulk("Cu") * 2
    small, large = mlip.equation_of_state(one, emt), mlip.equation_of_state(eight, emt)
    assert large.volume == pytest.approx(8 * small.volume, rel=1e-7)
    assert large.energy == pytest.approx(8 * small.energy, abs=1e-7)
    assert large.bulk_modulus == pytest.approx(small.bulk_modulus, rel=1e-6)
    assert large.bulk_modulus_derivative == pytest.approx(small.bulk_modulus_derivative, rel=1e-4)
    assert np.allclose(large.pressures, small.pressures, atol=1e-6)


def test_a_left_handed_cell_is_the_same_crystal(emt):
    right = bulk("Cu")
    left = right.copy()
    left.set_cell(right.cell.array[[1, 0, 2]])
    assert np.linalg.det(left.cell.array) < 0 < np.linalg.det(right.cell.array)
    a, b = mlip.equation_of_state(right, emt), mlip.equation_of_state(left, emt)
    assert a.volumes == pytest.approx(b.volumes)
    assert a.energies == pytest.approx(b.energies, abs=1e-10)
    assert a.pressures == pytest.approx(b.pressures, abs=1e-9)
    assert a.bulk_modulus == pytest.approx(b.bulk_modulus)


def test_relaxed_atoms_find_back_the_perfect_crystal(emt):
    perfect = bulk("Cu", cubic=True)
    rattled = perfect.copy()
    rattled.rattle(0.05, seed=2)
    exact = mlip.equation_of_state(perfect, emt)
    held = mlip.equation_of_state(rattled, emt)
    relaxed = mlip.equation_of_state(rattled, emt, Settings(relax_atoms=True, optimizer="BFGS"))
    assert (held.energies > exact.energies + 1e-3).all()
    assert relaxed.energies == pytest.approx(exact.energies, abs=1e-5)
    assert relaxed.bulk_modulus == pytest.approx(exact.bulk_modulus, rel=1e-3)
    assert relaxed.converged.all()
    assert relaxed.fmax.max() < 1e-3 < held.fmax.min()
    assert any("kept in place" in note for note in held.notes)
    assert relaxed.notes == exact.notes == ()


def test_relaxing_the_free_coordinate_of_rutile():
    rutile = crystal(
        ["Ti", "O"], [(0, 0, 0), (0.32, 0.32, 0)], spacegroup=136, cellpar=[4.594, 4.594, 2.959, 90, 90, 90]
    )
    model = PairPotential(rutile, dtype="float64", energy=-50.0)
    held = mlip.equation_of_state(rutile, model)
    relaxed = mlip.equation_of_state(rutile, model, Settings(relax_atoms=True))
    assert (relaxed.energies < held.energies - 0.01).all()
    for atoms, energy in zip(held.structures, relaxed.energies, strict=True):
        by_hand = atoms.copy()
        by_hand.calc = model.calculator()
        BFGS(by_hand, logfile=None).run(fmax=1e-3)
        assert energy == pytest.approx(by_hand.get_potential_energy(), abs=1e-5)
    for before, after in zip(held.structures, relaxed.structures, strict=True):
        assert np.array_equal(before.cell, after.cell)
    assert relaxed.fit is None  # it only repels
    assert any("no minimum" in note for note in relaxed.notes)
    assert relaxed.pressure_difference < 3 * relaxed.point_pressure_error


def test_volumes_that_did_not_relax_are_left_out_and_said():
    class Stuck(Known):
        """The force on the atom vanishes only at small volumes."""

        def _one(self, atoms):
            answer = super()._one(atoms)
            large = atoms.get_volume() > 16.5
            return answer._replace(forces=np.full((len(atoms), 3), 0.1 * large), energy=answer.energy + large)

    result = mlip.equation_of_state(cubic(), Stuck(), Settings(relax_atoms=True, steps=3))
    stuck = result.volumes > 16.5
    assert stuck.sum() == 2
    assert np.array_equal(result.converged, ~stuck)
    assert result.volume == pytest.approx(16.0, rel=1e-5)  # the energies above would spoil it
    assert np.array_equal(np.isnan(result.point_pressures), stuck)
    assert result.pressure_difference < 0.05
    assert len(result.fitted_pressures) == 9
    (note,) = result.notes
    assert re.search(r"did not relax at 2 of 9 volumes \(16\.72, 16\.96 Å³\).* limit of 3 steps .*larger fmax\.$", note)


def test_nothing_relaxed():
    rattled = bulk("Cu", cubic=True)
    rattled.rattle(0.1, seed=1)
    model = mlip.from_ase(EMT(), name="EMT")
    result = mlip.equation_of_state(rattled, model, Settings(relax_atoms=True, steps=1, fmax=1e-5))
    assert not result.converged.any()
    assert result.point_pressures is result.volume is result.fitted_pressures is result.pressure_difference is None
    assert "9 of 9" in result.notes[0]
    assert "0 volumes only" in result.notes[1]


def test_a_minimum_outside_is_extrapolated_and_said():
    result = mlip.equation_of_state(cubic(17.1), Known())
    assert result.volumes[0] > 16.0
    assert result.volume == pytest.approx(16.0, rel=1e-4)
    assert result.stress_volume is None
    assert re.search(r"16 Å³, lies outside .*16\.07 to 18\.13 Å³.*extrapolated.*Relax the cell first", result.notes[0])


def test_a_minimum_far_away_is_none():
    result = mlip.equation_of_state(cubic(30.0), Known())
    assert result.fit is result.volume is result.energy is result.bulk_modulus is None
    assert result.bulk_modulus_derivative is result.fitted_pressures is None
    assert result.pressures is not None
    assert result.point_pressures is not None
    assert "no minimum" in result.notes[0]


def test_a_jump_of_the_energy_is_pointed_out():
    result = mlip.equation_of_state(cubic(), Known(bump=0.02))
    assert result.fit.rms > 1e-3
    assert any("not smooth" in note for note in result.notes)


def test_without_stress(emt):
    result = mlip.equation_of_state(cubic(), Known(stress=False))
    assert result.pressures is result.stress_volume is result.pressure_difference is None
    assert result.bulk_modulus == pytest.approx(90.0)
    assert "no stress" in result.notes[0]


def box(atoms, vacuum, axis=(0, 1, 2)):
    atoms = atoms.copy()
    atoms.center(vacuum=vacuum, axis=axis)
    atoms.pbc = True
    return atoms


@pytest.mark.parametrize(
    ("structure", "reason"),
    [
        (molecule("H2O"), "a molecule"),
        (fcc111("Cu", (1, 1, 3), vacuum=6), "a slab or a wire"),
        (box(fcc111("Cu", (1, 1, 3)), 6, axis=2), "empty layer of 12.0 Å along c"),
        (box(molecule("CO2"), 5), "empty layer"),
    ],
)
def test_only_crystals_have_a_volume(emt, structure, reason):
    with pytest.raises(SettingsError, match=f"needs a crystal.*{reason}.*Choose a crystal"):
        mlip.equation_of_state(structure, emt)


def test_empty_layers_of_real_crystals():
    graphite = crystal(
        ["C", "C"], [(0, 0, 0.25), (1 / 3, 2 / 3, 0.25)], spacegroup=194, cellpar=[2.46, 2.46, 6.7, 90, 90, 120]
    )
    assert empty_layers(graphite)[2] == pytest.approx(3.35)
    assert empty_layers(bulk("Cs")) == pytest.approx(6.05 / np.sqrt(2), rel=0.02)
    skewed = bulk("Al", a=4.05)
    assert empty_layers(skewed) == pytest.approx(np.full(3, 4.05 / np.sqrt(3)))
    slab = bulk("Al", cubic=True)
    add_vacuum(slab, 10)
    assert empty_layers(slab)[2] == pytest.approx(10 + slab.cell[0, 0] / 2)


def test_a_correction_is_counted_and_a_random_frame_refused(emt):
    tetrahedral = mlip.correct(emt, mlip.Corrections(rotations="tetrahedral"))
    rattled = bulk("Cu", cubic=True)
    rattled.rattle(0.05, seed=0)
    result = mlip.equation_of_state(rattled, tetrahedral, Settings(n_volumes=5))
    plain = mlip.equation_of_state(rattled, emt, Settings(n_volumes=5))
    assert (result.n_evaluations, plain.n_evaluations) == (60, 5)
    assert result.energies == pytest.approx(plain.energies, abs=1e-9)
    with pytest.raises(SettingsError, match="equation of state compares neighbouring geometries"):
        mlip.equation_of_state(bulk("Cu"), mlip.correct(emt, mlip.Corrections(rotations="random-frame")))


def test_what_is_given_stays_as_it_is(emt):
    given = bulk("Cu", cubic=True)
    given.set_constraint(FixAtoms([1]))
    given.calc = EMT()
    before = given.copy()
    calculator = given.calc
    result = mlip.equation_of_state(given, emt, Settings(relax_atoms=True))
    assert given == before
    assert given.calc is calculator
    assert result.structure == before
    assert result.structure.calc is None
    for atoms in result.structures:
        assert np.allclose(atoms.get_scaled_positions(), before.get_scaled_positions())
        assert np.allclose(atoms.cell.cellpar()[3:], 90)
        assert atoms.calc is None


def test_a_model_that_fails_says_so(emt):
    with pytest.raises(ModelError, match="cannot answer for U"):
        mlip.equation_of_state(bulk("U", "fcc", a=4.5), emt)


@pytest.mark.parametrize("relax_atoms", [False, True])
def test_progress_rises_to_its_total_and_can_stop(emt, relax_atoms):
    rattled = bulk("Cu", cubic=True)
    rattled.rattle(0.02, seed=1)
    seen = []
    settings = Settings(n_volumes=5, relax_atoms=relax_atoms, steps=40, fmax=0.02)
    mlip.equation_of_state(rattled, emt, settings, progress=lambda *steps, **values: seen.append((*steps, values)))
    assert all(early[0] <= late[0] for early, late in pairwise(seen))
    assert {total for _, total, _ in seen} == {5 * (1 + 40 * relax_atoms)}
    assert seen[-1][0] == seen[-1][1]
    assert [values["stage"] for *_, values in seen][-5:] == ["volumes"] * 5
    assert relax_atoms == any(values["stage"] == "relaxation" and values["fmax"] > 0 for *_, values in seen)

    def stop(done, total, **values):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        mlip.equation_of_state(rattled, emt, settings, progress=stop)


@pytest.mark.parametrize("structure", [cubic(), cubic(30.0)])
def test_it_is_stored_and_read_back(tmp_path, structure):
    result = mlip.equation_of_state(structure, Known())
    records.save(result, tmp_path / "result")
    again = records.load(tmp_path / "result")
    assert again.settings == result.settings
    assert again.notes == result.notes
    assert np.array_equal(again.volumes, result.volumes)
    assert again.bulk_modulus == result.bulk_modulus
    assert again.structures[0] == result.structures[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_volumes": 4}, "n_volumes must be a whole number from 5 to 51, not 4"),
        ({"n_volumes": 52}, "not 52"),
        ({"n_volumes": 9.0}, "not 9.0"),
        ({"n_volumes": True}, "not True"),
        ({"volume_range": 0.3001}, "volume_range must be .* from 0.005 to 0.3"),
        ({"volume_range": 6}, "±6 %"),
        ({"volume_range": float("nan")}, "not nan"),
        ({"equation": "Birch"}, "equation must be one of birchmurnaghan, vinet"),
        ({"fmax": 0}, "fmax must be a positive force"),
        ({"steps": -1}, "steps must be a whole number"),
        ({"optimizer": "CG"}, "optimizer must be one of FIRE"),
    ],
)
def test_settings_are_checked(values, message):
    with pytest.raises(SettingsError, match=message):
        Settings(**values)


@pytest.mark.parametrize("values", [{"n_volumes": 5, "volume_range": 0.3}, {"n_volumes": 51, "volume_range": 0.005}])
def test_the_ends_of_the_ranges_work(values):
    result = mlip.equation_of_state(cubic(), Known(), Settings(**values))
    assert result.bulk_modulus == pytest.approx(90.0, rel=1e-5)
    assert result.bulk_modulus_derivative == pytest.approx(4.7, abs=0.01)
    assert result.notes == ()
