import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from mlip_core.errors import CalculationError, DatasetError
from mlip_core.models import from_ase
from mlip_core.models.model import Counted
from mlip_core.training.archive import pack, read_archive, unpack
from mlip_core.training.labels import CHUNK, label, label_file, read_all_labels, read_labels, relaxed_constant
from mlip_core.training.settings import Crystal


def emt():
    return Counted(from_ase(EMT(), name="EMT"))


def rattled(n):
    structures = []
    for i in range(n):
        atoms = bulk("Al", "fcc", a=4.0, cubic=True)
        atoms.rattle(0.05, seed=i)
        atoms.info.update(id=i, crystal="Al", kind="conventional", parent=f"Al-{i // 5}", split="train")
        structures.append(atoms)
    return structures


def crystal(a):
    return Crystal(name="Al", formula="Al", lattice="fcc", a=a, counts={})


def test_the_relaxed_constant_is_where_the_energy_is_lowest():
    found = relaxed_constant(crystal(4.05), from_ase(EMT(), name="EMT"))
    grid = np.linspace(found - 0.02, found + 0.02, 41)
    energies = [_energy(a) for a in grid]
    assert grid[int(np.argmin(energies))] == pytest.approx(found, abs=1.1e-3)


def _energy(a):
    atoms = bulk("Al", "fcc", a=a)
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_a_start_too_far_away_is_said():
    with pytest.raises(CalculationError, match="no equilibrium within 5%"):
        relaxed_constant(crystal(5.0), from_ase(EMT(), name="EMT"))


def test_labels_are_the_teachers(tmp_path):
    structures = rattled(3)
    label(structures, emt(), tmp_path)
    for atoms, read in zip(structures, read_all_labels(tmp_path), strict=True):
        atoms.calc = EMT()
        assert read.info["REF_energy"] == pytest.approx(atoms.get_potential_energy())
        np.testing.assert_allclose(read.arrays["REF_forces"], atoms.get_forces(), atol=1e-7)
        np.testing.assert_allclose(read.info["REF_stress"], atoms.get_stress(voigt=False), atol=1e-9)
        assert read.info["parent"] == atoms.info["parent"]


def test_labelling_goes_on_where_it_was_killed(tmp_path):
    structures = rattled(2 * CHUNK + 3)

    def killed_after_one(done, total, **values):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label(structures, emt(), tmp_path, progress=killed_after_one)
    assert len(read_all_labels(tmp_path)) == CHUNK
    teacher = emt()
    label(structures, teacher, tmp_path)
    assert teacher.evaluations == CHUNK + 3
    assert [a.info["id"] for a in read_all_labels(tmp_path)] == list(range(len(structures)))


def test_workers_share_the_chunks(tmp_path):
    structures = rattled(3 * CHUNK)
    teachers = [emt(), emt()]
    for worker, teacher in enumerate(teachers):
        label(structures, teacher, tmp_path, worker=worker, workers=2)
    assert [teacher.evaluations for teacher in teachers] == [2 * CHUNK, CHUNK]
    assert len(read_all_labels(tmp_path)) == 3 * CHUNK


@pytest.mark.parametrize(
    ("lines_kept", "line", "why"),
    [(15, 13, "needs 6 lines, 3 are there"), (13, 13, "needs 6 lines, 1 are there")],
)
def test_a_half_written_label_file_is_refused_by_name_and_line(tmp_path, lines_kept, line, why):
    label(rattled(4), emt(), tmp_path)
    path = label_file(tmp_path, 0)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:lines_kept]))
    with pytest.raises(DatasetError, match=rf"labels-00000\.extxyz, line {line}: .*{why}.*Delete the file"):
        read_labels(path)


def test_a_label_file_cut_within_a_line_is_refused(tmp_path):
    label(rattled(2), emt(), tmp_path)
    path = label_file(tmp_path, 0)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DatasetError, match="line 12: the last line has no end"):
        read_labels(path)


def test_structures_without_labels_are_refused(tmp_path):
    path = tmp_path / "labels-00000.extxyz"
    rattled(1)[0].write(path, format="extxyz")
    with pytest.raises(DatasetError, match="line 1: the structure has no REF_energy"):
        read_labels(path)


def test_an_archive_gives_the_same_labels_back(tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    label(rattled(CHUNK + 2), emt(), first)
    archive = tmp_path / "labels.extxyz.xz"
    assert pack(first, archive) == unpack(archive, second) == CHUNK + 2
    for one, two in zip(read_all_labels(first), read_all_labels(second), strict=True):
        np.testing.assert_allclose(two.arrays["REF_forces"], one.arrays["REF_forces"])
        np.testing.assert_allclose(two.info["REF_stress"], one.info["REF_stress"])
        assert two.info["id"] == one.info["id"]


def test_a_damaged_archive_is_refused(tmp_path):
    archive = tmp_path / "labels.extxyz.xz"
    archive.write_bytes(b"no xz")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_archive(archive)
