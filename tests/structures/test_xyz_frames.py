"""Extended XYZ as its specification has it, and as the programs that write it spell it."""

from io import StringIO

import ase.io
import numpy as np
import pytest
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixCartesian
from ase.units import Bohr

from mlip_core.errors import StructureError
from mlip_core.structures import read_structure
from mlip_core.structures.xyz_frames import attach_results, frames, open_xyz

NINE = "4 0 0 0 5 0 0 0 6"


def one(comment, rows="Cu 0 0 0\nCu 0 0 2.5\n"):
    """The only frame of two atoms below a comment line."""
    (frame,) = frames(StringIO(f"2\n{comment}\n{rows}"))
    return frame


def atoms_of(comment, rows="Cu 0 0 0\nCu 0 0 2.5\n"):
    return one(comment, rows).whole()


@pytest.mark.parametrize(
    "comment",
    [
        f'Lattice="{NINE}" pbc="T T F"',
        f'lattice="{NINE}" PBC="1 1 0"',
        f'LATTICE = "{NINE}" Pbc = "true True FALSE"',
        f"Lattice={{{NINE}}} pbc={{T T F}}",
        f"Lattice='{NINE}' pbc='T T F'",
        'Lattice="4.0 5.0 6.0" pbc="T T F"',
        "Lattice=[4, 5, 6] pbc=[T, T, F]",
        "Lattice=[[4, 0, 0], [0, 5, 0], [0, 0, 6]] pbc=[true, true, false]",
        "Lattice=[[4,0,0],[0,5,0],[0,0,6]] pbc=[1,1,0]",
        'Lattice="[[4, 0, 0], [0, 5, 0], [0, 0, 6]]" pbc="[T, T, F]"',
        'Lattice="4.0, 0, 0, 0, 5, 0, 0, 0, 0.6D1" pbc="T, T, F"',
        f'title="no Lattice=\\"9 9 9\\" here" Lattice="{NINE}" pbc="T T F"',
        f'title=don\'t Lattice="{NINE}" pbc="T T F"',
        f'open=[ brace={{ Lattice="{NINE}" pbc="T T F" quote="',
        f'title="not closed Lattice="{NINE}" pbc="T T F"',
        f'empty= Lattice="{NINE}" none=  pbc = "T T F"',
        f'a,b,Lattice="{NINE}";pbc="T T F"',
        f'size=5" Lattice="{NINE}" pbc="T T F"',
        f'energy=-1.5, Lattice="{NINE}", pbc="T T F", ',
        f'cell="{NINE}" pbc="T T F"',
        f'Properties=species:S:1:pos:R:3 config_type=a=b Lattice="{NINE}" pbc="T T F"',
    ],
)
def test_lattice_and_pbc_in_every_spelling(comment):
    atoms = atoms_of(comment)
    np.testing.assert_allclose(atoms.cell.array, np.diag([4.0, 5, 6]), atol=1e-12)
    assert atoms.pbc.tolist() == [True, True, False]


def test_vectors_are_rows():
    atoms = atoms_of("Lattice=[[4, 1, 0], [0, 5, 2], [3, 0, 6]]")
    np.testing.assert_array_equal(atoms.cell.array, [[4, 1, 0], [0, 5, 2], [3, 0, 6]])
    assert atoms.pbc.all()
    assert not atoms_of("energy=1").pbc.any()
    assert atoms_of('Lattice="4 5 6" pbc=T').pbc.all()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-3", -3), ("3.5", 3.5), ("1.0D-3", 1e-3), ("-2e5", -2e5), ("T", True), ("false", False), ("text", "text"),
        ('"two words"', "two words"), ('"1.5"', 1.5), ('"1 2 3"', [1, 2, 3]), ("{1 2.5}", [1, 2.5]), ("[T, F]", [True, False]),
        ("[1, 2, 3]", [1, 2, 3]), ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]), ("[a, b]", "[a, b]"), ('"a \\"b\\" \\\\ c"', 'a "b" \\ c'),
        ('"a\\nb"', "a\nb"), ("'{[='", "{[="), ("a=b", "a=b"), ("_JSON", "_JSON"), ('"_JSON [[1, 2], [3, 4]]"', [[1, 2], [3, 4]]),
        ('"_JSON {\\"a\\": [1]}"', {"a": [1]}), ('"_JSON {"', "_JSON {"), ("1_0", "1_0"), ("0x1F", "0x1F"), ("123456789012345678901234567890", 1.2345678901234568e29),
    ],
)  # fmt: skip
def test_values_have_the_type_of_the_specification(text, value):
    found = atoms_of(f"before=1 key={text} after=2").info
    assert (found["before"], found["after"]) == (1, 2)
    kind = list if isinstance(found["key"], np.ndarray) else type(value)
    assert isinstance(value, kind)
    np.testing.assert_equal(found["key"].tolist() if kind is list else found["key"], value)


def test_not_finite_values_are_kept_for_others_to_judge():
    assert np.isnan(atoms_of("energy=nan").info["energy"])
    assert atoms_of("energy=-inf").info["energy"] == -np.inf


def test_columns_are_found_by_name_in_any_case_and_all_are_kept():
    comment = "properties=Species:S:1:mtt::forces:R:3:POS:R:3:fixed:L:1:tag:I:1:note:S:1 mtt::energy=-2.5 flag"
    frame = one(comment, "Cu 1 2 3 0 0 0 T 7 a\nO 4 nan 6 0 0 2 F 8 b\n")
    atoms = frame.whole()
    assert list(atoms.symbols) == ["Cu", "O"]
    np.testing.assert_array_equal(atoms.arrays["mtt::forces"], [[1, 2, 3], [4, np.nan, 6]])
    assert atoms.arrays["fixed"].tolist() == [True, False]
    assert atoms.arrays["tag"].tolist() == [7, 8]
    assert atoms.arrays["note"].tolist() == ["a", "b"]
    assert atoms.info == {"mtt::energy": -2.5, "flag": True}
    assert frame.notes == ()


def test_nine_numbers_of_a_tensor_are_a_matrix_as_ase_writes_it():
    assert atoms_of('Virial="1 2 3 4 5 6 7 8 9"').info["Virial"].tolist() == [[1, 4, 7], [2, 5, 8], [3, 6, 9]]
    assert atoms_of('other="1 2 3 4 5 6 7 8 9"').info["other"].shape == (9,)


def test_of_a_plain_file_the_words_of_the_comment_are_no_keys():
    frame = one(" i =        3, time =        1.500, E =       -17.1673", "O 0 0 0 9\nH 0 0 1 9\n")
    assert frame.whole().info == {"i": 3, "time": 1.5, "E": -17.1673}
    assert "columns after the fourth" in frame.notes[0]
    assert atoms_of("Coordinates from a job").info == {}


@pytest.mark.parametrize(
    ("comment", "cell", "position"),
    [
        ("# CELL(abcABC): 10 11 12 90 90 90  Step: 5  Bead: 0 positions{angstrom}  cell{atomic_unit}", np.diag([10, 11, 12]) * Bohr, 2.5),
        ("# CELL(abcABC): 10 11 12 90 90 90  positions{atomic_unit} cell{angstrom}", np.diag([10, 11, 12]), 2.5 * Bohr),
        ("# CELL(abcABC): 10 11 12 90 90 90 Traj: positions Step: 0", np.diag([10, 11, 12]) * Bohr, 2.5 * Bohr),
        ("# CELL{H}: 10 1 0 0 11 0 0 0 12 positions{angstrom} cell{angstrom}", [[10, 0, 0], [1, 11, 0], [0, 0, 12]], 2.5),
    ],
)  # fmt: skip
def test_the_cell_of_ipi_in_its_units(comment, cell, position):
    frame = one(comment)
    np.testing.assert_allclose(frame.whole().cell.array, cell, atol=1e-9)
    assert frame.whole().positions[1, 2] == pytest.approx(position)
    assert frame.whole().pbc.all()
    assert "i-PI" in frame.notes[0]


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("# CELL(abcABC): 10 11 12 90 90 90 forces{angstrom}", "‘forces’"),
        ("# CELL(abcABC): 10 11 12 90 90 90 positions{inch}", "‘inch’"),
        ("# CELL(abcABC): 10 11 12 90 90", "6 numbers"),
        ("# CELL(abcABC): 10 11 12 90 90 250", "between 0 and 180"),
        ("# CELL(abcABC): 10 11 12 20 20 90", "span no cell"),
    ],
)
def test_what_of_ipi_is_no_structure(comment, words):
    assert words in str(one(comment).error)


def test_frames_of_ase_are_those_that_ase_reads(tmp_path):
    """Every number, its own calculator's results and constraints included."""
    written = []
    for k, atoms in enumerate([bulk("Cu", cubic=True), fcc111("Al", (2, 2, 2), vacuum=4), molecule("CH3CH2OH")]):
        atoms.rattle(0.05, seed=k)
        atoms.info = {"step": k, "name": 'it\'s "quoted" [here]', "vector": np.arange(3.0), "tree": {"a": [1, "b"]}}
        atoms.set_array("tags", np.arange(len(atoms)))
        atoms.set_array("spins", np.linspace(0, 1, len(atoms)))
        atoms.set_constraint(FixAtoms([0]))
        atoms.calc = EMT()
        atoms.get_forces()
        if atoms.pbc.all():
            atoms.get_stress()
        written.append(atoms)
    ase.io.write(tmp_path / "a.extxyz", written)
    theirs = ase.io.read(tmp_path / "a.extxyz", ":")
    with open_xyz(tmp_path / "a.extxyz") as file:
        ours = list(frames(file))
    assert [frame.number for frame in ours] == [0, 1, 2]
    assert [frame.line for frame in ours] == [1, 7, 17]
    for frame, expected in zip(ours, theirs, strict=True):
        atoms = frame.whole()
        attach_results(atoms)
        assert set(atoms.arrays) == set(expected.arrays)
        for name, array in expected.arrays.items():
            np.testing.assert_array_equal(atoms.arrays[name], array)
        assert atoms.info.keys() == expected.info.keys()
        np.testing.assert_equal(atoms.info, expected.info)
        assert atoms.calc.results.keys() == expected.calc.results.keys()
        for name, result in expected.calc.results.items():
            np.testing.assert_array_equal(atoms.calc.results[name], result)
        np.testing.assert_array_equal(atoms.cell.array, expected.cell.array)
        np.testing.assert_array_equal(atoms.pbc, expected.pbc)
        np.testing.assert_array_equal(atoms.get_forces(), expected.get_forces())
        assert "1 of" in frame.notes[0]


def test_move_masks_are_constraints():
    head = 'Lattice="9 9 9" Properties=species:S:1:pos:R:3:move_mask'
    part = atoms_of(f"{head}:L:3", "Cu 0 0 0 T F F\nCu 0 0 2.5 F F F\n").constraints
    whole, some = sorted(part, key=lambda constraint: type(constraint).__name__)
    assert isinstance(whole, FixAtoms)
    assert whole.index.tolist() == [1]
    assert isinstance(some, FixCartesian)
    assert (some.index.tolist(), some.mask.tolist()) == ([0], [False, True, True])
    one_column = b"2\n" + f"{head}:I:1".encode() + b"\nCu 0 0 0 1\nCu 0 0 2.5 0\n"
    atoms = read_structure(one_column, "a.xyz")
    assert atoms.constraints[0].index.tolist() == [1]
    assert atoms.info["notes"] == "1 of 2 atoms are fixed"


GOOD = 'Lattice="9 9 9" Properties=species:S:1:pos:R:3'


@pytest.mark.parametrize(
    ("bad", "line", "words"),
    [
        (f"1\n{GOOD}\nQq 0 0 0\n", 8, "‘Qq’"),
        (f"1\n{GOOD}\nCu 0 zero 0\n", 8, "‘zero’"),
        (f"1\n{GOOD}\nCu 0 0\n", 8, "expected 4 columns"),
        (f"3\n{GOOD}\nCu 0 0 0\n", 6, "3 atoms are announced, but only 1"),
        (f"1\n{GOOD}\nCu 0 0 0\nCu 0 0 2\n", 9, "one more atom than the 1"),
        (f"two\n{GOOD}\nCu 0 0 0\nCu 0 0 2\n", 6, "‘two’"),
        (f"999999999999\n{GOOD}\nCu 0 0 0\n", 6, "at most"),
        (f"-1\n{GOOD}\nCu 0 0 0\n", 6, "at least one atom"),
        ("1\nLattice=9 Properties=species:S:1:pos:R:3\nCu 0 0 0\n", 7, "nine numbers"),
        ("1\nProperties=species:S:1:pos:R:\nCu 0 0 0\n", 7, "Properties"),
        ("1\nProperties=species:S:1:pos:R:3:x:R:1 x=\nCu 0 0 0 y\n", 8, "‘x’"),
        (f"1\n{GOOD} a={'b' * 1_200_000}\nCu 0 0 0\n", 6, "characters"),
    ],
)
def test_a_bad_frame_is_one_error_and_the_next_is_read(bad, line, words):
    good = f"2\n{GOOD} energy=%d\nCu 0 0 0\nCu 0 0 2.5\n\n"
    found = list(frames(StringIO(good % 1 + bad + good % 2)))
    assert [frame.atoms is None for frame in found] == [False, True, False]
    assert [frame.whole().info["energy"] for frame in (found[0], found[2])] == [1, 2]
    assert str(found[1].error).startswith(f"line {line}:")
    assert words in str(found[1].error)
    with pytest.raises(StructureError, match=f"line {line}:"):
        found[1].whole()


def test_only_as_much_is_read_as_is_asked_for():
    class Counted(StringIO):
        taken = 0

        def readline(self, *size):
            self.taken += 1
            return super().readline(*size)

    file = Counted("1\nx\nH 0 0 0\n" * 1000)
    next(frames(file))
    assert file.taken <= 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding, end, tmp_path):
    text = f'1\n{GOOD} name="Müller"\nCu 0 0 0\n' * 2
    (tmp_path / "a.xyz").write_bytes(text.replace("\n", end).encode(encoding))
    with open_xyz(tmp_path / "a.xyz") as file:
        found = [frame.whole() for frame in frames(file)]
    assert len(found) == 2
    assert found[0].info["name"] in ("Müller", "M\N{REPLACEMENT CHARACTER}ller")


@pytest.mark.parametrize(
    "comment",
    ["a=[ " * 50_000, 'a="' * 50_000, "{" * 200_000, "a={" * 50_000, "\\" * 200_000, '"\\' * 50_000, "[" * 200_000, "= " * 100_000, "a='\\" * 50_000 + "'"],
)  # fmt: skip
def test_no_comment_takes_long(comment):
    import time

    start = time.process_time()
    list(frames(StringIO(f"1\n{comment}\nCu 0 0 0\n")))
    assert time.process_time() - start < 2


def test_a_slab_in_the_words_of_other_programs_stays_a_slab():
    slab = fcc111("Cu", (2, 2, 3), vacuum=2.0)
    lattice = " ".join(map(repr, slab.cell.array.ravel().tolist()))
    rows = "".join(f"Cu {' '.join(map(repr, place))} 0 0 0\n" for place in slab.positions.tolist())
    text = f'{len(slab)}\nlattice="{lattice}" PBC="1 1 0" Energy=-1 properties=species:S:1:pos:R:3:force:R:3\n{rows}'
    read = read_structure(text.encode(), "train.xyz")
    assert read.pbc.tolist() == [True, True, False]
    assert read.get_volume() == pytest.approx(slab.get_volume())
    np.testing.assert_array_equal(read.positions, slab.positions)


def test_columns_that_no_structure_has_may_hold_anything():
    text = f'1\n{GOOD}:forces:R:3:spin:L:1 energy="***" stress="1 2 x"\nCu 0 0 0 **** nan x ?\n'
    assert list(read_structure(text.encode(), "a.xyz").symbols) == ["Cu"]
    assert "‘forces’" in str(next(frames(StringIO(text))).error)
