"""Weights that a run must fetch first: seen in its progress, stopped like any step."""

import random
from dataclasses import replace

import pytest

from mlip_core.configuration import Configuration
from mlip_core.jobs.files import RunFolder
from mlip_core.jobs.worker import _bring, execute
from mlip_core.models.catalogue import entry
from mlip_core.models.download import arrived
from mlip_core.models.hub import published

CONTENT = random.Random(2).randbytes(3_400_000)


@pytest.fixture
def hub(toy_hub):
    return toy_hub({"pet-mad-s-v1.5.0.ckpt": CONTENT, "pet-oam-l-v1.0.0.ckpt": b"another"})


@pytest.fixture
def run(jobs, counting):
    task = replace(counting(steps=2), configuration=Configuration(model="pet-mad-s"))
    return jobs.submit(task)


def computed(jobs, run):
    from toy_tasks import TOYS

    return execute(str(jobs.home), run.id, TOYS)


def stages(jobs, run):
    return [(row["values"].get("stage"), row["done"], row["total"]) for row in jobs.progress(run.id)]


def test_a_run_fetches_its_weights_and_tells_how_far_it_is(jobs, hub, run):
    assert computed(jobs, run).status == "done"
    told = [row for row in stages(jobs, run) if row[0]]
    assert set(told) == {("download of PET-MAD S (MB)", done, 4) for done in range(5)}
    assert stages(jobs, run)[-2:] == [(None, 1, 2), (None, 2, 2)]
    assert entry("pet-mad-s").path().read_bytes() == CONTENT
    assert jobs.store.has(jobs.key(jobs.task(run.id))), "the key is that of the weights that came"


def test_the_weights_of_all_that_comes_before_are_fetched_too(jobs, hub, copper, counting):
    first = replace(counting(), configuration=Configuration(model="pet-oam-l"), kind="count")
    task = replace(counting(), before={"relaxation": first})
    _bring(task, lambda *_, **__: None)
    assert entry("pet-oam-l").available()


def test_a_download_is_cancelled_like_any_step(jobs, hub, run):
    hub.on_piece = lambda sent: sent > 1_500_000 and RunFolder(jobs.home, run.id).ask_to_stop()
    hub.seconds_a_piece = 0.001
    assert computed(jobs, run).status == "cancelled"
    assert 1_000_000 < arrived(published("pet-mad-s")) < len(CONTENT)


def test_without_a_network_the_run_says_what_to_do(jobs, hub, run):
    hub.stop()
    outcome = computed(jobs, run)
    assert outcome.status == "failed"
    assert "pet-mad-s-v<version>.ckpt into" in outcome.reason
    assert "cannot be reached" in outcome.reason
