import numpy as np
import pytest
import scipy.signal
import yaml
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

from mlip_core import records
from mlip_core.assets import asset
from mlip_core.calculations.conservation.calculation import (
    ConservationSettings,
    conservation,
    force_jacobian,
    jacobian_asymmetry,
    net_force,
    net_torque,
)
from mlip_core.calculations.conservation.closed_loops import Loop, closed_loop_work, default_loop, random_loops
from mlip_core.calculations.conservation.dynamics import FEWEST_FOR_ERROR, ConstantEnergyRun, constant_energy_run, drift
from mlip_core.errors import Cancelled, ModelError, SettingsError
from mlip_core.models import from_ase, load_model
from mlip_core.models.model import Claims, Counted, Model, Prediction
from mlip_core.symmetry.corrections import Corrections, correct

CURL = 0.8


class Springs(Model):
    """F = −K u with K = S + A: S symmetric, A antisymmetric and known, so that every measure is known too."""

    name = "springs"
    dtype = "float64"
    claims = Claims(rotation=False, inversion=True, translation=False, conservative=False)

    def __init__(self, atoms, curl=CURL, push=0.0):
        self.rest = atoms.positions.copy()
        size = 3 * len(atoms)
        rng = np.random.default_rng(5)
        stretch, twist = rng.normal(size=(2, size, size))
        self.symmetric = stretch @ stretch.T / size + 3 * np.eye(size)
        self.antisymmetric = curl * (twist - twist.T) / 2
        self.matrix = self.symmetric + self.antisymmetric
        self.push = push

    def _forward(self, structures):
        answers = []
        for atoms in structures:
            u = (atoms.positions - self.rest).ravel()
            forces = (-self.matrix @ u).reshape(-1, 3) + self.push
            answers.append(Prediction(float(u @ self.symmetric @ u / 2), forces, None))
        return answers


@pytest.fixture
def water():
    return molecule("H2O")


@pytest.fixture
def copper():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    return atoms


@pytest.fixture
def emt():
    return from_ase(EMT(), name="EMT")


QUICK = {"n_random_loops": 2, "n_points": 12, "picoseconds": 0.0}


def test_lambda_of_a_known_jacobian(water):
    model = Springs(water)
    expected = np.linalg.norm(model.antisymmetric) / np.linalg.norm(model.matrix)
    found = conservation(water, model, ConservationSettings(loops=False, picoseconds=0))
    assert found.jacobian_asymmetry == pytest.approx(expected, rel=1e-8)
    assert found.evaluations == 1 + 6 * 3 + 6 * 3
    assert found.jacobian_resolved
    assert found.jacobian_error < 1e-8
    assert jacobian_asymmetry(model.matrix) == pytest.approx(expected)


class Rippled(Model):
    """E = Σ (x² + a cos kx x'): conservative, with waves of 20 mÅ along pairs of coordinates."""

    name = "ripples"
    claims = Claims(None, None, None, conservative=True)

    def _forward(self, structures):
        return [self.one(atoms.positions) for atoms in structures]

    def one(self, x):
        k, a = 2 * np.pi / 0.02, 1e-6
        y = np.roll(x, 1, axis=0)
        wave = k * (x + 1.7 * y)
        slope = -a * k * np.sin(wave)
        gradient = 2 * x + slope + 1.7 * np.roll(slope, -1, axis=0)
        return Prediction(float(np.sum(x**2) + a * np.sum(np.cos(wave))), -gradient, None)


def test_ripples_that_look_like_a_curl_are_not_resolved(water):
    settings = ConservationSettings(loops=False, picoseconds=0, displacement=0.01)
    found = conservation(water, Rippled(), settings)
    assert found.jacobian_asymmetry > 1e-3
    assert not found.jacobian_resolved
    fine = conservation(water, Rippled(), ConservationSettings(loops=False, picoseconds=0, displacement=1e-5))
    assert fine.jacobian_asymmetry < 1e-3 * found.jacobian_asymmetry


def test_lambda_of_force_constants_has_the_same_value(water):
    model = Springs(water)
    force_constants = model.matrix.reshape(3, 3, 3, 3).transpose(0, 2, 1, 3)
    assert jacobian_asymmetry(force_constants) == pytest.approx(jacobian_asymmetry(model.matrix), rel=1e-14)
    assert jacobian_asymmetry(np.zeros((3, 3))) == 0
    assert jacobian_asymmetry(np.array([[0, 1], [-1, 0]])) == 1
    with pytest.raises(SettingsError, match="full"):
        jacobian_asymmetry(np.zeros((2, 4, 3, 3)))


def test_the_jacobian_is_the_derivative_of_the_forces(water):
    model = Springs(water)
    np.testing.assert_allclose(force_jacobian(water, model, 0.01), -model.matrix, atol=1e-9)


def test_a_conservative_model_is_at_the_floor(copper, emt):
    found = conservation(copper, emt, ConservationSettings(**QUICK))
    assert found.jacobian_asymmetry < 1e-4
    assert found.jacobian_floor < 1e-6
    assert abs(found.loop_work) <= found.loop.error
    assert all(not loop.resolved for loop in found.random_loops)
    assert found.run is None
    assert found.heads is None
    assert found.net_torque is None


@pytest.mark.parametrize(("a", "b"), [(0, 1), (2, 2)])
def test_work_around_a_loop_is_the_curl_times_its_area(water, a, b):
    model = Springs(water)
    loop = Loop(atom_a=a, atom_b=b, direction_a=(2, 0, 0), direction_b=(0, 1, 1), radius=0.07, n_points=12)
    work = closed_loop_work(water, model, [loop])[0]
    ea, eb = np.zeros(9), np.zeros(9)
    ea[3 * a], eb[3 * b + 1 : 3 * b + 3] = 1, 1 / np.sqrt(2)
    curl = ea @ model.matrix @ eb - eb @ model.matrix @ ea
    assert work.work == pytest.approx(np.pi * 0.07**2 * curl / 3, rel=1e-9)
    assert work.resolved
    assert work.error < 1e-12
    assert work.accumulated[0] == 0
    assert work.accumulated[-1] == pytest.approx(work.work)
    assert abs(work.relative) == pytest.approx(abs(work.work) / work.absolute)


def test_the_running_integral_is_the_energy_given_back(copper, emt):
    loop = default_loop(copper, radius=0.1, n_points=36)
    work = closed_loop_work(copper, emt, [loop])[0]
    path = []
    for moved in loop.displacements(len(copper)):
        atoms = copper.copy()
        atoms.positions += moved
        path.append(atoms)
    energies = np.array([p.energy for p in emt.predict(path)])
    expected = -(energies - energies[0]) / len(copper)
    np.testing.assert_allclose(work.accumulated[:-1], expected, atol=1e-6)
    assert np.ptp(expected) > 1e-3


def test_too_few_points_show_as_an_error(copper, emt):
    coarse, fine = (
        closed_loop_work(copper, emt, [Loop(atom_a=0, atom_b=1, radius=0.5, n_points=n)])[0] for n in (12, 36)
    )
    assert coarse.error > 100 * fine.error
    assert not coarse.resolved
    assert not fine.resolved


def test_random_loops_are_seeded_and_hold_known_curls(water):
    model = Springs(water)
    loops = random_loops(3, 20, seed=3, n_points=12)
    assert loops == random_loops(3, 20, seed=3, n_points=12)
    assert loops != random_loops(3, 20, seed=4, n_points=12)
    assert all(loop.atom_a != loop.atom_b for loop in loops)
    found = conservation(water, model, ConservationSettings(jacobian=False, n_random_loops=20, picoseconds=0, seed=3))
    works = [w.work for w in closed_loop_work(water, model, loops)]
    assert found.random_loop_work == pytest.approx(np.sqrt(np.mean(np.square(works))), rel=1e-6)
    assert found.random_loop_work > 1e-4


def test_one_atom_has_a_loop(emt):
    found = conservation(bulk("Cu"), emt, ConservationSettings(**QUICK))
    assert (found.loop.loop.atom_a, found.loop.loop.atom_b) == (0, 0)
    assert abs(found.loop_work) < 1e-10


def test_the_default_loop_takes_the_nearest_neighbour():
    atoms = Atoms("CuAlAl", [[0, 0, 0], [3, 0, 0], [9, 0, 0]], cell=[10, 10, 10], pbc=True)
    assert default_loop(atoms).atom_b == 2


def test_net_force_and_torque_are_those_the_model_gave(water):
    model = Springs(water, push=np.array([0.3, 0.0, 0.4]))
    settings = ConservationSettings(jacobian=False, loops=False, picoseconds=0)
    found = conservation(water, model, settings)
    assert found.net_force == pytest.approx(0.5)
    assert (found.jacobian_asymmetry, found.jacobian_floor, found.loop_work, found.random_loop_work) == (None,) * 4
    assert conservation(water, correct(model, Corrections(net_force=True)), settings).net_force < 1e-12
    positions = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
    forces = np.array([[0, 0.2, 0], [0, -0.2, 0]])
    assert net_torque(positions, forces) == pytest.approx(0.4)
    assert net_torque(positions + 5, forces) == pytest.approx(0.4)
    assert net_force(forces) == 0
    rattled = ConservationSettings(jacobian=False, loops=False, picoseconds=0, rattle=0.05)
    assert conservation(water, model, rattled).net_torque > 1e-3


def test_no_projection_makes_forces_a_gradient(water):
    model = Springs(water)
    fixed = correct(model, Corrections(net_force=True, net_torque=True, inversion=True))
    assert conservation(water, fixed, ConservationSettings(picoseconds=0, n_points=12)).jacobian_asymmetry > 0.01


def test_two_heads_against_each_other(water):
    direct, gradient = Springs(water), Springs(water, curl=0.0)
    settings = ConservationSettings(jacobian=False, loops=False, picoseconds=0, rattle=0.1)
    heads = conservation(water, direct, settings, other_head=gradient).heads
    difference = heads.forces - heads.other_forces
    assert heads.rms == pytest.approx(np.sqrt(np.mean(difference**2)))
    assert heads.largest == pytest.approx(np.abs(difference).max())
    assert heads.rms > 1e-2
    assert heads.forces_kind == direct.forces
    moved = conservation(water, direct, settings).structure
    u = (moved.positions - water.positions).ravel()
    np.testing.assert_allclose(difference.ravel(), -direct.antisymmetric @ u, atol=1e-12)


def test_a_conservative_run_does_not_drift(copper, emt):
    seen = []
    run = constant_energy_run(
        copper, emt, picoseconds=0.2, timestep=2.0, progress=lambda d, t, **k: seen.append((d, t, k["total_energy"]))
    )
    assert len(run.times) == 101
    assert run.times[-1] == pytest.approx(0.2)
    assert run.stopped is None
    assert not run.resolved
    assert abs(run.drift) < 0.01
    assert np.ptp(run.temperatures) > 10
    assert seen[-1][:2] == (100, 100)
    assert seen[-1][2] == pytest.approx(run.total_energies[-1])


class Pumped(Model):
    """A harmonic trap whose forces follow a swirl too: energy grows along the way."""

    name = "pumped"
    claims = Claims(None, None, None, False)

    def __init__(self, swirl):
        self.swirl = swirl

    def _forward(self, structures):
        swirl = np.array([[0, -self.swirl, 0], [self.swirl, 0, 0], [0, 0, 0]])
        return [
            Prediction(float(np.sum(a.positions**2)), -2 * a.positions + a.positions @ swirl.T, None)
            for a in structures
        ]


def test_a_swirl_shows_as_a_drift():
    atoms = Atoms("Cu20", np.random.default_rng(0).normal(scale=0.3, size=(20, 3)))
    still = constant_energy_run(atoms, Pumped(0.0), picoseconds=0.5)
    driven = constant_energy_run(atoms, Pumped(0.5), picoseconds=0.5)
    assert not still.resolved
    assert abs(still.drift) < 1e-3
    assert driven.resolved
    assert abs(driven.drift) > 30 * abs(still.drift)


def test_runs_are_seeded(copper, emt):
    runs = [constant_energy_run(copper, emt, picoseconds=0.02, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0].total_energies, runs[1].total_energies)
    assert runs[0].temperatures[0] != runs[2].temperatures[0]


def test_a_run_that_fails_says_when(copper):
    class Broken(Springs):
        def _forward(self, structures):
            answers = super()._forward(structures)
            self.left -= len(structures)
            return answers if self.left > 0 else [p._replace(energy=np.nan) for p in answers]

    model = Broken(copper)
    model.left = 10
    run = constant_energy_run(copper, model, picoseconds=0.1)
    assert len(run.times) == 9
    assert run.drift is None
    assert run.resolved is None
    assert "not finite" in run.stopped
    with pytest.raises(ModelError):
        constant_energy_run(copper, model, picoseconds=0.1)


def test_a_run_that_heats_up_is_stopped(copper):
    class Exploding(Springs):
        def _forward(self, structures):
            return [p._replace(forces=-100 * p.forces) for p in super()._forward(structures)]

    run = constant_energy_run(copper, Exploding(copper), picoseconds=0.5, timestep=2.0)
    assert "temperature" in run.stopped
    assert len(run.times) < 250


def test_the_error_of_a_drift_covers_the_truth():
    rng = np.random.default_rng(0)
    t = np.arange(500) / 1000
    inside, naive = 0, 0
    for _ in range(200):
        noise = np.convolve(rng.normal(size=540), np.ones(20) / 20, mode="valid")[:500]
        slope, error = drift(t, 0.3 * t + noise)
        inside += abs(slope - 0.3) < 3 * error
        ols = np.sqrt(np.var(noise) / 500 / np.var(t))
        naive += abs(slope - 0.3) < 3 * ols
    assert inside > 190
    assert naive < 150  # without the correlation in time most intervals would miss
    exact = drift(t, 0.3 * t)
    assert exact[0] == pytest.approx(0.3)
    assert exact[1] < 1e-12
    assert drift(t, np.zeros(500)) == (0, 0)


@pytest.mark.parametrize("n", [FEWEST_FOR_ERROR, 501, 1001, 4001])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8, 0.9, 0.95, 0.98])
def test_a_drift_in_correlated_noise_is_as_uncertain_as_its_error_says(n, correlation):
    """Noise whose value is the last one times the correlation plus a normal number, started in its stationary state."""
    rng, t = np.random.default_rng(11), np.arange(n) / 1000
    steps = rng.normal(size=(1500, n))
    steps[:, 0] /= np.sqrt(1 - correlation**2)
    noise = scipy.signal.lfilter([1], [1, -correlation], steps, axis=1)
    found = np.array([drift(t, 0.3 * t + row) for row in noise])
    assert np.std((found[:, 0] - 0.3) / found[:, 1]) == pytest.approx(1, abs=0.1)


def test_fast_oscillations_leave_a_drift_certain():
    """The energy of a vibration swings by 0.1 meV/atom every 40 fs and returns: a straight line sees little of it."""
    t = np.arange(501) / 1000
    slope, error = drift(t, 0.01 * t + 1e-4 * np.sin(2 * np.pi * t / 0.040))
    assert slope == pytest.approx(0.01, abs=3 * error)
    assert error < 5e-4


def test_a_run_that_is_too_short_says_so():
    t = np.arange(FEWEST_FOR_ERROR - 1) / 1000
    assert drift(t, 0.3 * t) == (pytest.approx(0.3), None)
    run = ConstantEnergyRun(t, 0.3 * t, t, 1.0, *drift(t, 0.3 * t), None)
    assert run.resolved is None
    assert "too short to tell" in run.in_words


def test_progress_counts_every_evaluation(water):
    counted, seen = Counted(Springs(water)), []
    settings = ConservationSettings(n_random_loops=1, n_points=12, picoseconds=0.01)
    found = conservation(water, counted, settings, progress=lambda d, t, **k: seen.append((d, t, k["stage"])))
    assert seen[-1][:2] == (1 + 36 + 24 + 10,) * 2
    assert [d for d, *_ in seen] == sorted(d for d, *_ in seen)
    assert list(dict.fromkeys(stage for *_, stage in seen)) == ["structure", "jacobian", "loops", "run"]
    assert found.evaluations == counted.evaluations == 1 + 36 + 24 + 11


def test_cancel(water):
    def stop(done, total, **values):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        conservation(water, Springs(water), progress=stop)


def test_records_are_kept(tmp_path, water):
    settings = ConservationSettings(n_random_loops=2, n_points=12, picoseconds=0.03, loop=Loop(atom_a=0, atom_b=2))
    found = conservation(water, Springs(water), settings, other_head=Springs(water, curl=0.1))
    records.save(found, tmp_path / "c.npz")
    again = records.load(tmp_path / "c.npz")
    assert again.settings == settings
    assert again.loop_work == found.loop_work
    assert again.random_loop_work == found.random_loop_work
    assert (again.jacobian_asymmetry, again.net_force, again.net_torque) == (
        found.jacobian_asymmetry,
        found.net_force,
        found.net_torque,
    )
    assert again.run.drift == found.run.drift
    np.testing.assert_array_equal(again.heads.other_forces, found.heads.other_forces)
    np.testing.assert_array_equal(again.random_loops[1].accumulated, found.random_loops[1].accumulated)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"displacement": 0.0}, "displacement"),
        ({"n_random_loops": -1}, "n_random_loops"),
        ({"picoseconds": -1.0}, "picoseconds"),
        ({"timestep": 0.0}, "timestep"),
        ({"rattle": 2.0}, "rattle"),
        ({"radius": 0.0}, "radius"),
        ({"n_points": 10}, "n_points"),
    ],
)
def test_settings_that_make_no_sense(wrong, says):
    with pytest.raises(SettingsError, match=says):
        ConservationSettings(**wrong)


def test_a_random_frame_may_run_but_has_no_lambda(copper, emt):
    framed = correct(emt, Corrections(rotations="random-frame"))
    for asked in ({"jacobian": True, "loops": False}, {"jacobian": False, "loops": True}):
        with pytest.raises(SettingsError, match="random frame"):
            conservation(copper, framed, ConservationSettings(**QUICK | asked))
    found = conservation(copper, framed, ConservationSettings(jacobian=False, loops=False, picoseconds=0.03))
    assert found.evaluations == 1 + 31
    same = constant_energy_run(copper, emt, picoseconds=0.03)
    np.testing.assert_allclose(found.run.total_energies, same.total_energies, atol=1e-9)


def test_a_loop_of_an_atom_that_is_not_there(water):
    with pytest.raises(SettingsError, match="0 to 2"):
        conservation(water, Springs(water), ConservationSettings(loop=Loop(atom_a=0, atom_b=3)))
    with pytest.raises(SettingsError, match="direction"):
        Loop(atom_a=0, atom_b=1, direction_a=(0, 0, 0))


@pytest.mark.slow
@pytest.mark.parametrize("crystal", ["Si", "MgO"])
def test_lambda_of_the_demo_model_is_the_one_on_its_card(crystal):
    """And with conservative forces in float64 nothing is left of it but the displacement."""
    import torch

    torch.set_num_threads(1)
    card = yaml.safe_load(asset("models", "pet-demo.yaml").read_text())
    a = card["data"]["teacher_lattice_constants"][crystal]
    cell = bulk(crystal, {"Si": "diamond", "MgO": "rocksalt"}[crystal], a, cubic=True)
    settings = ConservationSettings(loops=False, picoseconds=0, rattle=0.05)
    direct = conservation(cell, load_model("pet-demo", forces="direct"), settings)
    assert direct.jacobian_asymmetry == pytest.approx(card["forces"]["direct"]["jacobian_asymmetry"][crystal], rel=0.02)
    assert direct.jacobian_resolved
    exact = conservation(cell, load_model("pet-demo", forces="conservative", dtype="float64"), settings)
    assert exact.jacobian_asymmetry < 1e-4
    assert not exact.jacobian_resolved
