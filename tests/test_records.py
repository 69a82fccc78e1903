from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk
from ase.constraints import FixAtoms, FixCartesian

from mlip_core import records
from mlip_core.configuration import Configuration
from mlip_core.errors import RecordError
from mlip_core.models.model import Claims
from mlip_core.symmetry.corrections import Corrections


@pytest.fixture
def registry(monkeypatch):
    """What is registered in a test is forgotten after it."""
    for name in ("_kinds", "_names", "_builders"):
        monkeypatch.setattr(records, name, dict(getattr(records, name)))


def test_round_trip_keeps_every_kind_of_field(tmp_path, registry):
    @records.record("Everything")
    @dataclass(frozen=True)
    class Everything:
        array: np.ndarray
        atoms: object
        frame: object
        many: list
        pair: tuple
        table: dict
        nothing: None
        inner: Claims

    atoms = bulk("NaCl", "rocksalt", 5.6)
    atoms.set_array("tags", np.array([3, 4]))
    atoms.info["name"] = "salt"
    atoms.set_constraint([FixAtoms([1]), FixCartesian(0, (True, False, False))])
    frame = pd.DataFrame({"element": ["Na", "Cl"], "mae": [0.1, 0.2]})
    record = Everything(
        np.arange(6.0).reshape(2, 3),
        atoms,
        frame,
        [1, "two", None],
        (1.5, True),
        {"a": np.eye(2), 3: "b"},
        None,
        Claims(True, None, True, False),
    )
    records.save(record, tmp_path / "r.npz")
    back = records.load(tmp_path / "r.npz")
    np.testing.assert_array_equal(back.array, record.array)
    assert back.atoms == atoms
    assert [c.todict() for c in back.atoms.constraints] == [c.todict() for c in atoms.constraints]
    assert list(back.atoms.get_tags()) == [3, 4]
    assert back.atoms.info == {"name": "salt"}
    pd.testing.assert_frame_equal(back.frame, frame)
    assert back.many == record.many
    assert back.pair == record.pair
    np.testing.assert_array_equal(back.table["a"], np.eye(2))
    assert back.table[3] == "b"
    assert back.nothing is None
    assert back.inner == record.inner


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "r.npz").write_bytes(b"PK\x03\x04 not a result")
    with pytest.raises(RecordError, match="not a readable result"):
        records.load(tmp_path / "r.npz")


def test_a_foreign_class_is_never_made():
    with pytest.raises(RecordError, match="no record subprocess:Popen"):
        records._decode({"$record": "subprocess:Popen", "fields": {"args": "true"}}, {})


def test_a_record_of_another_version_says_compute_again():
    with pytest.raises(RecordError, match="compute the result again"):
        records._decode({"$record": "mlip_core.models.model:Claims", "fields": {"colour": 1}}, {})


def test_a_configuration_is_a_record(tmp_path):
    member = Configuration(model="chgnet", corrections=Corrections(rotations="octahedral"))
    records.save(member, tmp_path / "c.npz")
    assert records.load(tmp_path / "c.npz") == member


def test_something_that_cannot_be_stored_is_named():
    with pytest.raises(RecordError, match="function"):
        records._encode({"f": lambda: None}, {})


def test_a_class_may_move_and_change_its_name_and_its_fields(tmp_path, registry):
    @records.record("Moved")
    @dataclass(frozen=True)
    class Before:
        length: float

    records.save(Before(2.0), tmp_path / "r.npz")
    for table in (records._kinds, records._names, records._builders):
        table.clear()

    @records.record("Moved", upgrade=lambda fields: {"length": fields["length"], "unit": fields.get("unit", "Å")})
    @dataclass(frozen=True)
    class After:
        length: float
        unit: str

    assert records.load(tmp_path / "r.npz") == After(2.0, "Å")


def test_two_records_of_one_name_are_refused(registry):
    with pytest.raises(RecordError, match="two records"):
        records.record("Claims")(Claims)


def test_a_dataclass_without_a_name_is_refused(registry):
    @dataclass(frozen=True)
    class Nameless:
        x: int

    with pytest.raises(RecordError, match="no name of its own"):
        records._encode(Nameless(1), {})


def test_other_constraints_are_never_made():
    parts = {"constraints": [{"name": "ExternalForce", "kwargs": {}}]}
    with pytest.raises(RecordError, match="not a constraint that is stored"):
        records._atoms(
            {"arrays": {"numbers": [1], "positions": [[0, 0, 0]]}, "cell": None, "pbc": False, "info": {}} | parts
        )
