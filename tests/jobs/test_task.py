import inspect
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from ase.build import bulk

from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.errors import CalculationError, SettingsError
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import KINDS, Kind, Task, digest, resolve
from mlip_core.models.ase import AseModel
from mlip_core.models.catalogue import entry
from mlip_core.symmetry.corrections import Corrections

SETTINGS = RelaxationSettings(fmax=0.01, cell="full")


@pytest.fixture(autouse=True)
def _home(home):
    home.mkdir()


@pytest.fixture
def task(copper):
    return Task(kind="relaxation", structure=copper, configuration=Configuration(model="chgnet"), settings=SETTINGS)


def test_the_same_question_has_the_same_key(task, copper):
    again = Task(
        kind="relaxation",
        structure=copper.copy(),
        configuration=Configuration(model="chgnet", corrections=Corrections()),
        settings=RelaxationSettings(cell="full", fmax=0.01),
    )
    assert task.key() == again.key()
    assert len(task.key()) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"structure": bulk("Cu", a=3.62, cubic=True)},
        {"settings": replace(SETTINGS, fmax=0.02)},
        {"relaxation": SETTINGS},
        {"reference": bulk("Cu", cubic=True)},
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


def test_another_schema_or_package_of_the_kind_is_another_key(task):
    kind = KINDS["relaxation"]
    keys = {
        task.key(),
        task.key({"relaxation": replace(kind, schema=kind.schema + 1)}),
        task.key({"relaxation": replace(kind, packages=("ase", "numpy"))}),
    }
    assert len(keys) == 3


def test_the_schema_of_the_relaxation_before_counts(task):
    phonons = replace(task, kind="phonons", relaxation=SETTINGS)
    newer = {**KINDS, "relaxation": replace(KINDS["relaxation"], schema=99)}
    assert phonons.key() != phonons.key(newer)


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
task = Task(kind="relaxation", structure=bulk("Cu", cubic=True), configuration=Configuration(model="chgnet"), settings=settings)
print(task.key(), *sorted({"torch", "phonopy", "chgnet", "dask", "distributed"} & set(sys.modules)))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert answer == [task.key()]


def test_the_second_configuration_counts_and_is_given_where_the_kind_takes_one(task, monkeypatch):
    lattice = replace(task, kind="correction_cost", settings=None)
    compared = replace(lattice, other=Configuration(model="sevennet-0"))
    assert len({lattice.key(), compared.key(), replace(compared, other=Configuration(model="chgnet-0.2.0")).key()}) == 3
    with pytest.raises(SettingsError, match="relaxation compares with no second"):
        replace(task, other=Configuration(model="sevennet-0")).key()
    given = {}
    monkeypatch.setattr(
        "mlip_core.jobs.task.resolve",
        lambda name: lambda structure, model, settings, **more: given.update(more, model=model),
    )
    compared.run(load=lambda configuration: configuration.model)
    assert (given["model"], given["reference"]) == ("chgnet", "sevennet-0")


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.other], ids=lambda kind: kind.other)
def test_every_kind_that_names_a_second_model_takes_it(kind):
    assert kind.other in inspect.signature(resolve(kind.function)).parameters


def test_an_unknown_kind_is_named(task):
    with pytest.raises(SettingsError, match=r"'cooking'.*relaxation.*phonons"):
        replace(task, kind="cooking").key()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_leads_to_a_function_that_takes_a_task(kind):
    parameters = inspect.signature(resolve(kind.function)).parameters
    assert list(parameters)[:3] == ["structure", "model", "settings"]
    assert "progress" in parameters


@dataclass(frozen=True)
class Relaxed:
    structure: object
    converged: bool
    reason: str = "stopped at the limit of 3 steps"


class TestRelaxationFirst:
    """A task that relaxes first."""

    KINDS: ClassVar = {
        "relaxation": Kind("toys:relax", load="toys:load"),
        "look": Kind("toys:look", load="toys:load"),
    }

    @pytest.fixture(autouse=True)
    def _toys(self, monkeypatch, tmp_path):
        self.calls, self.converged = [], True

        def relax(structure, model, settings, *, progress):
            self.calls.append("relax")
            progress(1, 1, energy=1.0)
            longer = structure.copy()
            longer.set_cell(longer.cell * 1.1, scale_atoms=True)
            return Relaxed(longer, self.converged)

        def look(structure, model, settings, *, progress, reference):
            self.calls.append("look")
            return structure.cell.lengths()[0] / reference.cell.lengths()[0]

        def load(configuration):
            self.calls.append("load")
            return AseModel(None, name="none")

        toys = {"toys:relax": relax, "toys:look": look, "toys:load": load}
        monkeypatch.setattr("mlip_core.jobs.task.resolve", toys.__getitem__)
        monkeypatch.setattr(Relaxed, "__module__", "mlip_core.calculations.relaxation.calculation")
        monkeypatch.setattr("mlip_core.calculations.relaxation.calculation.Relaxed", Relaxed, raising=False)
        self.store = Store(tmp_path)

    def look(self, copper):
        return Task(
            kind="look",
            structure=copper,
            reference=copper,
            configuration=Configuration(model="chgnet"),
            settings=None,
            relaxation=SETTINGS,
        )

    def test_is_given_the_relaxed_structure_and_the_frozen_reference(self, copper):
        heard = []
        ratio = self.look(copper).run(kinds=self.KINDS, progress=lambda done, total, **values: heard.append(values))
        assert ratio == pytest.approx(1.1)
        assert heard == [{"stage": "relaxation", "energy": 1.0}]
        assert self.calls == ["load", "relax", "look"]

    def test_keeps_the_relaxation_as_an_answer_of_its_own(self, copper):
        self.look(copper).run(kinds=self.KINDS, store=self.store)
        self.look(copper).run(kinds=self.KINDS, store=self.store)
        assert self.calls == ["load", "relax", "look", "load", "look"]
        alone = Task(
            kind="relaxation", structure=copper, configuration=Configuration(model="chgnet"), settings=SETTINGS
        )
        assert self.store.get(alone.key(self.KINDS)).converged

    def test_does_not_go_on_from_a_relaxation_that_did_not_converge(self, copper):
        self.converged = False
        with pytest.raises(CalculationError, match=r"did not converge: stopped at the limit.*fmax"):
            self.look(copper).run(kinds=self.KINDS, store=self.store)
        assert self.calls == ["load", "relax"]
