"""What VASP writes, under the names that its files have."""

from io import StringIO

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.constraints import FixAtoms, FixScaled

from mlip_core.errors import StructureError
from mlip_core.structures import read_structure

HEAD = "x\n1.0\n12 0 0\n0 11 0\n0 0 10\n"
METALS = [
    "Sc",
    "Ti",
    "V",
    "Cr",
    "Mn",
    "Fe",
    "Co",
    "Ni",
    "Cu",
    "Zn",
    "Y",
    "Zr",
    "Nb",
    "Mo",
    "Ru",
    "Rh",
    "Pd",
    "Ag",
    "Hf",
    "Ta",
    "W",
]


def places(count):
    return "".join(f"{k % 3 / 3:.6f} {k // 3 % 5 / 5:.6f} {k // 15 / 3:.6f}\n" for k in range(count))


def poscar(names, counts, count=None, head=HEAD):
    return (
        f"{head}{names}\n{counts}\nDirect\n{places(sum(map(int, counts.split())) if count is None else count)}".encode()
    )


def wrapped(words, width):
    return "\n".join(" ".join(words[k : k + width]) for k in range(0, len(words), width))


@pytest.mark.parametrize("width", [20, 7, 1])
@pytest.mark.parametrize(
    "symbols", [METALS, ["Mg", "O"] * 11, ["Si", "C", "Si"]], ids=["metals", "alternating", "si-c-si"]
)
def test_groups_that_go_over_several_lines_or_repeat(symbols, width):
    counts = ["1", "2"] * (len(symbols) // 2) + ["1"] * (len(symbols) % 2)
    expected = [symbol for symbol, n in zip(symbols, counts, strict=True) for _ in range(int(n))]
    atoms = read_structure(poscar(wrapped(symbols, width), wrapped(counts, width)), "CONTCAR")
    assert list(atoms.symbols) == expected
    rows = np.array([line.split() for line in places(len(expected)).splitlines()], dtype=float)
    np.testing.assert_allclose(atoms.positions, rows * [12, 11, 10], atol=1e-12)


def test_counts_over_two_lines_below_a_title_with_the_elements():
    text = poscar(wrapped(["1"] * 21, 20), "", 21, HEAD.replace("x\n", " ".join(METALS) + "\n")).replace(
        b"\n\nDirect", b"\nDirect"
    )
    assert list(read_structure(text, "POSCAR").symbols) == METALS


@pytest.mark.parametrize(
    ("names", "counts", "symbols"),
    [
        ("Mg Fe O", "1 0 1", ["Mg", "O"]),
        ("Mg O", "2 0", ["Mg", "Mg"]),
        ("Mg_pv O_s", "1 1", ["Mg", "O"]),
        ("Si/abc123ff C/0f", "1 1", ["Si", "C"]),
        ("Fe_pv/9c1 O_h_GW", "1 1", ["Fe", "O"]),
        ("H.75 O", "1 1", ["H", "O"]),
        ("mg o", "1 1", ["Mg", "O"]),
        ("Mg O ! two groups", "1 1 ! one of each", None),
    ],
)
def test_names_and_counts(names, counts, symbols):
    content = poscar(names, counts, 2)
    if symbols is None:
        with pytest.raises(StructureError, match="line 7"):
            read_structure(content, "POSCAR")
        return
    assert list(read_structure(content, "POSCAR").symbols) == symbols


def test_a_count_of_zero_beside_one_position_more_is_named():
    with pytest.raises(StructureError, match=r"line 10: one more position.*line 7 announces no atom of ‘O’"):
        read_structure(poscar("Mg O", "1 0", 2), "POSCAR")
    with pytest.raises(StructureError, match="line 7: expected at least one atom"):
        read_structure(poscar("Mg O", "0 0", 0), "POSCAR")


def test_deuterium_where_there_is_any():
    atoms = read_structure(poscar("D O D", "1 1 1"), "POSCAR")
    assert list(atoms.symbols) == ["H", "O", "H"]
    assert "deuterium" in atoms.info["notes"]
    assert read_structure(poscar("D O", "0 1"), "POSCAR").info == {}


def test_selective_dynamics_is_as_ase_has_it():
    text = (
        HEAD
        + "Na Cl\n2 2\nSelective dynamics\nDirect\n0 0 0 F F F\n.5 .5 0 T T F\n.5 0 .5 T T T\n0 .5 .5 F T .FALSE. Cl\n"
    )
    ours, theirs = (
        read_structure(text.encode(), "POSCAR"),
        ase.io.read(StringIO(text.replace(".FALSE.", "F")), format="vasp"),
    )
    assert fixed(ours) == fixed(theirs) == {("FixAtoms", 0), ("FixScaled", 1, "FFT"), ("FixScaled", 3, "TFT")}
    assert ours.info["notes"] == "selective dynamics: 1 of 4 atoms are fixed and 2 may move along some directions only"
    free = read_structure(text.replace("F", "T").encode(), "POSCAR")
    assert (free.constraints, free.info) == ([], {})


def fixed(atoms):
    """Constraints, atom by atom."""
    found = set()
    for constraint in atoms.constraints:
        for index in constraint.index:
            mask = "".join("FT"[bool(flag)] for flag in constraint.mask) if isinstance(constraint, FixScaled) else ""
            found.add(
                (type(constraint).__name__, int(index), mask) if mask else (type(constraint).__name__, int(index))
            )
    return found


def frames(changing):
    found = []
    for k in range(3):
        atoms = bulk("MgO", "rocksalt", a=4.2 + changing * k / 10, cubic=True)[[0, 2, 4, 6, 1, 3, 5, 7]]
        atoms.rattle(0.05, seed=k)
        found.append(atoms)
    return found


def xdatcar(changing):
    """As VASP writes it: with a changing cell the lines of the lattice stand before each frame."""
    lines = []
    for k, atoms in enumerate(frames(changing)):
        if changing or k == 0:
            lattice = [" ".join(f"{x:11.6f}" for x in vector) for vector in atoms.cell.array]
            lines += ["made up", "           1", *lattice, "   Mg   O", "     4     4"]
        rows = [" ".join(f"{x:11.8f}" for x in row) for row in atoms.get_scaled_positions(wrap=False)]
        lines += [f"Direct configuration={k + 1:6d}", *rows]
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("changing", [False, True])
def test_the_last_frame_of_an_xdatcar(changing):
    text, expected = xdatcar(changing), frames(changing)
    read = read_structure(text.encode(), "XDATCAR")
    assert list(read.symbols) == ["Mg"] * 4 + ["O"] * 4
    np.testing.assert_allclose(read.cell.array, expected[-1].cell.array, atol=1e-6)
    np.testing.assert_allclose(read.positions, expected[-1].positions, atol=1e-6)
    assert (read.pbc.all(), read.info) == (True, {})
    theirs = ase.io.read(StringIO(text), format="vasp-xdatcar", index=-1)
    np.testing.assert_allclose(read.positions, theirs.positions, atol=1e-6)


@pytest.mark.parametrize("changing", [False, True])
@pytest.mark.parametrize("cut", [3, 40, 200])
def test_an_xdatcar_that_breaks_off(changing, cut):
    text, expected = xdatcar(changing)[:-cut], frames(changing)
    read = read_structure(text.encode(), "XDATCAR")
    np.testing.assert_allclose(read.positions, expected[-2].positions, atol=1e-6)
    np.testing.assert_allclose(read.cell.array, expected[-2].cell.array, atol=1e-6)
    assert read.info["notes"] == "the last frame is not whole; the one before it is read"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Direct configuration", "Something else", "line 8: expected Direct configuration"),
        ("Mg   O", "Mg   Qq", "line 6.*‘Qq’"),
        ("     4     4", "     4     3", "line 25: expected the next frame"),
    ],
)
def test_an_xdatcar_that_is_none(old, new, words):
    with pytest.raises(StructureError, match=words):
        read_structure(xdatcar(False).replace(old, new).encode(), "XDATCAR")


def test_one_position_more_than_announced_in_an_xdatcar():
    text = xdatcar(False)
    with pytest.raises(StructureError, match="line 35: one more position than the 8 atoms"):
        read_structure((text + " 0.1 0.2 0.3\n").encode(), "XDATCAR")


def vasprun(steps=3, *, flags=False, final=True):
    def varray(name, rows, kind=""):
        return (
            f'<varray name="{name}"{kind}>\n' + "".join(f"<v> {'  '.join(row)} </v>\n" for row in rows) + "</varray>\n"
        )

    def structure(atoms, name=""):
        rows = [[f"{x:.8f}" for x in row] for row in atoms.get_scaled_positions(wrap=False)]
        cell = varray("basis", [[f"{x:.8f}" for x in row] for row in atoms.cell.array])
        moves = varray("selective", [["T", "F", "F"], *[["F"] * 3] * 7], ' type="logical"') if flags and name else ""
        return f"<structure{name}>\n<crystal>\n{cell}</crystal>\n{varray('positions', rows)}{moves}</structure>\n"

    given = frames(True)[:steps]
    kinds = "".join(f"<rc><c>{symbol:2s}</c><c>   {1 + (symbol == 'O')}</c></rc>\n" for symbol in given[0].symbols)
    types = "<rc><c>   4</c><c>Mg</c><c> 24.3</c></rc><rc><c>   4</c><c>O </c><c> 16.0</c></rc>"
    info = f'<atominfo><atoms>8</atoms><array name="atoms"><set>\n{kinds}</set></array><array name="atomtypes"><set>{types}</set></array></atominfo>\n'
    start = structure(given[0].copy()[:2], ' name="primitive_cell"') + structure(given[0], ' name="initialpos"')
    forces = varray("forces", [["1.0", "2.0", "3.0"]] * 8) + varray("positions", [["9", "9", "9"]])
    middle = "".join(f"<calculation>{structure(atoms)}{forces}</calculation>\n" for atoms in given)
    end = structure(given[-1], ' name="finalpos"') if final else ""
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n{info}{start}{middle}{end}</modeling>\n'


@pytest.mark.parametrize("final", [True, False])
def test_the_last_structure_of_a_vasprun(final):
    read, expected = read_structure(vasprun(final=final).encode(), "vasprun.xml"), frames(True)[-1]
    assert list(read.symbols) == list(expected.symbols)
    np.testing.assert_allclose(read.cell.array, expected.cell.array, atol=1e-7)
    np.testing.assert_allclose(read.positions, expected.positions, atol=1e-6)
    assert (read.pbc.all(), read.info) == (True, {})


def test_a_vasprun_that_breaks_off_gives_the_last_whole_structure():
    text, expected = vasprun(final=False), frames(True)
    cuts = {"</modeling>": 2, text[text.rindex("<crystal>") :]: 1, text[text.rindex("</crystal>") :]: 1}
    for end, last in cuts.items():
        read = read_structure(text[: text.rindex(end)].encode(), "vasprun.xml")
        np.testing.assert_allclose(read.positions, expected[last].positions, atol=1e-6)
        assert "breaks off" in read.info["notes"]


def test_atoms_that_vasp_holds_fixed():
    read = read_structure(vasprun(flags=True).encode(), "vasprun.xml")
    assert fixed(read) == {("FixScaled", 0, "FTT"), *(("FixAtoms", k) for k in range(1, 8))}
    assert isinstance(read.constraints[0], FixAtoms)
    assert "selective dynamics: 7 of 8 atoms are fixed" in read.info["notes"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<modeling>", "<molecule>", "begins with modeling"),
        ("</array>", "</arrey>", "line 12: .*damaged"),
        ("<c>Mg</c>", "<c>&b;</c>", "line 4: .*damaged"),
        ("</atominfo>", "", "does not list its atoms"),
        ('name="atoms"', 'name="atomz"', "does not list its atoms"),
        ('name="basis"', 'name="basics"', "the lattice vectors of the last structure: expected 3 rows"),
        ("</structure>", "", "no whole structure"),
        ("<atominfo>", "<atominfo>" + " " * 3_000_000, "more than the 2,000 atoms"),
        ("<atominfo>", "<atominfo>" + "<a>" * 100_000 + "</a>" * 100_000, None),
        ("<c>Mg</c><c>   1</c>", "<c>Qq</c><c>   1</c>", "atom 1: .*‘Qq’"),
        ("<rc><c>Mg</c><c>   1</c></rc>\n", "", "the positions of the last structure: expected 4 rows"),
    ],
)
def test_a_vasprun_that_is_none(old, new, words):
    text = vasprun()
    assert old in text
    if words is None:
        assert len(read_structure(text.replace(old, new).encode(), "vasprun.xml")) == 8
        return
    with pytest.raises(StructureError, match=words):
        read_structure(text.replace(old, new).encode(), "vasprun.xml")


@pytest.mark.parametrize(
    "name",
    [
        "POSCAR",
        "CONTCAR",
        "POSCAR_MgO",
        "CONTCAR.relax2",
        "MgO.POSCAR",
        "MgO.vasp",
        "my-contcar.txt",
        "upload",
        "",
        None,
    ],
)
def test_a_poscar_under_any_name(name):
    content = poscar("Mg O", "1 1")
    assert list(read_structure(content, name).symbols) == ["Mg", "O"]
    titled = content.replace(b"x\n", b"2\n", 1)  # a title that could be the number of atoms of an XYZ
    assert list(read_structure(titled, name).symbols) == ["Mg", "O"]


@pytest.mark.parametrize(
    "name", ["XDATCAR", "XDATCAR.3", "MgO_XDATCAR", "MgO.xdatcar", "XDATCAR.vasp", "run.vasp", "POSCAR", "upload", None]
)
@pytest.mark.parametrize("changing", [False, True])
def test_an_xdatcar_under_any_name(name, changing):
    read = read_structure(xdatcar(changing).encode(), name)
    np.testing.assert_allclose(read.positions, frames(changing)[-1].positions, atol=1e-6)


@pytest.mark.parametrize("name", ["vasprun.xml", "relax-vasprun.XML", "vasprun.xml.2", "upload", None])
def test_a_vasprun_under_any_name(name):
    assert len(read_structure(vasprun().encode(), name)) == 8


def test_paths_are_recognised_as_bytes_are(tmp_path):
    for name, content in (
        ("XDATCAR", xdatcar(True)),
        ("CONTCAR.relax2", poscar("Mg O", "1 1").decode()),
        ("vasprun.xml", vasprun()),
    ):
        (tmp_path / name).write_text(content)
        assert read_structure(tmp_path / name) == read_structure(content.encode(), name)


def test_a_vasprun_may_be_larger_than_other_files(tmp_path):
    padding = "<!-- " + "x" * 30_000_000 + " -->\n</modeling>\n"
    (tmp_path / "vasprun.xml").write_text(vasprun().replace("</modeling>\n", padding))
    assert len(read_structure(tmp_path / "vasprun.xml")) == 8
    with pytest.raises(StructureError, match="30 MB, at most 20 MB"):
        read_structure((tmp_path / "vasprun.xml").read_bytes()[5:], "POSCAR")


def test_numbers_in_a_plain_xyz_are_not_taken_for_a_poscar():
    text = b"5\n1.0\nH 0 0 0\nH 0 0 1\nH 0 0 2\nH 0 0 3\nH 0 0 4\n"
    assert len(read_structure(text)) == 5
