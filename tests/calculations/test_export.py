"""What is taken along of every calculation: its numbers name their units, and its files hold what was computed."""

import io
import json
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from ase.io import read

import mlip_core as mlip
from dashboard.widgets.download import archive
from dashboard.widgets.theme import style
from mlip_core import records
from mlip_core.calculations import CALCULATIONS
from mlip_core.structures import read_structure

UNIT = re.compile(r"(^|_)(eV|eV2|A|A2|A3|K|THz|GPa|ps|deg|atom|seconds)$")
"""The last unit in a name, behind ``per`` where it divides."""
PURE = {
    "relaxation": {"volume_change", "rmsd"},
    "phonons": {"qa", "qb", "qc", "jacobian_asymmetry", "projection_distance"},
    "rotational_variance": {"weight", "forces_rot_std_relative", "symmetry_breaking_share"},
    "conservation": {"lambda", "lambda_error", "lambda_floor"},
    "force_errors": {"cosine", "softening", "relative"},
    "error_split": {"share"},
    "lambench": {"efficiency", "instability"},
    "equation_of_state": {"bulk_modulus_derivative"},
    "speed": {"others_cores"},
    "distillation": {
        *(
            f"{head}_{what}"
            for head in ("direct", "conservative")
            for what in ("relative", "rotational", "rotational_end_over_start")
        ),
        *("relative", "rotational", "loss"),
    },
}
"""Numbers without a unit, by calculation."""

every = pytest.mark.parametrize("name", CALCULATIONS)


def nameless(names, name):
    """Names of numbers that tell no unit and are not known to have none."""
    return {column for column in names if not UNIT.search(column)} - PURE.get(name, set())


@every
def test_every_number_of_the_summary_names_its_unit(answer, name):
    summary = CALCULATIONS[name].summary(answer(name))
    numbers = {key for key, value in summary.items() if isinstance(value, float | np.floating)}
    assert summary
    assert not nameless(numbers, name)


@every
def test_every_number_of_a_table_names_its_unit(answer, name):
    found = mlip.tables(answer(name))
    assert found
    for table in found.values():
        numbers = table.select_dtypes("floating").columns
        assert "unit" in table or not nameless(numbers, name)


@every
def test_the_files_read_back(answer, name, tmp_path):
    record = answer(name)
    written = mlip.export(record, tmp_path / "taken")
    declared = CALCULATIONS[name]
    names = {f"{table}.csv" for table in declared.tables(record)} | set(declared.files(record))
    assert {path.name for path in written} == names == {path.name for path in (tmp_path / "taken").iterdir()}
    for title, table in declared.tables(record).items():
        read_back = pd.read_csv(tmp_path / "taken" / f"{title}.csv", keep_default_na=False, na_values=[""])
        assert list(read_back) == list(table)
        for column in table.select_dtypes("number"):
            np.testing.assert_allclose(read_back[column], table[column], rtol=1e-12, err_msg=column)
    for path in (tmp_path / "taken").glob("*.extxyz"):
        frames = read(path, ":")
        assert set(frames[0].symbols) == {"Al"}
        assert read_structure(path) == frames[-1]


@every
def test_the_record_is_stored_and_gives_the_same_files(answer, name, tmp_path):
    record = answer(name)
    records.save(record, tmp_path / "record.npz")
    again = records.load(tmp_path / "record.npz")
    assert type(again) is CALCULATIONS[name].record
    assert mlip.export(again, tmp_path / "again")
    mlip.export(record, tmp_path / "first")
    for path in (tmp_path / "first").iterdir():
        assert (tmp_path / "again" / path.name).read_text() == path.read_text(), path.name


@every
def test_the_archive_holds_the_files_the_summary_and_the_settings(answer, name):
    record, calculation = answer(name), CALCULATIONS[name]
    packed = zipfile.ZipFile(
        io.BytesIO(archive("Small", [(style(0, constrained=True, corrected=False, label="EMT"), record)], {}))
    )
    tables = {f"EMT/{table}.csv" for table in calculation.tables(record)}
    files = {f"EMT/{file}" for file in calculation.files(record)}
    assert set(packed.namelist()) == tables | files | {f"{name}.csv", "settings.json", "figures.html"}
    row = pd.read_csv(packed.open(f"{name}.csv")).iloc[0]
    assert row["configuration"] == "EMT"
    for key, value in calculation.summary(record).items():
        if isinstance(value, float | np.floating):
            assert row[key] == pytest.approx(value)
    if hasattr(record, "settings"):
        settings = json.loads(packed.read("settings.json"))[name]["EMT"]
        assert set(settings) == set(calculation.settings.__dataclass_fields__)
