"""Every calculation says of itself all that queue, pages and downloads need."""

import inspect
from pathlib import Path

import pandas as pd
import pytest

import mlip_core
from mlip_core.calculations import CALCULATIONS, FOLDERS, export
from mlip_core.errors import RecordError
from mlip_core.records import record_name

ROOT = Path(mlip_core.__file__).parent / "calculations"


def test_every_folder_is_in_the_list():
    folders = {path.parent.name for path in ROOT.glob("*/*.py")}
    assert folders == set(FOLDERS)


@pytest.mark.parametrize("calculation", CALCULATIONS.values(), ids=CALCULATIONS)
def test_the_function_takes_what_the_declaration_says(calculation):
    parameters = inspect.signature(calculation.function).parameters
    first = {"structure": "structure", "data set": "dataset"}[calculation.subject]
    assert list(parameters)[:3] == [first, "model", "settings"]
    given = {"progress", *calculation.before, *filter(None, [calculation.other])}
    assert given | ({"reference"} if calculation.reference else set()) <= set(parameters)
    assert all(name in CALCULATIONS for name in calculation.before.values())


@pytest.mark.parametrize("calculation", CALCULATIONS.values(), ids=CALCULATIONS)
def test_settings_and_result_can_be_stored(calculation):
    assert record_name(calculation.settings)
    assert record_name(calculation.record)
    assert inspect.signature(calculation.function).return_annotation is calculation.record
    calculation.settings()  # every setting has a sensible default


def test_what_is_declared_public_is_found_by_python_users():
    for calculation in CALCULATIONS.values():
        for item in calculation.public:
            assert getattr(mlip_core, item.__name__) is item
            assert item.__name__ in mlip_core.__all__


def test_what_is_no_result_cannot_be_taken_along(tmp_path):
    with pytest.raises(RecordError, match="DataFrame is not the result"):
        export.export(pd.DataFrame(), tmp_path)
