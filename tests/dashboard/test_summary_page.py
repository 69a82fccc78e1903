"""The summary without a browser: empty, asked by one button, judged, and taken along."""

import io
import json
import re
import zipfile
from html import escape

import pytest
from plotly.offline import get_plotlyjs

from dashboard import service, state
from dashboard.views.summary import taking_along
from dashboard.views.summary.package import Done, Package, archive, versions
from dashboard.views.summary.report import report
from dashboard.views.summary.table import Cell, Row, table
from dashboard.views.summary.taking_along import figures_of
from dashboard.views.summary.words import KIND_OF, number, titles, words
from dashboard.widgets import pictures as drawing
from dashboard.widgets.theme import style
from mlip_core.configuration import Configuration
from mlip_core.jobs.runs import RunsTable
from mlip_core.jobs.task import Task
from mlip_core.models.model import Claims
from mlip_core.structures import library_structure
from mlip_core.summary.facts import Evidence
from mlip_core.summary.questions import KINDS
from mlip_core.summary.verdicts import COLUMNS, judge

MEMBER = Configuration(model="pet-demo", forces="direct")
MARK = style(0, constrained=False, corrected=False, label="PET demo · direct")


def shown(app):
    """The table of the summary, as HTML."""
    found = [str(item.proto) for item in app.main if item.type == "bidi_component"]
    return next(text for text in found if "What to conclude" in text)


def test_one_button_asks_everything_what_takes_least_first(visitor):
    app = visitor.open("summary", structure="al", lineup="pet-demo:direct,chgnet")
    assert shown(app).count("not computed") == 2 * len(COLUMNS)
    assert any("on this machine" in caption.value for caption in app.caption)
    runs = sorted(visitor.start(app), key=lambda run: run.submitted)
    assert sorted(run.kind for run in runs) == sorted([*KINDS, *KINDS])
    assert {run.kind for run in runs[-2:]} <= {"conservation", "passport"}, "the dearest come last"
    assert visitor.start(app) == []


def test_the_structure_page_leads_to_it_in_one_click(visitor):
    app = visitor.open("structure", structure="al", lineup="pet-demo:direct")
    assert {run.kind for run in visitor.start(app)} == set(KINDS)
    assert "What to conclude" in shown(app)


def test_results_are_judged_as_they_come(visitor, answer):
    app = visitor.open("summary", structure="al", lineup="pet-demo:direct")
    for run in visitor.start(app):
        if run.kind in ("relaxation", "rotational_variance"):
            visitor.answer(run, answer(run.kind))
    text = shown(visitor.run(app))
    assert "Relax: yes." in text
    assert "Phonons:" not in text
    assert "waiting" in text


def test_a_reason_for_failures_is_said_once_and_whose_they_are(visitor, home, answer, monkeypatch):
    taken = []
    monkeypatch.setattr(taking_along, "offer", lambda found, works, rows: taken.append(rows))
    app = visitor.open("summary", structure="al", lineup="pet-demo:direct,chgnet")
    runs = visitor.start(app)
    done = next(run for run in runs if run.kind == "relaxation")
    visitor.answer(done, answer(done.kind))
    for run in runs:
        RunsTable(home).finish(run.id, "failed", "The memory ran *out*.", before=("queued",))
    visitor.run(app)
    (place,) = [one for one in app.expander if "could not be computed" in one.label]
    assert place.label == f"{2 * len(KINDS) - 1} could not be computed"
    lines = [one.value for one in place.markdown]
    assert len([line for line in lines if "The memory ran \\*out\\*\\." in line]) == 1
    assert lines[-1].count("\n- CHGNet") == 1
    assert "memory" not in shown(app)
    assert any("memory" in cell.small for row in taken[-1] for cell in row.cells), "the report tells it where it is"


def test_who_does_not_know_an_element_is_not_asked(visitor):
    app = visitor.open("summary", structure="tio2", lineup="pet-demo:direct,chgnet")
    assert "Not applicable: does not know Ti" in shown(app)
    assert {run.label for run in visitor.start(app)} == {"CHGNet 0.3.0"}


def test_rattled_copies_are_kept_only_once_they_are_asked_about(visitor):
    chosen = {state.SUMMARY_REFERENCE: "sevennet-0"}
    app = visitor.open("summary", session=chosen, structure="tio2", lineup="chgnet,sevennet-0")
    assert not service.shelf().all()
    runs = visitor.start(app)
    (kept,) = service.shelf().all()
    (task,) = [service.jobs().task(run.id) for run in runs if run.kind == "force_errors"]
    assert task.subject.code == kept.code
    assert task.other == Configuration(model="sevennet-0")


def evidence(answer):
    return Evidence(
        relaxation=answer("relaxation"),
        rotations=answer("rotational_variance"),
        conservation=answer("conservation"),
        phonons=answer("phonons"),
        speed=answer("speed"),
        errors=answer("force_errors"),
        passport=answer("passport"),
        claims=Claims(False, False, True, False, True),
    )


def test_every_cell_says_something(answer):
    found = evidence(answer)
    verdict = judge(found)
    assert set(KIND_OF) == set(titles("PBE")) == set(COLUMNS)
    for column in COLUMNS:
        headline, _ = words(column, found, verdict)
        assert headline
        level = verdict.levels[column]
        assert headline[0] in {"kept": "✓", "doubtful": "○", "broken": "✗"}.get(level, headline)
    assert "as stated" in words("noise", found, verdict).small


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.1234, "0.12"),
        (23.4, "23"),
        (123.4, "123"),
        (4.8e-6, "4.8×10⁻⁶"),
        (-1.18, "−1.2"),
        (-4.8e-6, "−4.8×10⁻⁶"),
    ],
)
def test_numbers_read(value, text):
    assert number(value) == text


def test_a_hostile_name_stays_text(hostile):
    mark = style(0, constrained=True, corrected=False, label=hostile)
    text = table([hostile], [Row(mark, [Cell(hostile, hostile, "kept", opens=hostile)], hostile)])
    assert "<script" not in text
    assert text.count(escape(hostile).replace("/", "/<wbr>")) == 1, "the heading may break"
    assert text.count(escape(hostile)) == 5


@pytest.fixture
def package(answer, hostile):
    """Everything of one member on aluminium, computed by EMT."""
    structure = library_structure("al")
    kinds = ("relaxation", "phonons", "rotational_variance", "speed")
    tasks = [Task(kind=kind, subject=structure, configuration=MEMBER, settings=answer(kind).settings) for kind in kinds]
    done = [Done(task=task, style=MARK, result=answer(task.kind)) for task in tasks]
    figures = figures_of(done, None)
    computed = versions([MEMBER])
    rows = [Row(MARK, [Cell("✓ in 3 steps", "small", "kept")], "Relax: yes.")]
    page = report(hostile, hostile, ["Relaxes"], rows, figures=figures, versions=computed, picture="<svg></svg>")
    return Package(
        name=hostile,
        structure=structure,
        done=done,
        columns=["Relaxes"],
        rows=rows,
        figures=figures,
        versions=computed,
        report=page,
    )


def test_the_report_holds_all_it_needs(package, hostile):
    page = package.report
    assert page.count(get_plotlyjs()) == 1
    rest = page.replace(get_plotlyjs(), "")
    assert f"<h1>{escape(hostile)}</h1>" in rest
    assert "alert(1)</script" not in rest
    assert rest.count("Plotly.newPlot(") == len(package.figures) == 4
    assert not re.search(r"\b(src|href)=", rest), "nothing is fetched"
    assert "default-src 'none'" in rest
    assert "SHA-256" in rest


def test_the_archive_holds_what_its_readme_names(package, monkeypatch):
    monkeypatch.setattr(drawing, "browser", lambda: None)
    packed = zipfile.ZipFile(io.BytesIO(archive(package)))
    names = packed.namelist()
    readme = packed.read("README.md").decode()
    for line in re.findall(r"^- `([^`]+)`:", readme, flags=re.M):
        assert any(name == line or name.startswith(line) for name in names), line
    assert drawing.NO_BROWSER in readme
    assert "structures/relaxed_PET_demo_direct.cif" in names
    assert "results/phonons/PET_demo_direct/phonopy_params.yaml" in names
    for name in names:
        if name.endswith(".csv"):
            head = packed.read(name).decode().partition("\n")[0]
            assert "," in head, name
    assert set(json.loads(packed.read("results.json"))) == {"relaxation", "phonons", "rotational_variance", "speed"}
    program = packed.read("reproduce.py").decode()
    compile(program, "reproduce.py", "exec")
    assert "mlip.speed" not in program, "times are not compared"


@pytest.mark.skipif(drawing.browser() is None, reason="needs Chromium")
def test_figures_are_drawn_as_svg_and_png(package):
    one = dict(list(package.figures.items())[:1])
    drawn = drawing.pictures(one)
    assert sorted(drawn) == ["Relaxation.png", "Relaxation.svg"]
    assert drawn["Relaxation.svg"].startswith(b"<svg")
    assert "eV" in drawn["Relaxation.svg"].decode()
    assert drawn["Relaxation.png"].startswith(b"\x89PNG")
