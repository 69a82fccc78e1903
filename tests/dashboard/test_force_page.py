"""The Force errors page finds and names errors planted in labels, narrows down, and never calls a difference an error."""

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase.io import read, write
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.views.force_errors.comparison import compared_by, lambench_questions, questions
from dashboard.views.force_errors.download import per_atom_csv, per_atom_parquet, with_all_forces
from dashboard.widgets.download import archive
from dashboard.widgets.work import drawn, follow
from mlip_core.assets import asset
from mlip_core.calculations.benchmarks.lambench import lambench_error
from mlip_core.calculations.benchmarks.published import lambench_sets
from mlip_core.calculations.force_errors import Selection
from mlip_core.configuration import Configuration
from mlip_core.datasets.shelf import Shelf

APP = Path(dashboard.__file__).with_name("app.py")
DIRECT = Configuration(model="pet-demo", forces="direct")
CONSERVATIVE = Configuration(model="pet-demo", forces="conservative")


@pytest.fixture(scope="module")
def planted():
    """Labelled structures with a sign, a swap, a turned force and a NaN planted."""
    every = read(asset("reference", "rattled.extxyz"), ":")
    frames = [a for a in every if a.info["name"] == "Si"][:5] + [a for a in every if a.info["name"] == "Al"][:5]
    for atoms in frames:
        atoms.arrays["dft_forces"] = atoms.arrays.pop("REF_forces")
        atoms.info = {"name": atoms.info["name"], "dft_energy": atoms.info["REF_energy"]}
    frames[1].arrays["dft_forces"] *= -1
    far = np.argsort(frames[3].arrays["dft_forces"][:, 0])[[0, -1]]
    frames[3].arrays["dft_forces"][far] = frames[3].arrays["dft_forces"][far[::-1]]
    largest = np.linalg.norm(frames[6].arrays["dft_forces"], axis=1).argmax()
    frames[6].arrays["dft_forces"][largest] *= -1
    frames[8].arrays["dft_forces"][2, 1] = np.nan
    text = io.StringIO()
    write(text, frames, format="extxyz")
    return text.getvalue().encode(), sorted(far.tolist()), int(largest)


@pytest.fixture(scope="module")
def code(home_of_all, planted):
    return Shelf(home_of_all / "datasets").bring(planted[0], "planted.extxyz")


@pytest.fixture
def app(code, monkeypatch):
    from dashboard import service
    from mlip_core.jobs.queue import Jobs

    monkeypatch.setattr(Jobs, "ensure_dispatcher", lambda self: None)
    for cached in (service.jobs, service.shelf, service.dataset):
        cached.clear()
    tested = AppTest.from_file(APP, default_timeout=120)
    tested.query_params["data"] = code
    tested.query_params["lineup"] = "pet-demo:direct,pet-demo:conservative"
    yield tested
    for cached in (service.jobs, service.shelf, service.dataset):
        cached.clear()


def compute(code, reference=None, *, split=False):
    """Answer what the page asks, in this process; the split of the errors where it is needed."""
    from dashboard.service import dataset, jobs

    tasks, splits = questions(dataset(code), (DIRECT, CONSERVATIVE), reference)
    for task in [*tasks, *(splits if split else [])]:
        if jobs().result(jobs().key(task)) is None:
            jobs().store.put(jobs().key(task), task.run())
    return tasks


def shown(app, view="Parity"):
    app.session_state["view"] = view
    app.run()
    app.switch_page("views/force_errors/page.py")
    app.run()
    assert not app.exception
    assert not app.error
    return app


def table_with(app, column):
    return next(frame.value for frame in app.dataframe if column in frame.value)


def test_every_planted_error_is_found_and_named(app, code, planted):
    _, swapped, turned = planted
    compute(code)
    shown(app, "Outliers")
    named = table_with(app, "what").set_index("structure")["what"]
    assert named[1] == "forces of opposite sign"
    assert named[3] == f"forces of atoms {swapped[0]} and {swapped[1]} exchanged"
    assert named[6] == f"force of atom {turned}: opposite sign"
    assert set(named.index) == {1, 3, 6}
    aside = table_with(app, "reason")
    assert "frame 8" in aside["where"][0]
    assert "not finite" in aside["reason"][0]


def test_the_summary_is_what_numpy_says_and_narrows_down(app, code, planted):
    compute(code)
    shown(app)
    frames = read(io.StringIO(planted[0].decode()), ":", format="extxyz")
    del frames[8]
    predicted = [p.forces for p in DIRECT.load().predict(frames)]
    errors = [np.abs(f - a.arrays["dft_forces"]) for f, a in zip(predicted, frames, strict=True)]
    summary = table_with(app, "MAE").set_index("configuration")
    assert summary["MAE"].iloc[0] == pytest.approx(1000 * np.concatenate(errors).mean(), rel=1e-5)
    app.selectbox(key="element").select("Al").run()
    aluminium = np.concatenate([e for e, a in zip(errors, frames, strict=True) if "Al" in a.symbols])
    assert table_with(app, "MAE")["MAE"].iloc[0] == pytest.approx(1000 * aluminium.mean(), rel=1e-5)
    assert not app.exception


def test_what_was_deleted_and_asked_again_is_shown_anew(app, code):
    """The same key, another figure: neither the session nor the server remembers the first."""
    from dashboard.service import jobs

    task = compute(code)[0]
    run = jobs().submit(task)
    before = jobs().result(run.key)
    first = table_with(shown(app), "MAE")["MAE"].iloc[0]
    app.selectbox(key="element").select("Al").run()
    jobs().delete(run.id)
    assert jobs().result(run.key) is None
    jobs().store.put(run.key, replace(task.run(), mae=2 * before.mae, us_per_atom=1234.5))
    app.selectbox(key="element").select("all").run()
    found = table_with(app, "MAE").iloc[0]
    assert found["MAE"] == pytest.approx(2 * first)
    assert found["time"] == 1234.5
    jobs().store.put(run.key, before)


def test_the_paired_test_is_of_the_configurations_that_were_chosen(app, code):
    compute(code)
    shown(app, "Is it real?")
    words = [" ".join(item.value for item in app.markdown)]
    app.selectbox(key="real-first").select("PET demo · conservative").run()
    words.append(" ".join(item.value for item in app.markdown))
    difference = [float(re.search(r"MAE (−?[\d.]+) meV", said)[1].replace("−", "-")) for said in words]
    assert difference[0] == -difference[1] != 0


def test_the_card_of_the_reference_opens(app):
    from mlip_core.reference.pbe import reference_convergence

    app.query_params["data"] = "pbe"
    shown(app)
    next(button for button in app.button if button.label == "How they were computed").click().run()
    assert not app.exception
    assert len(table_with(app, "rms")) == len(reference_convergence())
    assert any("MgO" in item.value for item in app.markdown)


def test_a_difference_is_never_called_an_error(app, code):
    compute(code, CONSERVATIVE)
    shown(app)
    app.selectbox(key="against").select("pet-demo:conservative").run()
    said = [item.value for item in (*app.caption, *app.markdown)]
    words = " ".join(text for text in said if not text.startswith("**") or " — " not in text)  # without the glossary
    assert re.search("[Dd]ifferences? to PET demo · conservative", words)
    assert not re.search(r"\berrors?\b", words, re.IGNORECASE), words
    assert len(table_with(app, "MAE")) == 1


def test_downloads_hold_every_atom_and_configuration(app, code):
    from dashboard.service import dataset

    tasks = compute(code, split=True)
    works = follow(tasks)
    compared = compared_by(works, dataset(code).path.parent, Selection())
    frames = read(io.StringIO(with_all_forces(compared).decode()), ":", format="extxyz")
    assert {"PET_demo_direct_forces", "PET_demo_conservative_forces"} <= set(frames[0].arrays)
    atoms = pd.read_parquet(io.BytesIO(per_atom_parquet(compared[0])))
    assert len(atoms) == sum(map(len, frames)) == compared[0].errors.n_atoms
    assert atoms["pred_x"].iloc[0] == pytest.approx(frames[0].arrays["PET_demo_direct_forces"][0, 0], abs=1e-6)
    written = pd.read_csv(io.BytesIO(per_atom_csv(compared[0])))
    pd.testing.assert_frame_equal(written, atoms, check_dtype=False)
    splits = follow(questions(dataset(code), (DIRECT, CONSERVATIVE), None)[1])
    packed = zipfile.ZipFile(io.BytesIO(archive("Planted", [*drawn(works[:1]), *drawn(splits)], {})))
    names = {"by_structure.csv", "by_element.csv", "split.csv"}
    assert {"PET_demo_conservative/split.csv", "force_errors.csv", "error_split.csv", "settings.json"} | {
        f"PET_demo_direct/{name}" for name in names
    } <= set(packed.namelist())


@pytest.mark.slow
def test_lambench_is_shown_domain_by_domain_with_speed_and_stability(app, home_of_all):
    from dashboard.service import dataset, jobs

    frames = read(asset("reference", "rattled.extxyz"), ":12")
    for place, atoms in enumerate(frames):
        atoms.info["set"] = ("AQM_PBE", "HPt_NC_2022", "Cu_MgO_catalysts")[place % 3]
    text = io.StringIO()
    write(text, [atoms for atoms in frames if atoms.info["name"] in ("Si", "C", "SiC")], format="extxyz")
    code = Shelf(home_of_all / "datasets").bring(text.getvalue().encode(), "sets.extxyz")
    tasks = compute(code)
    task = lambench_questions(dataset(code), (DIRECT,), 10, 1)[0]
    measured = replace(task, settings=replace(task.settings, picoseconds=0.03)).run()
    jobs().store.put(jobs().key(task), measured)
    app.query_params["data"] = code
    shown(app, "Benchmarks")
    errors = table_with(app, "error")
    for asked, error in zip(tasks, errors["error"], strict=True):
        domains, dummies = lambench_sets()
        of_task = lambench_error(dataset(code), jobs().result(jobs().key(asked)), domains=domains, dummies=dummies)
        assert error == pytest.approx(of_task.error)
    assert errors["error"].nunique() == 2, "two heads of one model"
    subsets = table_with(app, "PET demo · direct: F").set_index("subset")
    assert len(subsets) == 3
    assert (subsets["PET demo · direct: F"] != subsets["PET demo · conservative: F"]).all()
    assert {"Catalysis: forces", "Molecules: energy"} <= set(errors.columns)
    row = table_with(app, "efficiency").iloc[0]
    assert row["efficiency"] == pytest.approx(measured.efficiency)
    assert row["time"] == pytest.approx(measured.cells["us_per_atom"].iloc[1:].mean())
    assert row["instability"] == measured.instability
    assert measured.runs["formula"].iloc[0] in row["drift"]
    assert table_with(app, "kappa_srme").set_index("model").loc["PET-OAM-XL", "match_tight"] == 0.1308
    assert table_with(app, "drift_as_published").set_index("model").loc["Orb-v2", "drift"] == pytest.approx(
        0.0219, abs=1e-4
    )
    told = " ".join(item.value for item in app.caption)
    assert "10.18 times too large" in told, "said beside the drifts"
    assert "commit 2c7f9fc4 of 16 July 2026" in told
    ran = follow([task])
    packed = zipfile.ZipFile(io.BytesIO(archive("LAMBench", drawn(ran), {})))
    told = pd.read_csv(packed.open("lambench.csv")).iloc[0]
    assert (told["configuration"], told["instability"]) == ("PET demo · direct", measured.instability)
    assert told["efficiency"] == pytest.approx(measured.efficiency)
    assert len(pd.read_csv(packed.open("PET_demo_direct/lambench_cells.csv"))) == 10


def test_benchmarks_are_shown_where_models_cover_different_elements(app, home_of_all):
    from dashboard.service import dataset, jobs

    every = read(asset("reference", "rattled.extxyz"), ":")
    frames = [next(a for a in every if a.info["name"] == name) for name in ("Si", "Al", "Cu")]
    text = io.StringIO()
    write(text, frames, format="extxyz")
    code = Shelf(home_of_all / "datasets").bring(text.getvalue().encode(), "three.extxyz")
    for task in questions(dataset(code), (DIRECT, Configuration(model="chgnet")), None)[0]:
        jobs().store.put(jobs().key(task), task.run())
    app.query_params["data"], app.query_params["lineup"] = code, "pet-demo:direct,chgnet"
    shown(app, "Benchmarks")
    assert len(table_with(app, "error")) == 2
    assert any(re.search(r"\b2 structures\b", item.value) for item in app.caption)
    app.selectbox(key="element").select("Si").run()
    assert not any("error" in frame.value for frame in app.dataframe)


def test_a_run_that_is_opened_shows_its_data_set_and_what_it_was_compared_with(app, code, monkeypatch):
    from dashboard.service import dataset, jobs
    from dashboard.views.force_errors.declaration import reference_value
    from mlip_core.jobs.queue import Jobs

    monkeypatch.setattr(Jobs, "_revive", lambda self: None)
    tasks, _ = questions(dataset(code), (DIRECT,), Configuration(model="soap-demo"))
    run = jobs().submit(tasks[0])
    assert reference_value(tasks[0]) == {"against": "soap-demo"}
    app.session_state["against"] = "soap-demo"
    shown(app)
    assert f"cancel-{run.id}" in [button.key for button in app.button]
