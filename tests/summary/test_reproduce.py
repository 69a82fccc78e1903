"""The same in Python: code that runs and gives what is stored, in an interpreter that knows nothing of it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.relaxation import RelaxationSettings
from mlip_core.calculations.rotations import RotationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.structures import fingerprint, library_structure, write_structure
from mlip_core.summary.citations import bibliography
from mlip_core.summary.questions import questions
from mlip_core.summary.reproduce import program, stored_numbers
from mlip_core.summary.script import call_code, model_code, page_code, settings_code
from mlip_core.symmetry.corrections import Corrections
from mlip_core.symmetry.moving import large_enough

CORRECTED = Configuration(
    model="pet-demo", forces="direct", corrections=Corrections(rotations="octahedral", inversion=True)
)
SOAP = Configuration(model="soap-demo")


def run(folder, file, home):
    environment = os.environ | {"MLIP_DASHBOARD_HOME": str(home)}
    command = [sys.executable, "-W", "ignore", file]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=environment, timeout=400, check=False
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Program, numbers and structures of a relaxation and a rotational variance by one quick model."""
    folder = tmp_path_factory.mktemp("archive")
    structure = library_structure("si")
    large = large_enough(structure)
    common = {"configuration": SOAP}
    tasks = [
        Task(kind="relaxation", subject=structure, settings=RelaxationSettings(cell="full", fmax=0.01), **common),
        Task(kind="rotational_variance", subject=large, settings=RotationSettings(rattle=0.05, n_angles=0), **common),
    ]
    results = [task.run() for task in tasks]
    files = {"structure": "structure.extxyz", "repeated": "repeated.extxyz"}
    sources = {fingerprint(structure): "structure", fingerprint(large): "repeated"}
    (folder / "structure.extxyz").write_text(write_structure(structure, "extxyz"))
    (folder / "repeated.extxyz").write_text(write_structure(large, "extxyz"))
    (folder / "results.json").write_text(stored_numbers(tasks, results))
    (folder / "reproduce.py").write_text(program(tasks, files, sources))
    return folder


def test_the_program_gives_the_stored_numbers_in_a_fresh_interpreter(archive, home):
    ran = run(archive, "reproduce.py", home)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.split("\n")[:2] == ["SOAP-BPNN demo: relaxation", "SOAP-BPNN demo: rotational_variance"]


@pytest.mark.slow
def test_the_program_says_which_number_differs(archive, home):
    stored = json.loads((archive / "results.json").read_text())
    numbers = stored["relaxation"]["SOAP-BPNN demo"]
    assert "seconds" not in numbers
    assert {"steps", "energy_change_eV", "converged", "space_group_1e-5"} <= set(numbers)
    numbers["energy_change_eV"] *= 1.01
    wrong = archive / "wrong"
    wrong.mkdir()
    for file in ("structure.extxyz", "repeated.extxyz", "reproduce.py"):
        (wrong / file).write_text((archive / file).read_text())
    (wrong / "results.json").write_text(json.dumps(stored))
    ran = run(wrong, "reproduce.py", home)
    assert ran.returncode == 1
    assert "relaxation, energy_change_eV" in ran.stdout
    assert "1 numbers differ" in ran.stderr


@pytest.mark.parametrize("kind", CALCULATIONS)
def test_settings_are_written_so_that_they_read_back(kind):
    import mlip_core as mlip

    settings = CALCULATIONS[kind].settings()
    written = settings_code(settings)
    if hasattr(mlip, type(settings).__name__):
        assert eval(written, {"mlip": mlip}) == settings


def test_everything_that_a_comparison_asks_can_be_written_and_read_back():
    import mlip_core as mlip

    structure = library_structure("mgo")
    for tasks in questions(structure, (CORRECTED, SOAP)).values():
        for task in tasks.values():
            sources = {fingerprint(one): "structure" for one in (task.subject, task.reference) if one is not None}
            compile(call_code(task, sources), "call", "eval")
            again = eval(settings_code(task.settings), {"mlip": mlip})
            assert replace(task, settings=again).key() == task.key()


def test_a_configuration_is_written_as_it_is_loaded():
    assert model_code(CORRECTED) == (
        'mlip.correct(mlip.load_model("pet-demo", forces="direct"), mlip.Corrections(rotations="octahedral", inversion=True))'
    )
    assert model_code(SOAP) == 'mlip.load_model("soap-demo")'


def test_hostile_names_stay_text():
    """A file's name is quoted, so that nothing in it is run."""
    hostile = Configuration(model='a"); import os; ("')
    assert eval(model_code(hostile).removeprefix("mlip.load_model")) == hostile.model


@pytest.mark.slow
def test_a_page_is_written_as_a_program(home, tmp_path):
    structure = library_structure("si")
    task = Task(kind="relaxation", subject=structure, configuration=SOAP, settings=RelaxationSettings(steps=2))
    opening = ["from mlip_core.structures import library_structure", 'structure = library_structure("si")']
    (tmp_path / "page.py").write_text(page_code([task], opening, {fingerprint(structure): "structure"}))
    ran = run(tmp_path, "page.py", home)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "folder" / "steps.csv").is_file()


def test_references_carry_their_numbers():
    text = bibliography([SOAP, Configuration(model="chgnet")], ["phonons", "relaxation"], pbe=True)
    assert len(re.findall("^@", text, flags=re.M)) == 7
    for number in ("2601.16195", "10.1038/s42256-023-00716-3", "10.7566/JPSJ.92.012001", "10.1103/PhysRevLett.77.3865"):
        assert number in text
    assert text.count("{") == text.count("}")
