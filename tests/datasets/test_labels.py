"""Which keys hold the reference, in which units, and what is set aside."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from mlip_core.datasets import Units, read_dataset
from mlip_core.datasets.dataset import open_dataset
from mlip_core.datasets.read import dataset_of
from mlip_core.errors import DatasetError

FORCES = {"results/": 1.0, "REF_": 2.0, "dft_": 3.0, "DFT_": 4.0}


def frame(*families, n=2):
    """A crystal whose forces say from which family of keys they are."""
    atoms = bulk("NaCl", "rocksalt", 5.6) * (n // 2, 1, 1)
    for family in families:
        forces = np.full((len(atoms), 3), FORCES[family])
        if family == "results/":
            atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=forces, stress=np.ones(6))
        else:
            atoms.arrays[f"{family}forces"] = forces
            atoms.info[f"{family}energy"] = -FORCES[family]
            atoms.info[f"{family}stress"] = np.eye(3) * FORCES[family]
    return atoms


def read(tmp_path, frames, **options):
    write(tmp_path / "a.extxyz", frames)
    return read_dataset(tmp_path / "a.extxyz", **options)


@pytest.mark.parametrize("first", range(4))
def test_order_of_families(tmp_path, first):
    families = list(FORCES)[first:]
    (only,) = read(tmp_path, [frame(*reversed(families))])
    assert only.forces[0, 0] == FORCES[families[0]]
    assert only.energy == -FORCES[families[0]]
    assert only.stress[0, 0] == FORCES[families[0]]


def test_plain_names_in_arrays(tmp_path):
    """Plain names count where no results are attached, as in an ASE database's data."""
    from ase.db import connect

    with connect(tmp_path / "a.db") as database:
        database.write(bulk("Si"), data={"forces": np.full((2, 3), 0.5), "energy": -3.0})
    dataset = read_dataset(tmp_path / "a.db")
    assert (dataset.frame(0).forces == 0.5).all()
    assert dataset.frame(0).energy == -3.0
    assert dataset.keys == {"energy": {"energy": 1}, "forces": {"forces": 1}}


def test_choice_of_another_key(tmp_path):
    dataset = read(tmp_path, [frame("results/", "dft_")])
    assert dataset.candidates["forces"] == ("results/forces", "dft_forces")
    (other,) = read(tmp_path, [frame("results/", "dft_")], forces_key="dft_forces")
    assert (other.forces == 3.0).all()
    assert other.energy == -3.0, "energy follows the chosen forces"
    (mixed,) = read(tmp_path, [frame("results/", "dft_")], forces_key="dft_forces", energy_key="results/energy")
    assert mixed.energy == -1.0


def test_a_quantity_can_be_left_out(tmp_path):
    dataset = read(tmp_path, [frame("REF_")], stress_key="")
    assert dataset.frame(0).stress is None
    assert dataset.frame(0).energy == -2.0
    assert "REF_stress" in dataset.candidates["stress"]


def test_any_vector_array_can_be_chosen(tmp_path):
    atoms = frame("REF_")
    atoms.arrays["my_gradient"] = np.full((2, 3), 7.0)
    dataset = read(tmp_path, [atoms], forces_key="my_gradient")
    assert "my_gradient" in dataset.candidates["forces"]
    assert (dataset.frame(0).forces == 7.0).all()


def test_key_that_is_not_there(tmp_path):
    with pytest.raises(DatasetError, match=r"No frame has forces under 'vasp_forces'.*REF_forces"):
        read(tmp_path, [frame("REF_")], forces_key="vasp_forces")
    with pytest.raises(DatasetError, match=r"No frame has energy under 'e0'.*REF_energy"):
        read(tmp_path, [frame("REF_")], energy_key="e0")


def test_mixed_keys_are_counted_and_told(tmp_path):
    dataset = read(tmp_path, [frame("REF_"), frame("dft_"), frame("REF_")])
    assert dataset.keys["forces"] == {"REF_forces": 2, "dft_forces": 1}
    assert [f.forces[0, 0] for f in dataset] == [2.0, 3.0, 2.0]
    assert any("several keys: REF_forces (2), dft_forces (1)" in note for note in dataset.notes())


def test_energy_of_another_family_is_told(tmp_path):
    atoms = frame("REF_")
    del atoms.info["REF_energy"], atoms.info["REF_stress"]
    atoms.info["dft_energy"] = -9.0
    dataset = read(tmp_path, [atoms])
    assert dataset.frame(0).energy == -9.0
    assert any("energy (dft_energy) may be of another calculation" in note for note in dataset.notes())
    assert not read(tmp_path, [frame("REF_")]).notes()


def test_frames_without_forces_are_set_aside_and_named(tmp_path):
    broken, bare = frame("REF_", n=4), bulk("Si")
    broken.arrays["REF_forces"][2, 1] = np.nan
    dataset = read(tmp_path, [frame("REF_"), broken, bare, frame("REF_")])
    assert len(dataset) == 2
    nan, none = dataset.set_aside
    assert nan.where == "a.extxyz, frame 1"
    assert "not finite for 1 atoms, first atom 2 (Na" in nan.reason
    assert (none.where, none.reason) == ("a.extxyz, frame 2", "no forces")
    assert [f.where for f in dataset] == ["a.extxyz, frame 0", "a.extxyz, frame 3"]
    assert dataset.set_aside_table()["where"].tolist() == ["a.extxyz, frame 1", "a.extxyz, frame 2"]


def test_unlabelled_only_when_asked_for(tmp_path):
    with pytest.raises(DatasetError, match="no forces"):
        read(tmp_path, [bulk("Si")])
    dataset = read(tmp_path, [bulk("Si")], labelled=False)
    assert dataset.frame(0).forces is None


def test_structures_in_memory_without_forces_are_refused_in_words(tmp_path):
    with pytest.raises(DatasetError, match="no forces"):
        dataset_of([bulk("Si")], "silicon", folder=tmp_path)


def test_energy_that_is_not_a_number_leaves_the_forces(tmp_path):
    atoms = frame("REF_")
    atoms.info["REF_energy"] = np.nan
    dataset = read(tmp_path, [atoms, frame("REF_")])
    assert (len(dataset), dataset.n_energies) == (2, 1)


def test_virial_becomes_stress(tmp_path):
    atoms = frame("REF_")
    del atoms.info["REF_stress"]
    atoms.info["REF_virial"] = -atoms.get_volume() * np.diag([0.1, 0.2, 0.3])
    (only,) = read(tmp_path, [atoms])
    np.testing.assert_allclose(only.stress, np.diag([0.1, 0.2, 0.3]), atol=1e-9)


@pytest.mark.parametrize("stress", [np.array([1.0, 2, 3, 4, 5, 6]), np.array([[1.0, 6, 5], [6, 2, 4], [5, 4, 3]])])
def test_layouts_of_stress(tmp_path, stress):
    atoms = frame("REF_")
    atoms.info["REF_stress"] = stress
    (only,) = read(tmp_path, [atoms])
    np.testing.assert_allclose(only.stress, [[1, 6, 5], [6, 2, 4], [5, 4, 3]])


# Factors from the CODATA 2014 values of the Rydberg, Hartree and bohr, independent of ase.units' expressions
@pytest.mark.parametrize(
    ("name", "forces", "energy"),
    [
        ("eV/Å", 1.0, 1.0),
        ("Ry/bohr", 13.605693009 / 0.52917721067, 13.605693009),
        ("Hartree/bohr", 27.21138602 / 0.52917721067, 27.21138602),
        ("kcal/mol/Å", 4.184e3 / 6.022140857e23 / 1.6021766208e-19, 4.184e3 / 6.022140857e23 / 1.6021766208e-19),
        ("meV/Å", 1e-3, 1e-3),
    ],
)
def test_declared_units(tmp_path, name, forces, energy):
    (only,) = read(tmp_path, [frame("REF_")], units=name)
    np.testing.assert_allclose(only.forces, 2.0 * forces, rtol=1e-8)
    assert only.energy == pytest.approx(-2.0 * energy, rel=1e-8)
    length = energy / forces
    np.testing.assert_allclose(only.stress, np.eye(3) * 2.0 * energy / length**3, rtol=1e-8)


def test_each_quantity_may_have_its_own_unit(tmp_path):
    """The trap: forces in Ry/bohr beside energies in eV, positions in bohr and stress in kbar."""
    mixed = Units(energy="eV", forces="Ry/bohr", stress="kbar", lengths="bohr")
    (only,) = read(tmp_path, [frame("REF_")], units=mixed)
    assert only.energy == -2.0
    np.testing.assert_allclose(only.forces, 2.0 * units.Ry / units.Bohr)
    np.testing.assert_allclose(only.stress, np.eye(3) * 2.0 / 1602.1766208, rtol=1e-8)
    np.testing.assert_allclose(only.atoms.cell.lengths(), frame("REF_").cell.lengths() * units.Bohr, atol=1e-6)


@pytest.mark.parametrize("name", ["eV", "parsec/Å", "eV/mile"])
def test_unknown_units(name):
    with pytest.raises(DatasetError, match=name.split("/")[0] if name == "eV" else "not a known unit"):
        Units.named(name)


def test_level_of_theory_and_summary_survive_on_disk(tmp_path):
    atoms = frame("REF_")
    atoms.info |= {"config": "bulk", "temperature": 300}
    other = frame("REF_")
    other.info |= {"config": "melt", "temperature": 300}
    third = frame("REF_")
    third.info |= {"config": "melt", "temperature": 300}
    dataset = read(tmp_path, [atoms, other, third], level_of_theory="PBE, GPAW", folder=tmp_path / "kept")
    again = open_dataset(dataset.path)
    assert again == dataset
    assert again.level_of_theory == "PBE, GPAW"
    assert again.tags == {"config": 2}
    assert again.frame(1).tags["temperature"] == 300


def test_hashes_tell_structures_from_labels(tmp_path):
    first = read(tmp_path, [frame("REF_", "dft_")])
    other_labels = read(tmp_path, [frame("REF_", "dft_")], forces_key="dft_forces")
    other_structure = read(tmp_path, [frame("REF_", "dft_", n=4)])
    assert first.structures_sha256 == other_labels.structures_sha256 != other_structure.structures_sha256
    assert first.sha256 != other_labels.sha256


def test_atoms_without_volume_or_position(tmp_path):
    flat = Atoms("H", pbc=True)
    flat.arrays["REF_forces"] = np.zeros((1, 3))
    dataset = read(tmp_path, [frame("REF_"), flat])
    assert [s.reason for s in dataset.set_aside] == ["periodic, but its cell has no volume"]


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    import gc
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(DatasetError):
        read(tmp_path, [bulk("Si")])
    assert not list((tmp_path / "temporary").iterdir())
    dataset = read(tmp_path, [frame("REF_")])
    assert len(list((tmp_path / "temporary").iterdir())) == 1
    del dataset
    gc.collect()
    assert not list((tmp_path / "temporary").iterdir())


def test_a_data_set_of_an_earlier_version_opens(tmp_path):
    """What the summary did not have then has a default."""
    import json

    import pyarrow.parquet as pq

    dataset = read(tmp_path, [frame("REF_"), bulk("Si")], folder=tmp_path / "kept")
    table = pq.read_table(dataset.path)
    tree = json.loads(pq.ParquetFile(dataset.path).metadata.metadata[b"dataset"])
    for name in ("others", "remarks", "left_out"):
        del tree[name]
    tree["set_aside"] = [entry[:2] for entry in tree["set_aside"]]
    pq.write_table(table.replace_schema_metadata({"dataset": json.dumps(tree)}), tmp_path / "old.parquet")
    old = open_dataset(tmp_path / "old.parquet")
    assert (old.others, old.remarks, old.left_out) == ({}, (), ())
    assert old.n_set_aside == 1
    assert old.frame(0).energy == dataset.frame(0).energy
    assert len(old.notes()) == 1
