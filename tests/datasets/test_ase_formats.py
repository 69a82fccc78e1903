"""ASE's files are read within their bounds, row by row, and one odd row does not lose the others."""

import json
import sqlite3

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.db import connect
from ase.io.jsonio import encode
from ase.io.trajectory import Trajectory

from mlip_core.datasets import read_dataset
from mlip_core.errors import DatasetError

EXACT = 1e-12
"""Tolerance where every digit is written, eV and Å."""


def labelled(n=4):
    frames = []
    for seed in range(n):
        atoms = bulk("Cu", cubic=True) if seed % 2 else molecule("CH3CH2OH")
        atoms.rattle(0.05, seed=seed)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        results |= {"stress": atoms.get_stress()} if atoms.pbc.all() else {}
        atoms.calc = SinglePointCalculator(atoms, **results, free_energy=results["energy"] - 0.5)
        atoms.set_constraint(FixAtoms([0]))
        atoms.info["part"] = f"part {seed % 2}"
        frames.append(atoms)
    return frames


def database(path, frames, **options):
    with connect(path) as file:
        for atoms in frames:
            file.write(atoms, part=atoms.info["part"], **options)
    return path


@pytest.mark.parametrize("suffix", ["db", "json", "traj"])
def test_what_ase_writes(tmp_path, suffix, assert_same):
    frames = labelled()
    path = tmp_path / f"a.{suffix}"
    if suffix in ("db", "json"):
        database(path, frames)
    else:
        with Trajectory(path, "w") as file:
            for atoms in frames:
                file.write(atoms)
    dataset = read_dataset(path)
    assert_same(dataset, frames, EXACT)
    assert dataset.tags == {"part": 2}
    assert dataset.notes() == []


def test_a_structure_written_as_json(tmp_path):
    atoms = labelled(2)[1]
    (tmp_path / "a.json").write_text(encode(atoms))
    assert_same_structure = read_dataset(tmp_path / "a.json", labelled=False).frame(0).atoms
    np.testing.assert_allclose(assert_same_structure.positions, atoms.positions)


@pytest.mark.parametrize("suffix", ["db", "json"])
def test_data_of_a_row(tmp_path, suffix):
    frames = labelled()
    for k, atoms in enumerate(frames):
        with connect(tmp_path / f"a.{suffix}") as file:
            file.write(
                Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc),
                data={
                    "dft_forces": atoms.calc.results["forces"],
                    "dft_energy": float(k),
                    "labels": ["a", "b"],
                    "nested": {"forces": [1]},
                },
            )
    dataset = read_dataset(tmp_path / f"a.{suffix}")
    assert dataset.keys == {"energy": {"dft_energy": 4}, "forces": {"dft_forces": 4}}
    for k, frame in enumerate(dataset):
        np.testing.assert_allclose(frame.forces, frames[k].calc.results["forces"], atol=EXACT)
        assert frame.energy == k


def test_one_odd_row_of_a_database(tmp_path):
    path = database(tmp_path / "a.db", labelled())
    with sqlite3.connect(path) as file:
        file.execute("UPDATE systems SET positions = ? WHERE id = 2", (b"\x00" * 7,))
        file.execute("UPDATE systems SET numbers = ? WHERE id = 3", (np.full(9, 200, np.int32).tobytes(),))
    file.close()
    dataset = read_dataset(path)
    assert [frame.where.split(", ")[1] for frame in dataset] == ["row 1 (frame 0)", "row 4 (frame 3)"]
    assert dataset.n_set_aside == 2


def test_one_odd_row_of_json(tmp_path):
    path = database(tmp_path / "a.json", labelled())
    tree = json.loads(path.read_text())
    tree["2"]["positions"] = "nonsense"
    del tree["4"]
    dataset = read_dataset(json.dumps(tree).encode(), "a.json")
    assert (len(dataset), dataset.n_set_aside) == (2, 2)
    assert "field positions" in dataset.set_aside[0].reason
    assert dataset.set_aside[1].reason == "there is no such row"


def test_a_trajectory_cut_short_keeps_its_beginning(tmp_path, assert_same):
    frames = labelled()
    with Trajectory(tmp_path / "a.traj", "w") as file:
        for atoms in frames:
            file.write(atoms)
    content = bytearray((tmp_path / "a.traj").read_bytes())
    table = int.from_bytes(content[40:48], "little")
    content[table + 24 : table + 32] = (10**12).to_bytes(8, "little")
    dataset = read_dataset(bytes(content), "a.traj")
    assert_same(dataset, frames[:3], EXACT)
    assert dataset.set_aside[0].where == "a.traj, after frame 2"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "CREATE VIEW systems AS WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) "
            "SELECT x AS id, x AS numbers, x AS positions, x AS cell, x AS pbc FROM n",
            "has no table “systems”",
        ),
        ("CREATE TABLE other (id INTEGER)", "has no table “systems”"),
        ("CREATE TABLE systems (id INTEGER, name TEXT)", "is not that of an ASE database"),
    ],
)
def test_another_sqlite_file(tmp_path, statement, message):
    with sqlite3.connect(tmp_path / "a.db") as file:
        file.execute(statement)
    file.close()
    with pytest.raises(DatasetError, match=message):
        read_dataset(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"[" * 100_000, "a.json", "nested too deeply"),
        (b"{}", "a.json", "with rows"),
        (b"[1, 2]", "a.json", "an object with rows"),
        (b'{"numbers": ', "a.json", "not JSON"),
        (b"SQLite format 3\x00" + b"\x01" * 500, "a.db", "not an ASE database that can be read"),
        (b"- of Ulm" + b"\xff" * 200, "a.traj", "The header"),
        (b"old", "a.traj", "mark of an ASE trajectory"),
        (b"", "a.traj", "empty"),
    ],
)
def test_what_is_none(content, name, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(content, name)
