"""phonopy's files give back the supercells and forces that phonopy was given."""

import numpy as np
import pytest
from ase.build import bulk
from phonopy import Phonopy
from phonopy.file_IO import write_FORCE_SETS
from phonopy.interface.vasp import write_vasp
from phonopy.structure.atoms import PhonopyAtoms

from mlip_core.datasets import read_dataset
from mlip_core.errors import DatasetError


def silicon(*, snapshots=None, energies=False):
    """Displaced supercells with random forces that add up to zero."""
    cell = bulk("Si", "diamond", 5.43)
    unit = PhonopyAtoms(
        symbols=cell.get_chemical_symbols(), cell=cell.cell.array, scaled_positions=cell.get_scaled_positions()
    )
    phonon = Phonopy(unit, supercell_matrix=[2, 2, 2], primitive_matrix="P")
    phonon.generate_displacements(distance=0.03, number_of_snapshots=snapshots, random_seed=1)
    n = len(phonon.supercells_with_displacements)
    forces = np.random.default_rng(1).normal(size=(n, 16, 3))
    phonon.forces = forces - forces.mean(axis=1, keepdims=True)
    if energies:
        phonon.supercell_energies = np.arange(n, dtype=float)
    return phonon


def assert_same(dataset, phonon):
    cells = phonon.supercells_with_displacements
    assert len(dataset) == len(cells)
    for frame, cell, forces in zip(dataset, cells, phonon.forces, strict=True):
        assert frame.atoms.get_chemical_symbols() == cell.symbols
        np.testing.assert_allclose(frame.atoms.cell.array, cell.cell, atol=1e-9)
        np.testing.assert_allclose(frame.atoms.positions, cell.positions, atol=1e-6)
        np.testing.assert_allclose(frame.forces, forces, atol=1e-7)


@pytest.mark.parametrize("snapshots", [None, 3])
@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_parameters_alone(tmp_path, snapshots, suffix):
    phonon = silicon(snapshots=snapshots)
    phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True})
    content = (tmp_path / "phonopy_params.yaml").read_bytes()
    dataset = read_dataset(content, f"phonopy_params{suffix}")
    assert_same(dataset, phonon)
    assert dataset.n_energies == 0
    assert_same(read_dataset(tmp_path), phonon)


def test_energies_of_the_supercells(tmp_path):
    phonon = silicon(snapshots=3, energies=True)
    phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True})
    dataset = read_dataset(tmp_path / "phonopy_params.yaml")
    assert [frame.energy for frame in dataset] == [0.0, 1.0, 2.0]


def test_the_older_way_of_random_displacements(tmp_path):
    """Up to phonopy 2 each atom had its displacement and force side by side."""
    phonon = silicon(snapshots=2)
    phonon.save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True})
    text = (tmp_path / "phonopy_params.yaml").read_text()
    lines = ["displacements:"]
    for moved, forces in zip(phonon.displacements, phonon.forces, strict=True):
        for k, (u, f) in enumerate(zip(moved.tolist(), forces.tolist(), strict=True)):
            lines += [f"{'-' if k == 0 else ' '} - displacement: {u}", f"    force: {f}"]
    old = text[: text.index("\ndataset:")] + "\n" + "\n".join(lines) + "\n"
    assert_same(read_dataset(old.encode(), "phonopy_params.yaml"), phonon)


@pytest.mark.parametrize("snapshots", [None, 3])
@pytest.mark.parametrize("cell", ["phonopy_disp.yaml", "SPOSCAR", "phonopy.yaml"])
def test_force_sets_beside_their_cell(tmp_path, snapshots, cell):
    phonon = silicon(snapshots=snapshots)
    write_FORCE_SETS(phonon.dataset, filename=str(tmp_path / "FORCE_SETS"))
    if cell == "SPOSCAR":
        write_vasp(str(tmp_path / cell), phonon.supercell)
    else:
        phonon.save(tmp_path / cell, settings={"force_sets": False})
    assert_same(read_dataset(tmp_path), phonon)


def test_displacements_without_forces(tmp_path):
    silicon().save(tmp_path / "phonopy_disp.yaml", settings={"force_sets": False})
    with pytest.raises(DatasetError, match=r"has no forces in it\. Put FORCE_SETS beside it"):
        read_dataset(tmp_path / "phonopy_disp.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("supercell_matrix:", "supercell_matrix: &a", "aliases in YAML"),
        ("symbol: Si", "symbol: Xx", "‘Xx’"),
        ("supercell:", "other:", "supercell is missing"),
        ("phonopy:\n", 'phonopy:\n  calculator: "qe"\n', "written for qe"),
        ("- atom:    1", "- atom:    99", "no atom 99"),
        ("    [ ", "    [ x, ", "displacements or forces are damaged"),
        ("phonopy:", "phonopy: [", "not YAML"),
    ],
)
def test_damaged_parameters(tmp_path, old, new, message):
    silicon().save(tmp_path / "phonopy_params.yaml", settings={"force_sets": True})
    text = (tmp_path / "phonopy_params.yaml").read_text()
    assert old in text
    with pytest.raises(DatasetError, match=message):
        read_dataset(text.replace(old, new).encode(), "phonopy_params.yaml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("16", "8", 1), "of 8 atoms"),
        (lambda text: text + "1.0 2.0 3.0\n", "expected 1 displacements with 16 forces"),
        (lambda text: text.replace("0.", "x", 1), "is no number"),
        (lambda text: "", "no numbers"),
    ],
)
def test_damaged_force_sets(tmp_path, change, message):
    phonon = silicon()
    write_FORCE_SETS(phonon.dataset, filename=str(tmp_path / "FORCE_SETS"))
    phonon.save(tmp_path / "phonopy_disp.yaml", settings={"force_sets": False})
    text = (tmp_path / "FORCE_SETS").read_text()
    (tmp_path / "FORCE_SETS").write_text(change(text))
    with pytest.raises(DatasetError, match=message):
        read_dataset(tmp_path)
