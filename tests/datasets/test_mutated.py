"""Damaged files of every format: a data set, or our own error with a sentence, soon and in little memory."""

import gzip
import io
import json
import re
import resource
import sqlite3
import tarfile
import time
import warnings
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write
from ase.io.trajectory import Trajectory

from mlip_core.datasets import read_dataset
from mlip_core.errors import DatasetError

PYTHON_SPEAKING = re.compile(
    r"\b[A-Z][a-z]+[A-Za-z]*(Error|Exception|Warning)\b|NoneType|list index|invalid literal|Traceback|has no attribute|"
    r"could not convert|<class|dtype|not subscriptable|out of range|broadcast|inhomogeneous|cannot reshape|0x[0-9a-f]{6}"
)
SEED = 20261126
MOST_SECONDS = 5
MOST_MEMORY = 1_000_000_000
SHORT, LONG = 30, 500
VASPRUN = Path(__file__).parent.parent / "data" / "datasets" / "vasprun.xml"


def structures():
    frames = []
    for seed in range(3):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.05, seed=seed)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces(), "stress": atoms.get_stress()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        frames.append(atoms)
    return frames


def one(name):
    """Format that is one file which ASE writes."""

    def make(folder):
        path = folder / name
        if path.suffix in (".db", ".json"):
            with connect(path) as file:
                for atoms in structures():
                    file.write(atoms, part="a", data={"dft_forces": atoms.get_forces(), "text": "b"})
            forget_when_and_who(path)
        elif path.suffix == ".traj":
            with Trajectory(path, "w") as file:
                for atoms in structures():
                    file.write(atoms)
        else:
            write(path, structures())
        return {name: path.read_bytes()}

    return make


def forget_when_and_who(path):
    """Leave out of a database what differs from one run of the tests to the next."""
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("UPDATE systems SET unique_id = 'id-' || id, ctime = 1, mtime = 1, username = 'a'")
        return
    tree = json.loads(path.read_text())
    for key in ("1", "2", "3"):
        tree[key] |= {"unique_id": key, "ctime": 1.0, "mtime": 1.0, "user": "a"}
    path.write_text(json.dumps(tree))


def vasprun(folder):
    return {"vasprun.xml": VASPRUN.read_bytes()}


def phonopy(kind):
    def make(folder):
        from phonopy import Phonopy
        from phonopy.file_IO import write_FORCE_SETS
        from phonopy.structure.atoms import PhonopyAtoms

        cell = bulk("Si", "diamond", 5.43)
        unit = PhonopyAtoms(symbols=["Si", "Si"], cell=cell.cell.array, scaled_positions=cell.get_scaled_positions())
        phonon = Phonopy(unit, supercell_matrix=[2, 2, 2], primitive_matrix="P")
        phonon.generate_displacements(distance=0.03, number_of_snapshots=2 if kind == "random" else None, random_seed=1)
        phonon.forces = np.random.default_rng(1).normal(size=(len(phonon.supercells_with_displacements), 16, 3))
        phonon.save(folder / "phonopy_params.yaml", settings={"force_sets": kind != "sets"})
        if kind != "sets":
            return {"phonopy_params.yaml": (folder / "phonopy_params.yaml").read_bytes()}
        write_FORCE_SETS(phonon.dataset, filename=str(folder / "FORCE_SETS"))
        return {
            "FORCE_SETS": (folder / "FORCE_SETS").read_bytes(),
            "phonopy_disp.yaml": (folder / "phonopy_params.yaml").read_bytes(),
        }

    return make


def deepmd(mixed):
    def make(folder):
        frames = structures()
        arrays = {
            "coord": [atoms.positions.ravel() for atoms in frames],
            "box": [atoms.cell.array.ravel() for atoms in frames],
            "energy": [atoms.get_potential_energy() for atoms in frames],
            "force": [atoms.get_forces().ravel() for atoms in frames],
            "virial": [np.eye(3).ravel()] * 3,
        }
        if mixed:
            arrays["real_atom_types"] = [[0, 1, 0, -1]] * 3
        files = {"type.raw": b"0\n0\n0\n0\n" if mixed else b"0\n1\n1\n0\n", "type_map.raw": b"Cu\nO\n"}
        for name, array in arrays.items():
            out = io.BytesIO()
            np.save(out, np.array(array))
            files[f"set.000/{name}.npy"] = out.getvalue()
        return files

    return make


def zipped(files, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, compression)
    return out.getvalue()


def tarred(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(out.getvalue(), mtime=0)


def packed(name, pack):
    def make(folder):
        return {name: pack({"a/b.extxyz": one("a.extxyz")(folder)["a.extxyz"], **deepmd(False)(folder)})}

    return make


FORMATS = {
    "extxyz": one("a.extxyz"),
    "traj": one("a.traj"),
    "db": one("a.db"),
    "json": one("a.json"),
    "vasprun": vasprun,
    "phonopy": phonopy("one"),
    "phonopy-random": phonopy("random"),
    "force-sets": phonopy("sets"),
    "deepmd": deepmd(False),
    "deepmd-mixed": deepmd(True),
    "zip": packed("a.zip", lambda files: zipped(files, zipfile.ZIP_DEFLATED)),
    "tar": packed("a.tar.gz", tarred),
}
TOKENS = [
    b"nan",
    b"-1",
    b"1e400",
    b"99999999999",
    b"0",
    b"\xff\xfe",
    b'"',
    b"[",
    b"{}",
    b"null",
    b"T",
    b"Xx",
    b"",
    b"\x00" * 8,
    b"&a *a",
]


def mutated(content, rng):
    """Change one to three places: bytes, parts, numbers."""
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, max(len(content), 1)))
        size = int(rng.integers(1, 60))
        kind = rng.integers(0, 8)
        if kind == 0:
            content = content[:at] + bytes(rng.integers(0, 256, size=1, dtype=np.uint8)) + content[at + 1 :]
        elif kind == 1:
            content = content[:at] + content[at + size :]
        elif kind == 2:
            content = content[:at] + content[at : at + size] * int(rng.integers(2, 20)) + content[at + size :]
        elif kind == 3:
            content = content[:at]
        elif kind == 4:
            content = content[:at] + bytes(rng.integers(0, 256, size=size, dtype=np.uint8)) + content[at:]
        else:
            words = list(re.finditer(rb"[\w.+-]+", content))
            if words:
                word = words[int(rng.integers(len(words)))]
                content = content[: word.start()] + TOKENS[int(rng.integers(len(TOKENS)))] + content[word.end() :]
    return content


def inputs(name, folder, n):
    """Give n damaged inputs of a format as content and name; of several files one is damaged, and all are packed."""
    files = FORMATS[name](folder)
    rng = np.random.default_rng([SEED, list(FORMATS).index(name)])
    for _ in range(n):
        changed = list(files)[int(rng.integers(len(files)))]
        damaged = files | {changed: mutated(files[changed], rng)}
        yield (damaged[changed], changed) if len(files) == 1 else (zipped(damaged), "a.zip")


@pytest.fixture
def little_memory(tmp_path):
    """A bound on what this process may reserve beyond what it has."""
    read_dataset(zipped(deepmd(False)(tmp_path)), "a.zip")  # loads what is loaded once
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def assert_read_or_refused(content, name):
    start = time.process_time()
    reasons = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            dataset = read_dataset(content, name)
        list(dataset)
        reasons = [entry.reason for entry in dataset.set_aside]
    except DatasetError as error:
        reasons = [str(error)]
    for reason in reasons:
        assert len(reason.split()) > 1, reason
        assert not PYTHON_SPEAKING.search(reason), reason
    assert time.process_time() - start < MOST_SECONDS


@pytest.mark.parametrize("name", FORMATS)
def test_a_few_of_every_format(name, tmp_path, little_memory):
    for content, file in inputs(name, tmp_path, SHORT):
        assert_read_or_refused(content, file)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", FORMATS)
def test_many_of_every_format(name, tmp_path, little_memory):
    for content, file in inputs(name, tmp_path, LONG):
        assert_read_or_refused(content, file)


@pytest.mark.parametrize("name", FORMATS)
def test_undamaged(name, tmp_path):
    files = FORMATS[name](tmp_path)
    content, file = (next(iter(files.values())), next(iter(files))) if len(files) == 1 else (zipped(files), "a.zip")
    assert len(read_dataset(content, file)) > 0
