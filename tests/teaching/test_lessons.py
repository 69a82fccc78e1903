"""Every lesson can be read, asks what its page asks, and, computed anew, gives what it says."""

from functools import cache

import pytest

from mlip_core.calculations.benchmarks.published import published
from mlip_core.configuration import Configuration
from mlip_core.jobs.store import Store
from mlip_core.teaching import lessons as module
from mlip_core.teaching.lessons import lessons

every_lesson = pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.id)


def test_there_are_six_and_they_are_numbered():
    assert [lesson.id.partition("-")[0] for lesson in lessons()] == [str(n) for n in range(1, len(lessons()) + 1)]
    assert len(lessons()) >= 6


@every_lesson
def test_a_lesson_asks_something_and_expects_what_its_members_give(lesson):
    assert lesson.title.endswith("?")
    assert lesson.asks.endswith("?")
    for step in lesson.steps:
        assert 2 <= len(step.members) <= 6
        assert step.expected
        for one in step.expected:
            assert one.member in step.members
            assert one.low <= one.high


def test_the_published_figures_of_the_sixth_are_those_of_the_table():
    table = published()["matbench_discovery"].table.set_index("model")
    best = table.loc["PET-OAM-XL"]
    why = next(lesson.why for lesson in lessons() if lesson.id == "6-tolerance")
    assert f"{100 * best['match_loose']:.0f} % of them at a tolerance of 0.01" in why
    assert f"{100 * best['match_tight']:.0f} % at 0.00001" in why


def test_a_lesson_that_names_nobody_is_refused(monkeypatch, tmp_path):
    text = (module.asset("lessons", "2-mending.yaml")).read_text(encoding="utf-8").replace("pet-demo:direct", "nobody")
    (tmp_path / "9-wrong.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(module, "asset", lambda *parts: tmp_path.joinpath(*parts[1:]))
    with pytest.raises(module.SettingsError, match="nobody"):
        module.read_lesson("9-wrong")


@pytest.mark.slow
@every_lesson
def test_computed_anew_it_gives_what_it_says(lesson, tmp_path):
    store, load = Store(tmp_path), cache(Configuration.load)
    for step in lesson.steps:
        for task in step.tasks:
            if store.get(task.key()) is None:
                store.put(task.key(), task.run(store=store, load=load))
        for one in step.expected:
            task = next(task for task in step.tasks if task.configuration == one.member)
            value = one.found(step.kind, store.get(task.key()))
            assert value is not None, one.name
            assert one.holds(value), f"{one.name}: {value:.3g} {one.unit}"
