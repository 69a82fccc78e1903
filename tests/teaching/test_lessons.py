"""Every lesson can be read, asks what its page asks, and, computed anew, gives what it says."""

from functools import cache

import pytest

from mlip_core.calculations.benchmarks.published import published
from mlip_core.configuration import Configuration
from mlip_core.jobs.store import Store
from mlip_core.teaching import lessons as module
from mlip_core.teaching.lessons import lessons

every_lesson = pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.id)


def test_there_are_seven_and_they_are_numbered():
    assert [lesson.id.partition("-")[0] for lesson in lessons()] == [str(n) for n in range(1, len(lessons()) + 1)]
    assert len(lessons()) >= 7


@every_lesson
def test_a_lesson_asks_something_and_expects_what_its_members_give(lesson):
    assert lesson.title.endswith("?")
    assert lesson.asks.endswith("?")
    for step in lesson.steps:
        assert 2 <= len(step.tasks) <= 6
        assert len({task.key() for task in step.tasks}) == len(step.tasks)
        assert step.expected
        for one in step.expected:
            assert one.task in step.tasks
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


@pytest.mark.parametrize(
    ("own", "words"), [("", "2 are of that kind"), ("with: {augmentation: true, epochs: 3}, ", "0 are of that kind")]
)
def test_an_expectation_that_fits_no_task_or_several_is_refused(monkeypatch, tmp_path, own, words):
    text = (module.asset("lessons", "7-learned.yaml")).read_text(encoding="utf-8")
    told = "with: {augmentation: true}, "
    assert told in text
    (tmp_path / "9-wrong.yaml").write_text(text.replace(told, own), encoding="utf-8")
    monkeypatch.setattr(module, "asset", lambda *parts: tmp_path.joinpath(*parts[1:]))
    with pytest.raises(module.SettingsError, match=words):
        module.read_lesson("9-wrong")


@pytest.mark.slow
@every_lesson
@pytest.mark.usefixtures("home")
def test_computed_anew_it_gives_what_it_says(lesson, tmp_path):
    store, load = Store(tmp_path), cache(Configuration.load)
    for step in lesson.steps:
        for task in step.tasks:
            if store.get(task.key()) is None:
                store.put(task.key(), task.run(store=store, load=load))
        for one in step.expected:
            value = one.found(step.kind, store.get(one.task.key()))
            assert value is not None, one.name
            assert one.holds(value), f"{one.name}: {value:.3g} {one.unit}"
