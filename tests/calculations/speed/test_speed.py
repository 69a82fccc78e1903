"""Clocks are held to models whose cost is known: by construction, not by measurement."""

import sys
import time

import numpy as np
import pytest
from ase.build import bulk, molecule

import mlip_core as mlip
from mlip_core.calculations.speed import machine
from mlip_core.calculations.speed.machine import Load, computing_with, n_cores, packages_of, processor_name
from mlip_core.calculations.speed.notes import notes_on_load
from mlip_core.calculations.speed.record import Timing
from mlip_core.errors import Cancelled, SettingsError
from mlip_core.models.model import Model, Prediction

MS = 1e-3
CRYSTAL = bulk("Si", a=5.43)


class Costly(Model):
    """Waits or computes for a known time an atom; remembers what it was asked."""

    name = "costly"

    def __init__(self, wait=0.0, compute=0.0, first=0.0):
        self.wait, self.compute, self.first = wait, compute, first
        self.asked = []

    def _forward(self, structures):
        self.asked.append([atoms.copy() for atoms in structures])
        n = sum(map(len, structures))
        time.sleep(self.wait * n + self.first * (len(self.asked) == 1))
        end = time.process_time() + self.compute * n
        while time.process_time() < end:
            pass
        return [Prediction(0.0, np.zeros((len(atoms), 3)), None) for atoms in structures]


def quick(**others):
    return mlip.SpeedSettings(**{"n_atoms": (8, 64), "repeats": 3, "batch": 4, "patience": 0.0, **others})


def test_waiting_costs_wall_time_and_no_processor_time():
    result = mlip.speed(CRYSTAL, Costly(wait=0.5 * MS), quick())
    assert [(timing.n_atoms, timing.n_structures) for timing in result.timings] == [(8, 1), (8, 4), (64, 1), (64, 4)]
    for timing in result.timings:
        assert timing.us_per_atom > 500
        assert timing.wall_range[0] >= 0.5 * MS * timing.n_atoms
        assert timing.wall_range[0] <= timing.wall <= timing.wall_range[1]
    assert result.timings[-1].wall_range[0] < 2 * 0.5 * MS * 64, "a structure's share of the batch"
    assert result.timings[-1].processor_us_per_atom < 250
    assert result.disturbed
    assert any("waited for the rest" in note for note in result.notes)


def test_computing_costs_processor_time():
    result = mlip.speed(CRYSTAL, Costly(compute=0.2 * MS), quick())
    for timing in result.timings[2:]:
        assert 200 <= timing.processor_us_per_atom < 300
        assert timing.wall >= 0.95 * timing.processor
    assert mlip.tables(result)["timings"]["processor_us_per_atom"].iloc[2] == pytest.approx(
        1e6 * result.timings[2].processor / 64
    )


def test_first_calls_do_not_count():
    slow = mlip.speed(CRYSTAL, Costly(first=0.5), quick(n_atoms=(8,)))
    assert slow.timings[0].wall_range[1] < 0.4
    assert slow.timings[0].n_calls == 3


def test_calls_are_one_by_one_and_then_in_batches_of_different_structures():
    model = Costly()
    result = mlip.speed(CRYSTAL, model, quick())
    assert [timing.n_calls for timing in result.timings] == [3, 3, 3, 3]
    shapes = [(len(call), len(call[0])) for call in model.asked]
    assert shapes == [(1, 8)] * 6 + [(4, 8)] * 4 + [(1, 64)] * 4 + [(4, 64)] * 4
    positions = [atoms.positions for call in model.asked for atoms in call if len(atoms) == 8]
    assert all(not np.allclose(a, b) for k, a in enumerate(positions) for b in positions[:k])
    assert np.std(positions, axis=0).mean() == pytest.approx(0.02, rel=0.3)


def test_a_batch_is_no_larger_than_one_forward_call():
    model = Costly()
    model.batch_atoms = 200
    result = mlip.speed(CRYSTAL, model, quick(n_atoms=(8, 64, 216), batch=8))
    assert [timing.n_structures for timing in result.batched] == [8, 3, 2]


def test_what_would_take_too_long_is_left_out_and_named():
    begin = time.monotonic()
    result = mlip.speed(CRYSTAL, Costly(wait=2 * MS), quick(n_atoms=(8, 512, 1000), repeats=100, seconds=1.0))
    assert time.monotonic() - begin < 10
    assert {timing.n_atoms for timing in result.timings} == {8}
    (note,) = [note for note in result.notes if "Left out" in note]
    assert note.endswith("one by one from 512 atoms on, in a batch from 512 atoms on.")
    assert 1 <= result.timings[0].n_calls < 100


def test_a_molecule_is_measured_as_it_is():
    result = mlip.speed(molecule("H2O"), Costly(), quick())
    assert [(timing.n_atoms, timing.n_structures) for timing in result.timings] == [(3, 1), (3, 4)]


def test_progress_rises_and_may_stop_it():
    seen = []
    mlip.speed(CRYSTAL, Costly(), quick(), progress=lambda done, total, **values: seen.append((done, total, values)))
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert {total for _, total, _ in seen} == {24}
    assert {values["stage"] for _, _, values in seen} >= {"8 atoms, one by one", "64 atoms, in a batch"}

    def stop(done, total, **values):
        raise Cancelled

    with pytest.raises(Cancelled):
        mlip.speed(CRYSTAL, Costly(), quick(), progress=stop)


def test_the_record_says_on_what_it_was_measured(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    result = mlip.speed(CRYSTAL, Costly(), quick(processor="an abacus, 10 beads"))
    assert result.omp_num_threads == "7"
    assert result.processor == processor_name()
    assert result.packages["numpy"] == np.__version__
    assert any("not an abacus, 10 beads" in note for note in result.notes)


def test_torch_computes_with_the_threads_asked_for_and_has_its_own_back():
    torch = pytest.importorskip("torch")
    before, seen = torch.get_num_threads(), []

    class Noting(Costly):
        def _forward(self, structures):
            seen.append(torch.get_num_threads())
            return super()._forward(structures)

    result = mlip.speed(CRYSTAL, Noting(), quick(n_atoms=(8,), threads=2))
    assert set(seen) == {2}
    assert result.threads == 2
    assert torch.get_num_threads() == before


def test_without_torch_no_threads_are_told(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with computing_with(2) as threads:
        assert threads is None


def test_processor_and_threads_are_part_of_the_key():
    from mlip_core.configuration import Configuration
    from mlip_core.jobs.task import Task

    def key(**settings):
        configuration = Configuration(model="chgnet")
        return Task(kind="speed", subject=CRYSTAL, configuration=configuration, settings=quick(**settings)).key()

    assert len({key(), key(threads=2), key(processor="another"), key()}) == 3


def test_load_of_others_is_that_of_the_machine_without_ours(monkeypatch):
    clocks = iter([(100.0, 10.0, 50.0), (117.0, 13.0, 60.0), (100.5, 10.6, 51.0)])
    monkeypatch.setattr(machine, "_clocks", lambda: next(clocks))
    load = Load()
    assert load.others() == pytest.approx((17 - 3) / 10)
    assert load.others() == 0, "never less than nothing"


@pytest.mark.parametrize(("busy_looks", "looks"), [(0, 1), (2, 3), (100, 5)])
def test_the_first_call_waits_for_others_to_come_to_rest_but_not_for_ever(monkeypatch, busy_looks, looks):
    seen = []

    class Looked:
        def others(self):
            return float(len(seen) <= busy_looks) * n_cores()

    monkeypatch.setattr(machine, "Load", Looked)
    monkeypatch.setattr(machine, "sleep", seen.append)
    monkeypatch.setattr(machine, "perf_counter", lambda: sum(seen))
    machine.wait_until_quiet(4.5 * machine._LOOK)
    assert len(seen) == looks


def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_the_clock_of_the_whole_machine_counts_this_process():
    everything, mine, wall = machine._clocks()
    busy(0.3)
    later = machine._clocks()
    assert later[1] - mine == pytest.approx(0.3, abs=0.05)
    assert later[0] - everything >= 0.25
    assert later[2] - wall >= 0.3


def timing(wall, processor):
    return Timing(n_atoms=8, n_structures=1, n_calls=3, wall=wall, wall_range=(wall, wall), processor=processor)


def test_a_quiet_measurement_has_no_notes(monkeypatch):
    for module in ("notes", "machine"):
        monkeypatch.setattr(f"mlip_core.calculations.speed.{module}.n_cores", lambda: 8)
    assert notes_on_load(0.5, [timing(1.0, 0.98)], "cpu") == []
    assert notes_on_load(0.5, [timing(1.0, 0.2)], "cuda") == []
    (note,) = notes_on_load(2.0, [timing(1.0, 3.9)], "cpu")
    assert "2.0 of 8 cores" in note
    (note,) = notes_on_load(0.0, [timing(1.0, 0.5)], "cpu")
    assert "50%" in note


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_atoms": ()}, "n_atoms"),
        ({"n_atoms": (64, 8)}, "rise"),
        ({"n_atoms": (0,)}, "n_atoms"),
        ({"repeats": 0}, "repeats"),
        ({"batch": 1}, "batch"),
        ({"threads": 0}, "threads"),
        ({"seconds": 0}, "seconds"),
        ({"rattle": 0.0}, "rattle"),
        ({"patience": -1.0}, "patience"),
    ],
)
def test_impossible_settings_are_named(settings, said):
    with pytest.raises(SettingsError, match=said):
        mlip.SpeedSettings(**settings)


@pytest.mark.slow
@pytest.mark.benchmark
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch and metatensor about their own future
@pytest.mark.filterwarnings("ignore::UserWarning")  # metatomic about the missing uncertainty output
def test_direct_forces_of_one_model_cost_less_than_its_conservative_ones():
    settings = mlip.SpeedSettings(n_atoms=(64, 216), seconds=30.0)
    structure, found = bulk("Si"), {}
    for forces in ("direct", "conservative"):
        model = mlip.load_model("pet-demo", forces=forces)
        result = mlip.speed(structure, model, settings)
        found[forces] = {timing.n_atoms: timing.processor_us_per_atom for timing in result.one_by_one}
        assert result.packages == packages_of(model)
        assert "metatomic-torch" in result.packages
        assert result.threads == 1
    ratios = {size: found["conservative"][size] / found["direct"][size] for size in found["direct"]}
    print(found, ratios)
    assert min(ratios.values()) > 1.3
