"""Every format gives back the numbers that were put in, in eV and Å."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write
from ase.io.trajectory import Trajectory

from mlip_core.datasets import read_dataset
from mlip_core.datasets.archive import MAX_RATIO
from mlip_core.errors import DatasetError

DATA = Path(__file__).parent.parent / "data" / "datasets"


def labelled(seed=0, symbols=("NaCl", "MgO", "H2O")):
    """Crystals and a molecule of different sizes with random, attached results."""
    rng = np.random.default_rng(seed)
    frames = []
    for name in symbols:
        atoms = molecule(name) if name == "H2O" else bulk(name, "rocksalt", 5.0) * (1 + len(frames), 1, 1)
        atoms.rattle(0.1, seed=seed)
        stress = {"stress": rng.normal(size=6)} if atoms.pbc.all() else {}
        atoms.calc = SinglePointCalculator(
            atoms, energy=rng.normal(), forces=rng.normal(size=(len(atoms), 3)), **stress
        )
        frames.append(atoms)
    return frames


def test_extended_xyz(tmp_path, assert_same):
    frames = labelled()
    write(tmp_path / "a.extxyz", frames)
    dataset = read_dataset(tmp_path / "a.extxyz")
    assert_same(dataset, frames)
    assert dataset.keys["forces"] == {"results/forces": 3}
    assert (dataset.n_atoms, dataset.elements) == (2 + 4 + 3, ("H", "O", "Na", "Mg", "Cl"))


def test_bytes_with_a_name(tmp_path, assert_same):
    write(tmp_path / "a.extxyz", labelled())
    assert_same(read_dataset((tmp_path / "a.extxyz").read_bytes(), "upload.xyz"), labelled())


def test_trajectory(tmp_path, assert_same):
    with Trajectory(tmp_path / "a.traj", "w") as file:
        for atoms in labelled():
            file.write(atoms)
    assert_same(read_dataset(tmp_path / "a.traj"), labelled())


@pytest.mark.parametrize("suffix", ["db", "json"])
def test_ase_database(tmp_path, suffix, assert_same):
    with connect(tmp_path / f"a.{suffix}") as database:
        for k, atoms in enumerate(labelled()):
            database.write(atoms, origin=f"part {k % 2}")
    dataset = read_dataset(tmp_path / f"a.{suffix}")
    assert_same(dataset, labelled())
    assert dataset.tags == {"origin": 2}


def test_vasprun():
    dataset = read_dataset(DATA / "vasprun.xml")
    first, second = dataset
    np.testing.assert_allclose(first.forces, [[0.1, 0.2, -0.3], [-0.1, -0.2, 0.3]])
    assert (first.energy, second.energy) == (-6.79, -6.89)
    assert "results/free_energy" in dataset.candidates["energy"]
    # VASP prints a pressure in kbar, positive under compression; stress is positive under tension
    np.testing.assert_allclose(np.diag(first.stress), -np.array([10, 20, 30]) * 0.1 * units.GPa)


def phonopy_folder(folder, cell_file):
    from phonopy import Phonopy
    from phonopy.interface.vasp import write_vasp
    from phonopy.structure.atoms import PhonopyAtoms

    cell = bulk("Si", "diamond", 5.43)
    phonon = Phonopy(
        PhonopyAtoms(
            symbols=cell.get_chemical_symbols(), cell=cell.cell.array, scaled_positions=cell.get_scaled_positions()
        ),
        supercell_matrix=[2, 2, 2],
        primitive_matrix="P",
    )
    phonon.generate_displacements(distance=0.03)
    forces = np.random.default_rng(1).normal(size=(len(phonon.supercells_with_displacements), 16, 3))
    phonon.forces = forces
    folder.mkdir(exist_ok=True)
    from phonopy.file_IO import write_FORCE_SETS

    write_FORCE_SETS(phonon.dataset, filename=str(folder / "FORCE_SETS"))
    if cell_file == "SPOSCAR":
        write_vasp(str(folder / "SPOSCAR"), phonon.supercell)
    elif cell_file:
        phonon.save(folder / cell_file, settings={"force_sets": False})
    return phonon, forces


@pytest.mark.parametrize("cell_file", ["phonopy_disp.yaml", "SPOSCAR"])
def test_force_sets(tmp_path, cell_file):
    phonon, forces = phonopy_folder(tmp_path / "si", cell_file)
    for source in (tmp_path / "si", tmp_path / "si" / "FORCE_SETS"):
        dataset = read_dataset(source)
        assert len(dataset) == len(forces)
        np.testing.assert_allclose(dataset.frame(0).forces, forces[0], atol=1e-9)
        moved = dataset.frame(0).atoms.positions - phonon.supercell.positions
        assert np.linalg.norm(moved, axis=1).max() == pytest.approx(0.03, abs=1e-6)
        assert dataset.frame(0).energy is None


def test_force_sets_without_a_cell(tmp_path):
    phonopy_folder(tmp_path / "si", None)
    with pytest.raises(DatasetError, match=r"needs its supercell.*phonopy_disp\.yaml"):
        read_dataset(tmp_path / "si")


def deepmd_system(folder, frames, mixed=False):
    """DeePMD's npy layout, written by hand; energies in eV, virials = -V stress."""
    part = folder / "set.000"
    part.mkdir(parents=True)
    names = sorted({s for atoms in frames for s in atoms.get_chemical_symbols()})
    types = np.array([[names.index(s) for s in atoms.get_chemical_symbols()] for atoms in frames])
    (folder / "type_map.raw").write_text("\n".join(names) + "\n")
    (folder / "type.raw").write_text("\n".join(map(str, np.zeros_like(types[0]) if mixed else types[0])) + "\n")
    if mixed:
        np.save(part / "real_atom_types.npy", types)
    np.save(part / "coord.npy", np.array([atoms.positions.ravel() for atoms in frames]))
    np.save(part / "box.npy", np.array([atoms.cell.array.ravel() for atoms in frames]))
    np.save(part / "energy.npy", np.array([atoms.get_potential_energy() for atoms in frames]))
    np.save(part / "force.npy", np.array([atoms.get_forces().ravel() for atoms in frames]))
    np.save(
        part / "virial.npy",
        np.array([(-atoms.get_volume() * atoms.get_stress(voigt=False)).ravel() for atoms in frames]),
    )


def test_deepmd_tree_in_lambench_layout(tmp_path, assert_same):
    salt, magnesia = (labelled(seed, (name, name)) for seed, name in ((1, "NaCl"), (2, "MgO")))
    deepmd_system(tmp_path / "SetA" / "sys.000", salt[:1])
    deepmd_system(tmp_path / "SetA" / "sys.001", salt[1:])
    deepmd_system(tmp_path / "SetB", magnesia[1:])
    dataset = read_dataset(tmp_path)
    assert_same(dataset, [*salt, magnesia[1]])
    assert dataset.tags == {"set": 2}, "each frame has a source of its own here: no subset"
    assert [frame.tags["set"] for frame in dataset] == ["SetA", "SetA", "SetB"]


def test_deepmd_mixed(tmp_path):
    frames = [labelled(seed, (name,))[0] for seed, name in ((1, "NaCl"), (2, "MgO"), (3, "NaCl"))]
    deepmd_system(tmp_path / "mix", frames, mixed=True)
    dataset = read_dataset(tmp_path / "mix")
    key = {round(atoms.get_potential_energy(), 9): atoms for atoms in frames}
    assert len(dataset) == 3
    for frame in dataset:
        atoms = key[round(frame.energy, 9)]
        order = [list(atoms.symbols).index(s) for s in frame.atoms.symbols]
        np.testing.assert_allclose(frame.forces, atoms.get_forces()[order], atol=1e-9)


def zipped(path, files):
    import zipfile

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_zip_of_everything(tmp_path, assert_same):
    write(tmp_path / "a.extxyz", labelled(1))
    deepmd_system(tmp_path / "tree" / "dp", labelled(2, ("NaCl",)))
    files = {
        f"data/{p.relative_to(tmp_path / 'tree')}": p.read_bytes()
        for p in (tmp_path / "tree").rglob("*")
        if p.is_file()
    }
    files |= {
        "data/first/a.extxyz": (tmp_path / "a.extxyz").read_bytes(),
        "readme.md": b"text",
        "meta.json": b"{}",
        "w.pkl": b"x",
    }
    dataset = read_dataset(zipped(tmp_path / "a.zip", files))
    assert_same(dataset, [*labelled(2, ("NaCl",)), *labelled(1)])
    assert {frame.tags["source"] for frame in dataset} == {"data/dp", "data/first/a.extxyz"}


@pytest.mark.parametrize(
    "name", ["../evil.extxyz", "/etc/evil.extxyz", "a/../../evil.extxyz", "..\\evil.extxyz", "C:/evil.extxyz"]
)
def test_zip_that_leaves_its_folder(tmp_path, name):
    with pytest.raises(DatasetError, match="outside its own folder"):
        read_dataset(zipped(tmp_path / "a.zip", {name: b"x"}))
    assert not list(tmp_path.parent.glob("evil*"))


def test_zip_with_a_link(tmp_path):
    import stat
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("a.extxyz")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DatasetError, match="link"):
        read_dataset(tmp_path / "a.zip")


def test_zip_bomb(tmp_path):
    bomb = zipped(tmp_path / "a.zip", {"a.extxyz": b"0" * 60_000_000})
    assert MAX_RATIO * bomb.stat().st_size < 60_000_000
    with pytest.raises(DatasetError, match="would unpack to 60 MB"):
        read_dataset(bomb)


def test_damaged_zip(tmp_path):
    with pytest.raises(DatasetError, match="cannot be unpacked"):
        read_dataset(b"PK not a zip", "a.zip")


class Trap:
    """Would leave a mark if it were ever unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), "w")


@pytest.mark.parametrize("layout", ["npy", "traj", "pkl", "pt"])
def test_uploads_never_run_code(tmp_path, layout):
    import pickle

    mark = tmp_path / "ran"
    if layout == "npy":
        deepmd_system(tmp_path / "dp", labelled(1, ("NaCl",)))
        np.save(tmp_path / "dp" / "set.000" / "force.npy", np.array([Trap(mark)], dtype=object))
        source = tmp_path / "dp"
    else:
        source = tmp_path / f"a.{layout}"
        source.write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(DatasetError):
        read_dataset(source)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2\n\nH 0 0 0\n", r"frame 0, line 1: 2 atoms are announced, but only 1"),
        (
            "2\nProperties=species:S:1:pos:R:3:forces:R:3\nH 0 0 0 0 0 1\nH 0 0 0 0 0\n",
            "frame 0, line 4: expected 7 columns",
        ),
        ("", "not a single structure"),
    ],
)
def test_damaged_xyz_names_frame_and_line(text, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(text.encode(), "bad.extxyz")


GOOD = "1\nProperties=species:S:1:pos:R:3:forces:R:3\n{element} 0 0 0 0 0 {force}\n"


@pytest.mark.parametrize(
    ("odd", "where", "reason"),
    [
        ("no\n", "line 7", "expected the number of atoms of a frame"),
        (
            "2\nProperties=species:S:1:pos:R:3:forces:R:3\nH 0 0 0 0 0 1\nH 0 zero 0 0 0 1\n",
            "line 10",
            "a finite number, but found ‘zero’",
        ),
        (GOOD.format(element="Xx", force=3), "line 9", "‘Xx’"),
        ("3\nProperties=species:S:1:pos:R:3:forces:R:3\nH 0 0 0 0 0 1\n", "line 7", "3 atoms are announced"),
    ],
)
def test_one_odd_frame_is_set_aside_and_named(odd, where, reason):
    """Two good frames stand before it and one behind."""
    text = "".join(GOOD.format(element="H", force=k) for k in (1, 2)) + odd + GOOD.format(element="He", force=4)
    dataset = read_dataset(text.encode(), "odd.extxyz")
    assert [frame.forces[0, 2] for frame in dataset] == [1, 2, 4]
    (aside,) = dataset.set_aside
    assert aside.where == f"odd.extxyz, frame 2, {where}"
    assert reason in aside.reason
    assert dataset.n_set_aside == 1
    assert f"odd.extxyz, frame 2, {where}" in dataset.notes()[0]


def test_unknown_kinds(tmp_path):
    with pytest.raises(DatasetError, match=r"notes\.txt is not a known kind"):
        read_dataset(b"x", "notes.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no labelled structures"):
        read_dataset(tmp_path / "empty")
    with pytest.raises(DatasetError, match="is not there"):
        read_dataset(tmp_path / "absent.extxyz")


def test_large_frame_count_is_streamed(tmp_path):
    """More frames than one chunk: numbering and random access agree with the file."""
    frames = []
    for k in range(600):
        atoms = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.7 + k * 1e-4]])
        atoms.calc = SinglePointCalculator(atoms, energy=float(k), forces=np.full((2, 3), k * 1e-3))
        frames.append(atoms)
    write(tmp_path / "a.extxyz", frames)
    dataset = read_dataset(tmp_path / "a.extxyz")
    assert [frame.energy for frame in dataset] == list(range(600))
    assert dataset.frame(599).energy == 599
    assert dataset.frame(256).index == 256
    assert max(len(chunk) for chunk in dataset.chunks()) == 256
    with pytest.raises(DatasetError, match="numbered 0 to 599"):
        dataset.frame(600)
