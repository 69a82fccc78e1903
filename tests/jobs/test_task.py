import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from ase.build import bulk

import mlip_core
from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.declaration import converged_structure
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets.stored import StoredDataset
from mlip_core.errors import CalculationError, SettingsError
from mlip_core.jobs.task import Task
from mlip_core.keys import digest
from mlip_core.models.ase import AseModel
from mlip_core.models.catalogue import entry
from mlip_core.symmetry.corrections import Corrections

SETTINGS = RelaxationSettings(fmax=0.01, cell="full")


@pytest.fixture(autouse=True)
def _home(home):
    home.mkdir()


@pytest.fixture
def task(copper):
    return Task(kind="relaxation", subject=copper, configuration=Configuration(model="chgnet"), settings=SETTINGS)


def test_the_same_question_has_the_same_key(task, copper):
    again = Task(
        kind="relaxation",
        subject=copper.copy(),
        configuration=Configuration(model="chgnet", corrections=Corrections()),
        settings=RelaxationSettings(cell="full", fmax=0.01),
    )
    assert task.key() == again.key()
    assert len(task.key()) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"subject": bulk("Cu", a=3.62, cubic=True)},
        {"settings": replace(SETTINGS, fmax=0.02)},
        {"configuration": Configuration(model="sevennet-0")},
        {"configuration": Configuration(model="chgnet", corrections=Corrections(rotations="octahedral"))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_question_has_another_key(task, change):
    assert replace(task, **change).key() != task.key()


def test_a_default_written_out_is_the_same_key_and_another_precision_is_not(task):
    named = replace(task, configuration=Configuration(model="sevennet-0"))
    item = entry("sevennet-0")
    keys = {
        dtype: replace(task, configuration=Configuration(model="sevennet-0", dtype=dtype)).key()
        for dtype in item.dtypes
    }
    assert len(set(keys.values())) == len(item.dtypes) == 2
    assert keys[item.default_dtype] == named.key()


def test_other_code_or_packages_of_the_calculation_are_another_key(task):
    calculation = CALCULATIONS["relaxation"]
    keys = {
        task.key(),
        task.key({"relaxation": replace(calculation, function=mlip_core.phonons)}),
        task.key({"relaxation": replace(calculation, packages=("ase", "numpy"))}),
    }
    assert len(keys) == 3


def phonons_after(task, settings=SETTINGS):
    before = {} if settings is None else {"relaxation": replace(task, settings=settings)}
    return replace(task, kind="phonons", before=before)


def test_the_tasks_before_count_with_their_settings_and_their_code(task):
    newer = {**CALCULATIONS, "relaxation": replace(CALCULATIONS["relaxation"], packages=("ase", "numpy"))}
    keys = {
        phonons_after(task, None).key(),
        phonons_after(task).key(),
        phonons_after(task, replace(SETTINGS, fmax=0.02)).key(),
        phonons_after(task).key(newer),
        replace(phonons_after(task), reference=task.subject).key(),
    }
    assert len(keys) == 5


def test_a_task_that_its_calculation_cannot_be_asked_is_refused(task):
    data = StoredDataset(file="folder/file.parquet", sha256="0" * 64)
    for wrong, words in [
        (replace(task, subject=data), "relaxation is asked of a structure, not of a data set"),
        (replace(task, kind="force_errors"), "force_errors is asked of a data set, not of a structure"),
        (replace(task, reference=task.subject), "relaxation takes no reference structure"),
        (replace(task, before={"relaxation": task}), "relaxation takes no result of relaxation"),
        (replace(task, other=Configuration(model="sevennet-0")), "relaxation compares with no second"),
    ]:
        with pytest.raises(SettingsError, match=words):
            wrong.key()


def test_changed_weights_are_another_key_and_the_same_weights_are_not(task, tmp_path):
    file = tmp_path / "model.pt"
    file.write_bytes(b"weights")
    mine = replace(task, configuration=Configuration(model=str(file)))
    first = mine.key()
    assert mine.key() == first
    file.write_bytes(b"better weights")
    assert mine.key() != first
    file.write_bytes(b"weights")
    assert mine.key() == first


def test_spelling_makes_no_difference():
    assert digest({"a": 1.0, "b": (2, 3)}) == digest({"b": np.array([2.0, 3.0]), "a": np.int64(1)})
    assert digest(0.1) != digest(0.1 + 1e-16 * 2)
    assert digest(True) != digest(1)
    assert digest("1") != digest(1)
    with pytest.raises(SettingsError, match="function"):
        digest(lambda: None)


def test_the_key_is_the_same_in_another_process_and_loads_nothing_heavy(task):
    code = """
import sys
from ase.build import bulk
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
settings = RelaxationSettings(fmax=0.01, cell="full")
task = Task(kind="relaxation", subject=bulk("Cu", cubic=True), configuration=Configuration(model="chgnet"), settings=settings)
print(task.key(), *sorted({"torch", "phonopy", "chgnet", "dask", "distributed"} & set(sys.modules)))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert answer == [task.key()]


def test_the_second_configuration_counts_and_is_given_where_the_calculation_takes_one(task):
    given = {}

    def cost(structure, model, settings, *, progress, reference):
        given.update(model=model, reference=reference)

    calculations = {"correction_cost": replace(CALCULATIONS["correction_cost"], function=cost)}
    alone = replace(task, kind="correction_cost", settings=None)
    compared = replace(alone, other=Configuration(model="sevennet-0"))
    assert len({alone.key(), compared.key(), replace(compared, other=Configuration(model="chgnet-0.2.0")).key()}) == 3
    compared.run(calculations=calculations, load=lambda configuration: configuration.model)
    assert given == {"model": "chgnet", "reference": "sevennet-0"}


def test_an_unknown_kind_is_named(task):
    with pytest.raises(SettingsError, match=r"'cooking'.*relaxation.*phonons"):
        replace(task, kind="cooking").key()


@dataclass(frozen=True)
class Relaxed:
    structure: object
    converged: bool
    reason: str = "stopped at the limit of 3 steps"


class TestRelaxationFirst:
    """A task that is handed the result of another."""

    @pytest.fixture(autouse=True)
    def _toys(self, tmp_path):
        self.calls, self.converged = [], True

        def relax(structure, model, settings, *, progress):
            self.calls.append("relax")
            progress(1, 1, energy=1.0)
            longer = structure.copy()
            longer.set_cell(longer.cell * 1.1, scale_atoms=True)
            return Relaxed(longer, self.converged)

        def look(structure, model, settings, *, progress, reference, relaxation):
            start = converged_structure(structure, relaxation)
            self.calls.append("look")
            return start.cell.lengths()[0] / reference.cell.lengths()[0]

        def load(configuration):
            self.calls.append("load")
            return AseModel(None, name="none")

        relaxation = replace(CALCULATIONS["relaxation"], function=relax, load=load)
        self.calculations = {
            "relaxation": relaxation,
            "look": replace(
                relaxation, name="look", function=look, reference=True, before={"relaxation": "relaxation"}
            ),
        }
        self.kept = {}

    def put(self, key, record):
        self.kept[key] = record

    def get(self, key):
        return self.kept.get(key)

    def look(self, copper):
        common = {"subject": copper, "configuration": Configuration(model="chgnet")}
        first = Task(kind="relaxation", settings=SETTINGS, **common)
        return Task(kind="look", reference=copper, settings=None, before={"relaxation": first}, **common)

    def test_is_given_the_relaxed_structure_and_the_frozen_reference(self, copper):
        heard = []
        ratio = self.look(copper).run(
            calculations=self.calculations, progress=lambda done, total, **values: heard.append(values)
        )
        assert ratio == pytest.approx(1.1)
        assert heard == [{"stage": "relaxation", "energy": 1.0}]
        assert sorted(self.calls) == ["load", "look", "relax"]

    def test_keeps_the_relaxation_as_an_answer_of_its_own(self, copper):
        for _ in range(2):
            self.look(copper).run(calculations=self.calculations, store=self)
        assert self.calls.count("relax") == 1
        assert self.calls.count("look") == 2
        alone = self.look(copper).before["relaxation"]
        assert self.get(alone.key(self.calculations)).converged

    def test_does_not_go_on_from_a_relaxation_that_did_not_converge(self, copper):
        self.converged = False
        with pytest.raises(CalculationError, match=r"did not converge: stopped at the limit.*fmax"):
            self.look(copper).run(calculations=self.calculations, store=self)
        assert "look" not in self.calls
