"""Relaxations side by side: the same as one by one, in one forward call a step, and none spoils another."""

import threading
import time

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import mlip_core as mlip
from mlip_core.calculations.relaxation.together import relax_together
from mlip_core.errors import Cancelled, ModelError, SettingsError
from mlip_core.models.model import Counted, Model
from mlip_core.structures import spglib_calls
from mlip_core.symmetry.corrections import Corrections, correct

SETTINGS = mlip.RelaxationSettings(fmax=1e-3, cell="none", optimizer="BFGS")


def rattled(n, symbol="Cu"):
    found = [bulk(symbol, cubic=True) for _ in range(n)]
    for seed, atoms in enumerate(found):
        atoms.rattle(0.02 * (1 + seed), seed=seed)
    return found


@pytest.fixture
def emt():
    return Counted(mlip.from_ase(EMT(), name="EMT"))


def test_each_goes_the_way_it_goes_alone(emt):
    structures = rattled(4)
    together = relax_together(structures, emt, SETTINGS)
    for atoms, one in zip(structures, together, strict=True):
        alone = mlip.relax(atoms, emt, SETTINGS)
        np.testing.assert_array_equal(one.structure.positions, alone.structure.positions)
        assert (one.converged, one.reason, one.n_evaluations) == (alone.converged, alone.reason, alone.n_evaluations)
        np.testing.assert_array_equal(one.energies, alone.energies)
    assert len({one.n_steps for one in together}) > 1, "they do not end at the same time"


def test_a_step_of_all_is_one_forward_call_in_the_callers_thread(emt):
    seen = []

    class Watched(Model):
        name = "watched"

        def _forward(self, structures):
            seen.append((len(structures), threading.current_thread()))
            return emt._forward(structures)

    reports = []
    together = relax_together(
        rattled(4),
        Watched(),
        SETTINGS,
        progress=lambda done, total, **values: reports.append((done, total, values["moving"])),
    )
    sizes, threads = zip(*seen, strict=True)
    assert sizes[0] == 4
    assert list(sizes) == sorted(sizes, reverse=True)
    assert len(sizes) == max(one.n_evaluations for one in together) < sum(one.n_evaluations for one in together)
    assert set(threads) == {threading.current_thread()}
    assert [moving for _, _, moving in reports] == list(sizes)
    assert [done for done, _, _ in reports] == sorted(done for done, _, _ in reports)
    assert {total for _, total, _ in reports} == {4 * SETTINGS.steps}


def test_one_that_cannot_be_answered_leaves_the_others_alone(emt):
    class Narrow(Model):
        """Refuses a cell of the wrong volume, in whatever batch it comes, after its first step."""

        name = "narrow"
        asked = 0

        def _forward(self, structures):
            self.asked += 1
            if self.asked > 3 and any(atoms.get_volume() > 60 for atoms in structures):
                raise ModelError("too large")
            return emt._forward(structures)

    small, large = rattled(1)[0], rattled(1, "Ag")[0]
    good, bad = relax_together([small, large], Narrow(), SETTINGS)
    assert good.converged
    assert not bad.converged
    assert "too large" in bad.reason


def test_a_start_that_cannot_be_answered_is_an_error_as_alone(emt):
    with pytest.raises(ModelError, match="cannot answer for Si2"):
        relax_together([*rattled(2), bulk("Si")], emt, SETTINGS)


def test_who_stops_it_stops_all(emt):
    def stop(done, total, **values):
        if done > 4:
            raise Cancelled

    before = threading.active_count()
    with pytest.raises(Cancelled):
        relax_together(rattled(3), emt, SETTINGS, progress=stop)
    assert threading.active_count() == before


def test_a_random_frame_is_refused_and_nothing_is_nothing(emt):
    with pytest.raises(SettingsError, match="random frame"):
        relax_together(rattled(1), correct(emt, Corrections(rotations="random-frame")), SETTINGS)
    assert relax_together([], emt, SETTINGS) == []


def test_no_two_go_on_at_a_time(emt, monkeypatch):
    inside, most = [], []
    filters = spglib_calls.warnings.filters[:]
    real = spglib_calls.quietly

    def counted(*arguments, **options):
        inside.append(None)
        most.append(len(inside))
        time.sleep(0.002)
        try:
            return real(*arguments, **options)
        finally:
            inside.pop()

    monkeypatch.setattr(spglib_calls, "quietly", counted)
    relax_together(rattled(4), emt, SETTINGS)
    assert max(most) == 1, "warning filters belong to the whole process"
    assert spglib_calls.warnings.filters == filters


def test_an_unforeseen_error_stops_all_and_hangs_nothing(emt):
    class Broken(Model):
        name = "broken"
        asked = 0

        def _forward(self, structures):
            self.asked += 1
            if self.asked > 2:
                raise ZeroDivisionError("unforeseen")
            return emt._forward(structures)

    with pytest.raises(ZeroDivisionError):
        relax_together(rattled(3), Broken(), SETTINGS)
