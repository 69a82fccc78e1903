import re

import ase.optimize
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter

import mlip_core as mlip
from mlip_core import records
from mlip_core.calculations.relaxation import trace
from mlip_core.calculations.relaxation.calculation import RelaxationSettings, relax
from mlip_core.errors import Cancelled, ModelError, SettingsError
from mlip_core.models.model import Model, Prediction
from mlip_core.units import EV_PER_A3_IN_GPA


class Changed(Model):
    """EMT with every prediction changed by a function of (atoms, prediction)."""

    name = "changed EMT"

    def __init__(self, change):
        self.change = change
        self.emt = mlip.from_ase(EMT(), name="EMT")

    def _forward(self, structures):
        return [self.change(a, p) for a, p in zip(structures, self.emt.predict(structures), strict=True)]


@pytest.fixture(scope="module")
def emt():
    return mlip.from_ase(EMT(), name="EMT")


@pytest.fixture
def rattled():
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell * 1.02, scale_atoms=True)
    atoms.rattle(0.05, seed=3)
    return atoms


@pytest.mark.parametrize("optimizer", ["FIRE", "LBFGS", "BFGS"])
@pytest.mark.parametrize("cell", ["none", "isotropic", "full"])
def test_equals_ases_own_optimizers(emt, rattled, optimizer, cell):
    by_hand = rattled.copy()
    by_hand.calc = EMT()
    target = by_hand if cell == "none" else FrechetCellFilter(by_hand, hydrostatic_strain=cell == "isotropic")
    hand = getattr(ase.optimize, optimizer)(target, logfile=None)
    hand.run(fmax=0.02, steps=200)

    result = relax(rattled, emt, RelaxationSettings(fmax=0.02, steps=200, optimizer=optimizer, cell=cell))

    assert result.converged
    assert result.n_steps == hand.nsteps
    assert np.allclose(result.structure.positions, by_hand.positions, atol=1e-9)
    assert np.allclose(result.structure.cell, by_hand.cell, atol=1e-9)
    assert result.energies[-1] == pytest.approx(by_hand.get_potential_energy(), abs=1e-9)
    assert result.fmax[-1] == pytest.approx(np.linalg.norm(by_hand.get_forces(), axis=1).max(), abs=1e-8)
    assert np.allclose(result.stresses[-1], by_hand.get_stress(voigt=False), atol=1e-9)
    assert result.generalized_fmax[-1] < 0.02
    assert result.n_evaluations == result.n_steps + 1


def test_the_start_is_not_touched_and_comes_first(emt, rattled):
    before = rattled.copy()
    result = relax(rattled, emt, RelaxationSettings(fmax=0.05))
    assert rattled == before
    assert rattled.calc is None
    assert np.array_equal(result.frames[0].positions, before.positions)
    assert np.array_equal(result.frames[-1].positions, result.structure.positions)
    assert len(result.energies) == result.n_steps + 1 == len(result.space_groups)
    assert result.structure.calc is None


def test_pressure_is_reached(emt):
    result = relax(bulk("Cu"), emt, RelaxationSettings(fmax=1e-4, cell="isotropic", pressure=10.0, optimizer="BFGS"))
    assert result.converged
    assert result.pressures[-1] * EV_PER_A3_IN_GPA == pytest.approx(10.0, abs=0.05)
    assert result.start.volume_change < -0.03


def test_isotropic_keeps_the_shape(emt):
    start = bulk("Cu", cubic=True)
    start.set_cell(start.cell.array * [[1.0], [1.0], [1.05]], scale_atoms=True)
    result = relax(start, emt, RelaxationSettings(cell="isotropic", fmax=0.05, optimizer="BFGS"))
    lengths = result.structure.cell.lengths()
    assert result.converged
    assert lengths[2] / lengths[0] == pytest.approx(1.05, abs=1e-6)
    full = relax(start, emt, RelaxationSettings(cell="full", fmax=0.001, optimizer="BFGS"))
    lengths = full.structure.cell.lengths()
    assert lengths[2] / lengths[0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("cell", ["none", "full"])
def test_work_equals_the_change_of_energy_for_a_conservative_model(emt, rattled, cell):
    result = relax(rattled, emt, RelaxationSettings(fmax=0.03, cell=cell))
    change = result.energies - result.energies[0]
    assert change[-1] < -0.05
    assert np.allclose(result.work, change, atol=0.02 * abs(change[-1]))


def test_work_of_a_step_is_second_order(emt):
    start = bulk("Cu", cubic=True)
    start.rattle(0.1, seed=1)
    errors = []
    for size in (0.02, 0.01):
        end = start.copy()
        end.set_cell(start.cell.array @ (np.eye(3) + size * np.array([[1, 0.5, 0], [0, 0, 0.3], [0, 0, -1]])), True)
        end.positions += size * np.random.default_rng(0).normal(size=(4, 3))
        a, b = emt.predict([start, end])
        before, after = (trace.State(atoms, p.forces, p.stress) for atoms, p in ((start, a), (end, b)))
        work = trace.work_of_step(before, after)
        errors.append(abs(work - (b.energy - a.energy)))
    assert errors[1] < errors[0] / 6
    assert errors[1] < 1e-3


def test_work_differs_where_forces_are_not_a_gradient(rattled):
    def curl(atoms, p):
        extra = 0.3 * np.cross([0, 0, 10.0], atoms.positions - rattled.positions)
        return p._replace(forces=p.forces * [1.0, 0.7, 1.0] + extra)

    result = relax(rattled, Changed(curl), RelaxationSettings(fmax=0.02, steps=50))
    assert abs(result.work[-1] - (result.energies[-1] - result.energies[0])) > 0.01


def test_symmetry_breaking_is_followed_and_can_be_forbidden():
    def tetragonal(atoms, p):
        return p._replace(stress=p.stress + np.diag([0.004, 0, 0]))

    start = bulk("Cu", cubic=True)
    free = relax(start, Changed(tetragonal), RelaxationSettings(cell="full", fmax=0.01, optimizer="BFGS"))
    assert free.space_groups[0] == "Fm-3m (225)"
    assert free.space_groups[-1] == free.space_groups_loose[-1] == "I4/mmm (139)"
    assert free.start.operations_start == (192, 192)
    assert free.start.operations_end == (64, 64)
    settings = RelaxationSettings(cell="full", fmax=0.01, optimizer="BFGS", fix_symmetry=True)
    kept = relax(start, Changed(tetragonal), settings)
    assert kept.converged
    assert set(kept.space_groups) == {"Fm-3m (225)"}
    assert kept.structure.constraints == []


def test_drift_shows_at_the_tight_tolerance_only():
    def noisy(atoms, p):
        noise = 2e-4 * np.random.default_rng(0).normal(size=atoms.positions.shape)
        return p._replace(forces=p.forces + noise)

    start = bulk("Cu", cubic=True)
    result = relax(start, Changed(noisy), RelaxationSettings(fmax=1e-5, steps=25, optimizer="BFGS"))
    assert result.space_groups[-1] == "P1 (1)"
    assert result.space_groups_loose[-1] == "Fm-3m (225)"


@pytest.mark.parametrize("start", [molecule("H2O"), fcc111("Cu", (1, 1, 3), vacuum=6.0)], ids=["molecule", "slab"])
def test_no_cell_relaxation_without_a_crystal(emt, start):
    for settings in (RelaxationSettings(cell="full"), RelaxationSettings(cell="isotropic")):
        with pytest.raises(SettingsError, match="choose cell='none'"):
            relax(start, emt, settings)
    with pytest.raises(SettingsError, match="choose fix_symmetry=False"):
        relax(start, emt, RelaxationSettings(fix_symmetry=True))


def test_molecule(emt):
    start = molecule("CO")
    result = relax(start, emt, RelaxationSettings(fmax=1e-3))
    assert result.converged
    assert result.volumes is result.stresses is result.pressures is None
    assert set(result.space_groups) == {None}
    assert result.start.volume_change is result.start.rmsd is result.start.operations_end is None
    moved = result.structure.get_distance(0, 1) - start.get_distance(0, 1)
    assert result.start.rms_displacement == pytest.approx(abs(moved) / 2, abs=1e-6)


def test_constraints_of_the_start_stay(emt):
    from ase.constraints import FixAtoms

    slab = fcc111("Cu", (1, 1, 4), vacuum=6.0)
    slab.set_constraint(FixAtoms([0, 1]))
    result = relax(slab, emt, RelaxationSettings(fmax=0.005))
    assert result.converged
    assert np.array_equal(result.structure.positions[:2], slab.positions[:2])
    assert not np.allclose(result.structure.positions[3], slab.positions[3], atol=1e-3)
    assert len(result.structure.constraints) == 1


def test_step_limit_is_said(emt, rattled):
    result = relax(rattled, emt, RelaxationSettings(fmax=1e-6, steps=3))
    assert not result.converged
    assert result.n_steps == 3
    assert "limit of 3 steps" in result.reason
    assert relax(rattled, emt, RelaxationSettings(steps=0)).n_steps == 0


def collapse(atoms, p):
    vector = atoms.positions[1] - atoms.positions[0]
    force = 5 * vector / np.linalg.norm(vector)
    return Prediction(p.energy, np.array([force, -force]), None)


def expand(atoms, p):
    return p._replace(stress=-0.5 * np.eye(3), forces=np.zeros_like(p.forces))


def stretch(atoms, p):
    return p._replace(stress=np.diag([-0.5, 0.25, 0.25]), forces=np.zeros_like(p.forces))


def abyss(atoms, p):
    return p._replace(
        energy=-1e3 * float(np.sum((atoms.positions - bulk("Cu", cubic=True).positions) ** 2)), forces=p.forces + 2
    )


@pytest.mark.parametrize(
    ("start", "change", "cell", "why"),
    [
        (Atoms("Cu2", [[0, 0, 0], [0, 0, 2.2]]), collapse, "none", r"atoms 0 and 1 came within 0\.\d+ Å"),
        (bulk("Cu"), expand, "isotropic", "the volume became 2"),
        (bulk("Cu"), stretch, "full", "as long in one direction"),
        (bulk("Cu", cubic=True), abyss, "none", "the energy fell by"),
    ],
)
def test_blow_ups_end_with_a_reason(start, change, cell, why):
    result = relax(start, Changed(change), RelaxationSettings(cell=cell, steps=300))
    assert not result.converged
    assert re.search(why, result.reason)
    assert 0 < result.n_steps < 300
    assert "given back as it was" in result.reason
    assert np.array_equal(result.structure.positions, start.positions)
    assert np.array_equal(result.structure.cell, start.cell)
    assert len(result.frames) == len(result.energies)


@pytest.mark.parametrize("optimizer", ["FIRE", "LBFGS", "BFGS"])
def test_no_structure_of_an_exploding_model_is_called_relaxed(optimizer):
    """A stress head that pulls until the volume is 2.9 times as large, where every force vanishes."""
    volume = bulk("Cu").get_volume()

    def pulls(atoms, p):
        return p._replace(stress=-0.2 * (2.9 - atoms.get_volume() / volume) * np.eye(3), forces=np.zeros_like(p.forces))

    result = relax(bulk("Cu"), Changed(pulls), RelaxationSettings(cell="full", optimizer=optimizer, steps=1000))
    assert not result.converged
    assert result.structure.get_volume() == pytest.approx(volume)
    assert max(frame.get_volume() for frame in result.frames[:-1]) <= 2 * volume
    assert abs(result.start.volume_change) > 0.6


def test_a_large_change_of_volume_is_said():
    volume = bulk("Cu").get_volume()

    def pulls(atoms, p):
        return p._replace(stress=-0.2 * (1.5 - atoms.get_volume() / volume) * np.eye(3), forces=np.zeros_like(p.forces))

    result = relax(bulk("Cu"), Changed(pulls), RelaxationSettings(cell="isotropic", optimizer="BFGS"))
    assert result.converged
    assert "the volume changed by +50 %" in result.reason


def test_a_model_that_fails_on_the_way_leaves_what_there_is(rattled):
    calls = []

    def breaks(atoms, p):
        calls.append(1)
        return p if len(calls) < 4 else p._replace(energy=np.nan)

    result = relax(rattled, Changed(breaks), RelaxationSettings(fmax=1e-6))
    assert not result.converged
    assert "stopped after 2 steps" in result.reason
    assert "not finite" in result.reason
    assert len(result.energies) == 3
    assert np.array_equal(result.structure.positions, result.frames[-1].positions)


def test_a_model_that_fails_at_the_start_says_so(rattled):
    with pytest.raises(ModelError, match="not finite"):
        relax(rattled, Changed(lambda atoms, p: p._replace(energy=np.nan)))


def test_a_model_without_stress_cannot_change_the_cell(rattled):
    with pytest.raises(SettingsError, match="gives no stress"):
        relax(rattled, Changed(lambda atoms, p: p._replace(stress=None)), RelaxationSettings(cell="full"))


def test_progress_tells_every_step_and_may_stop(emt, rattled):
    told = []

    def listen(done, total, **values):
        told.append((done, total, values))
        if done == 4:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        relax(rattled, emt, RelaxationSettings(cell="full", fmax=1e-6, steps=50), progress=listen)
    assert [done for done, _, _ in told] == [0, 1, 2, 3, 4]
    assert {total for _, total, _ in told} == {50}
    assert {"energy", "fmax", "volume", "stress", "space_group"} <= set(told[0][2])
    assert len({values["energy"] for _, _, values in told}) == 5


def test_long_ways_are_thinned(emt, rattled, monkeypatch):
    monkeypatch.setattr(trace, "MAX_FRAMES", 8)
    result = relax(rattled, emt, RelaxationSettings(fmax=1e-9, steps=30))
    assert len(result.energies) == 31
    assert len(result.frames) == len(result.frame_steps) <= 9
    assert result.frame_steps[0] == 0
    assert result.frame_steps[-1] == 30
    assert np.array_equal(result.frames[-1].positions, result.structure.positions)


def test_comparison_with_the_start(emt):
    start = bulk("Cu", cubic=True)
    start.rattle(0.02, seed=2)
    result = relax(start, emt, RelaxationSettings(fmax=1e-3))
    moved = result.structure.positions - start.positions
    moved -= moved.mean(axis=0)
    distance = np.sqrt(np.mean(np.sum(moved**2, axis=1)))
    assert result.start.rms_displacement == pytest.approx(distance)
    assert result.start.rmsd == pytest.approx(distance / (start.get_volume() / 4) ** (1 / 3), rel=0.02)
    assert result.start.volume_change == 0
    assert result.start.operations_start == (1, 1)
    assert result.start.operations_end[1] == 192


def test_saved_and_loaded(emt, rattled, tmp_path):
    result = relax(rattled, emt, RelaxationSettings(fmax=0.05, cell="full"))
    records.save(result, tmp_path / "r.npz")
    again = records.load(tmp_path / "r.npz")
    assert again.settings == result.settings
    assert again.start == result.start
    assert again.space_groups == result.space_groups
    assert np.array_equal(again.work, result.work)
    assert len(again.frames) == len(result.frames)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fmax": 0},
        {"fmax": float("nan")},
        {"steps": -1},
        {"steps": 1.5},
        {"optimizer": "GPMin"},
        {"cell": "shape"},
        {"pressure": 5.0},
        {"pressure": float("inf"), "cell": "full"},
        {"symprec": 0},
    ],
)
def test_settings_are_checked(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        RelaxationSettings(**wrong)
