"""Whatever is wrong with an input is a StructureError that a person can act on."""

import json
import re
from io import BytesIO

import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlip_core.errors import StructureError
from mlip_core.structures import read_structure, validate

CIF = """\
data_silicon
_cell_length_a 5.43
_cell_length_b 5.43
_cell_length_c 5.43
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_space_group_symop_operation_xyz
'x, y, z'
'-x, -y, -z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Si1 Si 0.125 0.125 0.125 1.0
"""
NAMED = CIF.replace(
    "loop_\n_space_group_symop_operation_xyz\n'x, y, z'\n'-x, -y, -z'\n", "_symmetry_space_group_name_H-M 'P -1'\n"
)
POSCAR = """\
gallium arsenide
1.0
0.0 2.8 2.8
2.8 0.0 2.8
2.8 2.8 0.0
Ga As
1 1
Direct
0.0 0.0 0.0
0.25 0.25 0.25
"""
XYZ = """\
2
Lattice="0 2.8 2.8 2.8 0 2.8 2.8 2.8 0" Properties=species:S:1:pos:R:3 pbc="T T T"
Ga 0.0 0.0 0.0
As 1.4 1.4 1.4
"""
WATER = """\
3
water
O 0.0 0.0 0.12
H 0.0 0.76 -0.48
H 0.0 -0.76 -0.48
"""
JSON = """\
{"1": {
 "numbers": [31, 33],
 "positions": [[0.0, 0.0, 0.0], [1.4, 1.4, 1.4]],
 "cell": [[0.0, 2.8, 2.8], [2.8, 0.0, 2.8], [2.8, 2.8, 0.0]],
 "pbc": [true, true, true]},
"ids": [1], "nextid": 2}
"""
BASES = {
    "a.cif": CIF,
    "named.cif": NAMED,
    "POSCAR": POSCAR,
    "a.xyz": XYZ,
    "water.xyz": WATER,
    "a.json": JSON,
}

# name of the file, what is replaced, by what, words that the message must have
CASES = [
    # CIF: cell
    ("a.cif", "_cell_length_a 5.43", "_cell_length_a five", ["line 2", "_cell_length_a", "‘five’", "number"]),
    ("a.cif", "_cell_length_b 5.43", "_cell_length_b ?", ["line 3", "_cell_length_b", "there is none"]),
    ("a.cif", "_cell_length_c 5.43\n", "", ["line 1", "_cell_length_c", "there is none"]),
    ("a.cif", "_cell_length_c 5.43", "_cell_length_c -5.43", ["line 4", "_cell_length_c", "above 0", "-5.43"]),
    ("a.cif", "_cell_length_c 5.43", "_cell_length_c 0", ["line 4", "_cell_length_c", "above 0"]),
    ("a.cif", "_cell_length_c 5.43", "_cell_length_c 1e7", ["line 4", "_cell_length_c"]),
    ("a.cif", "_cell_length_c 5.43", "_cell_length_c 9000", ["Lattice vector c", "1000 Å"]),
    ("a.cif", "_cell_length_c 5.43", "_cell_length_c 0.01", ["Lattice vector c", "0.5"]),
    ("a.cif", "_cell_length_b 5.43", "_cell_length_a 5.43", ["line 3", "_cell_length_a", "twice"]),
    ("a.cif", "_cell_angle_alpha 90", "_cell_angle_alpha 180", ["line 5", "_cell_angle_alpha", "180°"]),
    ("a.cif", "_cell_angle_beta 90", "_cell_angle_beta 0", ["line 6", "_cell_angle_beta", "between 0"]),
    ("a.cif", "_cell_angle_gamma 90", "_cell_angle_gamma", ["line 7", "value", "_cell_angle_gamma"]),
    ("a.cif", "_cell_angle_alpha 90\n_cell_angle_beta 90", "_cell_angle_alpha 20\n_cell_angle_beta 20", ["_cell_angle", "span no cell"]),
    ("a.cif", "_cell_length_a 5.43", "_cell_length_a 5,43", ["line 2", "_cell_length_a", "‘5,43’"]),
    # CIF: symmetry
    ("a.cif", "'-x, -y, -z'", "'-x, -y'", ["line 11", "symmetry operation", "‘-x, -y’"]),
    ("a.cif", "'-x, -y, -z'", "'-x, -y, -q'", ["line 11", "symmetry operation"]),
    ("a.cif", "'-x, -y, -z'", "'-x, -y, -y'", ["line 11", "symmetry operation"]),
    ("a.cif", "'-x, -y, -z'", "'-x, -y, z+1/0'", ["line 11", "symmetry operation"]),
    ("a.cif", "'-x, -y, -z'", "'y, z, x'", ["line 10", "no group", "missing"]),
    ("a.cif", "'-x, -y, -z'", "'x-y, x, z'", ["line 10", "no group"]),
    ("a.cif", "_cell_length_b 5.43", "_cell_length_b 5.43 'y, x, z'", ["line 3", "tag", "‘y, x, z’"]),
    ("named.cif", "'P -1'", "'P q r s'", ["line 8", "space group", "‘P q r s’", "operations"]),
    ("named.cif", "'P -1'", "'F d -3 m'", ["line 8", "‘F d -3 m’", "two choices of origin"]),
    ("named.cif", "'P -1'", "'P 6/m m m'", ["line 8", "cell does not have the symmetry"]),
    ("named.cif", "_symmetry_space_group_name_H-M 'P -1'", "_symmetry_Int_Tables_number 231", ["line 8", "1 to 230", "231"]),
    ("named.cif", "_symmetry_space_group_name_H-M 'P -1'", "_symmetry_Int_Tables_number two", ["line 8", "number of a space group", "‘two’"]),
    ("named.cif", "'P -1'", "'P -1'\n_symmetry_Int_Tables_number 3", ["line 8", "number 2", "says 3"]),
    ("named.cif", "_symmetry_space_group_name_H-M 'P -1'", "_space_group_name_Hall '-P 9'", ["line 8", "Hall symbol", "‘-P 9’"]),
    ("named.cif", "_symmetry_space_group_name_H-M 'P -1'", "_space_group_magn.name_BNS 'P -1'", ["line 8", "magnetic"]),
    # CIF: sites
    ("a.cif", "0.125 0.125 0.125 1.0", "0.125 0.125 0.125 0.5", ["site Si1", "line 19", "occupancy 0.5", "expected 1"]),
    ("a.cif", "0.125 1.0", "0.125 1.2", ["site Si1", "line 19", "occupancy 1.2"]),
    ("a.cif", "0.125 1.0", "0.125 full", ["site Si1", "line 19", "_atom_site_occupancy", "‘full’"]),
    ("a.cif", "Si1 Si 0.125", "Si1 Si ?", ["site Si1", "line 19", "_atom_site_fract_x", "‘?’"]),
    ("a.cif", "Si1 Si 0.125 0.125 0.125", "Si1 Si 0.125 0.125 nan", ["site Si1", "line 19", "_atom_site_fract_z", "‘nan’"]),
    ("a.cif", "Si1 Si 0.125", "Si1 Si 5e8", ["site Si1", "line 19", "fractional"]),
    ("a.cif", "Si1 Si ", "X1 Xx ", ["site X1", "line 19", "_atom_site_type_symbol", "‘Xx’"]),
    ("a.cif", "Si1 Si ", "M1 1234 ", ["site M1", "line 19", "_atom_site_type_symbol", "‘1234’"]),
    ("a.cif", "Si1 Si ", "CA1 ? ", ["site CA1", "line 19", "Ca or C", "_atom_site_type_symbol"]),
    ("a.cif", "Si1 Si ", "Q1 ? ", ["site Q1", "line 19", "_atom_site_label", "‘Q1’"]),
    ("a.cif", "0.125 1.0", "0.125", ["line 19", "loop of line 12", "6 columns", "5 values"]),
    ("a.cif", "_atom_site_fract_y\n", "", ["line 18", "loop of line 12"]),
    ("a.cif", "_atom_site_fract_y", "_atom_site_fract_q", ["site Si1", "_atom_site_fract_y", "column"]),
    ("a.cif", "_atom_site_fract_", "_atom_site_Cartn_", ["site Si1", "Cartesian", "_atom_site_fract_x"]),
    ("a.cif", "Si1 Si 0.125 0.125 0.125 1.0\n", "", ["lists atoms", "_atom_site_label"]),
    ("a.cif", "1.0\n", "1.0\nSi2 Si 0.125 0.125 0.125 1.0\n", ["Si1, line 19", "Si2, line 20", "0.000 Å", "0.5 Å"]),
    ("a.cif", "Si1 Si 0.125 0.125 0.125", "Si1 Si 0.04 0.0 0.0", ["site Si1, line 19", "0.434 Å", "0.5 Å"]),
    # CIF: syntax
    ("a.cif", "data_silicon\n", "", ["line 1", "data_", "‘_cell_length_a’"]),
    ("a.cif", "'x, y, z'", "'x, y, z", ["line 10", "quotation mark", "closed"]),
    ("a.cif", "data_silicon\n", "data_silicon\n;\nwords\n", ["line 2", ";", "close"]),
    ("a.cif", "_cell_angle_gamma 90\n", "_cell_angle_gamma 90\nloop_\n", ["line 8", "loop_", "tags"]),
    ("a.cif", CIF, "# nothing but this remark\n", ["line 1", "data_"]),
    # POSCAR
    ("POSCAR", "\n1.0\n", "\none\n", ["line 2", "scaling factor", "‘one’"]),
    ("POSCAR", "\n1.0\n", "\n0.0\n", ["line 2", "scaling factor", "not zero"]),
    ("POSCAR", "\n1.0\n", "\n1.0 2.0\n", ["line 2", "three positive"]),
    ("POSCAR", "\n1.0\n", "\n1.0 -2.0 1.0\n", ["line 2", "three positive"]),
    ("POSCAR", "\n1.0\n", "\n\n", ["line 2", "scaling factor", "empty"]),
    ("POSCAR", "\n1.0\n", "\n1e9\n", ["Lattice vector a", "1000 Å"]),
    ("POSCAR", "2.8 0.0 2.8", "2.8 0.0", ["line 4", "lattice vector b", "three numbers", "2"]),
    ("POSCAR", "2.8 0.0 2.8", "2.8 O.0 2.8", ["line 4", "y of lattice vector b", "‘O.0’"]),
    ("POSCAR", "2.8 0.0 2.8", "0.0 2.8 2.8", ["lattice vectors", "parallel"]),
    ("POSCAR", "1.0\n0.0 2.8 2.8\n2.8 0.0 2.8", "-40\n0.0 2.8 2.8\n0.0 2.8 2.8", ["lines 3–5", "no volume"]),
    ("POSCAR", "Ga As\n", "Ga Xy\n", ["line 6", "element", "‘Xy’"]),
    ("POSCAR", "Ga As\n", "", ["line 6", "elements", "line 1"]),
    ("POSCAR", "Ga As\n", "Ga As P\n", ["line 7", "3 numbers of atoms", "2"]),
    ("POSCAR", "\n1 1\n", "\n1 -1\n", ["line 7", "at least one atom", "-1"]),
    ("POSCAR", "\n1 1\n", "\n1 0\n", ["line 7", "at least one atom"]),
    ("POSCAR", "\n1 1\n", "\n1 1.5\n", ["line 7", "‘As’", "whole number", "‘1.5’"]),
    ("POSCAR", "\n1 1\n", "\n1 5000\n", ["line 7", "5,001 atoms", "2,000"]),
    ("POSCAR", "\n1 1\n", "\n1 2\n", ["line 11", "position of atom 3 of 3"]),
    ("POSCAR", "\n1 1\n", "\n1\n", ["line 7", "2 numbers of atoms", "1"]),
    ("POSCAR", "Ga As\n1 1\n", "Ga\n1\n", ["line 10", "one more position", "1 atoms"]),
    ("POSCAR", "Direct\n", "", ["line 8", "Direct or Cartesian", "‘0.0 0.0 0.0’"]),
    ("POSCAR", "Direct\n", "Selective dynamics\n", ["line 9", "Direct or Cartesian"]),
    ("POSCAR", "0.25 0.25 0.25", "0.25 0.25", ["line 10", "position of atom 2", "three numbers"]),
    ("POSCAR", "0.25 0.25 0.25", "0.25 **** 0.25", ["line 10", "y of the position of atom 2", "‘****’"]),
    ("POSCAR", "0.25 0.25 0.25", "0.0 0.0 1.0", ["Atoms 1 (Ga, line 9)", "2 (As, line 10)", "0.000 Å"]),
    # XYZ
    ("a.xyz", "2\nLattice", "two\nLattice", ["line 1", "number of atoms", "‘two’"]),
    ("a.xyz", "2\nLattice", "0\nLattice", ["line 1", "at least one atom"]),
    ("a.xyz", "2\nLattice", "3\nLattice", ["line 1", "3 atoms", "2 lines"]),
    ("a.xyz", "2\nLattice", "1\nLattice", ["line 4", "number of atoms", "‘As 1.4 1.4 1.4’"]),
    ("a.xyz", "2\nLattice", "20000\nLattice", ["line 1", "20,000 atoms", "2,000"]),
    ("a.xyz", "2.8 2.8 0\"", "2.8 2.8\"", ["line 2", "Lattice", "nine numbers", "8"]),
    ("a.xyz", "2.8 2.8 0\"", "2.8 2.8 x\"", ["line 2", "Lattice", "z of lattice vector c", "‘x’"]),
    ("a.xyz", 'Lattice="0 2.8 2.8 2.8 0 2.8 2.8 2.8 0"', 'Lattice="0 0 0 0 0 0 0 0 0"', ["Lattice vector a", "0.5"]),
    ("a.xyz", 'Lattice="0 2.8 2.8 2.8 0 2.8 2.8 2.8 0" ', "", ["Lattice vector a", "length"]),
    ("a.xyz", "T T T", "T T maybe", ["line 2", "pbc", "T or F", "‘T T maybe’"]),
    ("a.xyz", "species:S:1:pos:R:3", "species:S:1:pos:R", ["line 2", "Properties", "triples"]),
    ("a.xyz", "species:S:1:pos:R:3", "species:S:1:forces:R:3", ["line 2", "Properties", "pos:R:3"]),
    ("a.xyz", "species:S:1:pos:R:3", "species:S:1:pos:R:three", ["line 2", "Properties", "‘pos’", "‘three’"]),
    ("a.xyz", "pos:R:3", "pos:R:3:x:R:99999999", ["line 2", "Properties", "‘x’", "99999999"]),
    ("a.xyz", "As 1.4 1.4 1.4", "As 1.4 1.4", ["line 4", "4 columns", "3"]),
    ("a.xyz", "As 1.4 1.4 1.4", "As 1.4 inf 1.4", ["line 4", "y", "‘inf’"]),
    ("a.xyz", "As 1.4 1.4 1.4", "Zz 1.4 1.4 1.4", ["line 4", "element", "‘Zz’"]),
    ("a.xyz", "As 1.4 1.4 1.4", "119 1.4 1.4 1.4", ["line 4", "atomic number", "119"]),
    ("a.xyz", "As 1.4 1.4 1.4", "As 1.4 1.4 2e6", ["Atom 2 (As, line 4)", "z is 2e+06"]),
    ("a.xyz", "As 1.4 1.4 1.4", "As 0.0 2.8 2.8", ["Ga, line 3", "As, line 4", "0.000 Å"]),
    ("water.xyz", "H 0.0 -0.76 -0.48", "H 0.0 0.76 -0.40", ["2 (H, line 4)", "3 (H, line 5)", "0.080 Å"]),
    ("water.xyz", "O 0.0", "<b>O 0.0", ["line 3", "‘·b·O’"]),
    # JSON
    ("a.json", '"numbers": [31, 33],', '"numbers": [31, 33]', ["line 3", "column", "JSON"]),
    ("a.json", '"numbers": [31, 33],', "", ["row ‘1’", "field numbers"]),
    ("a.json", "[31, 33]", "[31, 200]", ["row ‘1’", "atom 2", "field numbers", "200"]),
    ("a.json", "[31, 33]", "[31, 3.5]", ["row ‘1’", "atom 2", "field numbers", "3.5"]),
    ("a.json", "[31, 33]", '["Ga", "As"]', ["row ‘1’", "field numbers", "list of numbers"]),
    ("a.json", "[31, 33]", "[31]", ["row ‘1’", "field positions", "1 × 3", "2 × 3"]),
    ("a.json", "[31, 33]", "[]", ["row ‘1’", "field numbers", "at least one atom"]),
    ("a.json", "[1.4, 1.4, 1.4]]", "[1.4, 1.4]]", ["row ‘1’", "field positions", "2 × 3"]),
    ("a.json", "[1.4, 1.4, 1.4]]", "[1.4, NaN, 1.4]]", ["Atom 2 (As, row ‘1’, atom 2)", "y is not a finite"]),
    ("a.json", "[2.8, 2.8, 0.0]]", "[2.8, 2.8]]", ["row ‘1’", "field cell", "3 × 3"]),
    ("a.json", "[true, true, true]", "[true, true]", ["row ‘1’", "field pbc", "3"]),
    ("a.json", "[true, true, true]", "[2, 1, 1]", ["row ‘1’", "field pbc", "true or false"]),
    ("a.json", '"ids": [1]', '"ids": [7]', ["Field ids", "no row ‘7’"]),
    ("a.json", JSON, "[1, 2, 3]", ["JSON that ASE writes"]),
    ("a.json", JSON, '{"lattice": [1, 2]}', ["JSON that ASE writes"]),
    ("a.json", JSON, "[" * 100_000, ["nested too deeply"]),
]  # fmt: skip

PYTHON_SPEAKING = re.compile(
    r"NoneType|list index|invalid literal|Traceback|has no attribute|could not|KeyError|ValueError|TypeError|<class|dtype"
    r"|unpack|not subscriptable|out of range|broadcast|cannot be understood|0x[0-9a-f]{6}"
)


def refusal(content, name):
    """Message of the StructureError, once it is seen to be one for a person."""
    with pytest.raises(StructureError) as caught:
        read_structure(content if isinstance(content, bytes) else content.encode(), name)
    message = str(caught.value)
    assert not PYTHON_SPEAKING.search(message), message
    assert message[0].isupper() or re.match(r"lines? \d|row |site |frame |data block", message), message
    assert message.endswith((".", "?", ")")), message
    assert not set(message) & set("<>`$[]"), message
    return message


@pytest.mark.parametrize("name", BASES)
def test_the_sound_files_are_read(name):
    assert len(read_structure(BASES[name].encode(), name)) in (2, 3)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"), CASES, ids=[f"{c[0]}-{k}-{c[3][0]}" for k, c in enumerate(CASES)]
)
def test_message_names_what_is_wrong_and_where(name, old, new, words):
    assert old in BASES[name]
    message = refusal(BASES[name].replace(old, new), name)
    for word in words:
        assert word in message, message


def test_there_are_enough_of_them():
    assert len(CASES) >= 100


def numbers_of(text):
    """Places of all numbers in the part of a file where every number counts, with their lines."""
    return [
        (m.start(1), m.end(1), text.count("\n", 0, m.start()) + 1)
        for m in re.finditer(r"(?<=[\s\"\[])(-?\d+(?:\.\d*)?)(?=[\s\",\]])", text)
    ]


SPOILED = [
    pytest.param(name, begin, end, line, spoil, id=f"{name}-{begin}-{spoil}")
    for name in ("a.cif", "POSCAR", "a.xyz", "water.xyz")
    for begin, end, line in numbers_of(BASES[name])
    for spoil in ("nan", "1e999", "0x1F", "1_0")
]


@pytest.mark.parametrize(("name", "begin", "end", "line", "spoil"), SPOILED)
def test_every_number_that_is_none_is_named_by_its_line(name, begin, end, line, spoil):
    text = BASES[name]
    message = refusal(text[:begin] + spoil + text[end:], name)
    assert re.search(rf"line {line}\b", message), message
    assert f"‘{spoil}" in message


@pytest.mark.parametrize("spoil", ["NaN", "Infinity", '"x"', "null", "[]", "{}", "1e999"])
def test_every_number_of_a_json_file(spoil):
    for begin, end, _ in numbers_of(JSON):
        if begin < JSON.index('"ids"'):
            refusal(JSON[:begin] + spoil + JSON[end:], "a.json")


@pytest.mark.parametrize("name", BASES)
def test_a_file_cut_after_any_word_is_refused(name):
    text = BASES[name]
    cuts = [m.end() for m in re.finditer(r"\S+", text)][:-1]
    if name.endswith("cif"):
        cuts = cuts[:-1]  # without the occupancy the last row lacks one value, and with it nothing
    for cut in cuts:
        refusal(text[:cut], name)


@pytest.mark.parametrize("name", ["a.cif", "POSCAR", "a.xyz"])
def test_numbers_too_large_by_any_power_are_refused_or_named(name):
    text = BASES[name]
    for begin, end, _ in numbers_of(text):
        try:
            validate(read_structure((text[:begin] + "-7e250" + text[end:]).encode(), name))
            message = ""
        except StructureError as error:
            message = str(error)
        assert message, "-7e250 was taken"
        assert not PYTHON_SPEAKING.search(message), message


def trajectory(*frames):
    file = BytesIO()
    write(file, list(frames), format="traj")
    return file.getvalue()


def test_trajectories_cut_anywhere_are_refused():
    data = trajectory(bulk("Al"), bulk("Si"))
    end_of_last_frame = data.rindex(b"}") + 1  # an index of frames follows, with room for 42
    for cut in range(1, end_of_last_frame, 13):
        refusal(data[:cut], "a.traj")
    refusal(data[: end_of_last_frame + 8], "a.traj")
    assert len(read_structure(data, "a.traj")) == 2


def test_old_trajectories_that_hold_code_are_not_opened(tmp_path):
    code = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    assert "mark of an ASE trajectory" in refusal(b"PickleTrajectory" + code, "a.traj")
    refusal(code, "a.json")
    assert not (tmp_path / "ran").exists()


def test_json_that_names_objects_builds_none_and_reserves_nothing():
    hostile = {"__ndarray__": [[10**12], "float64", [0]]}
    text = json.dumps({"1": {"numbers": hostile, "positions": [[0, 0, 0]]}, "ids": [1]})
    assert len(read_structure(text.replace("[0]]}", "[6]]}").encode(), "a.json")) == 1
    refusal(text, "a.json")
    refusal('{"1": {"__ase_objtype__": "bandstructure", "path": 1}, "ids": [1]}', "a.json")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b" \n\t\n", ["empty"]),
        (b"\x00\x01\x02\x03", ["line 1", "text"]),
        (b"first\nsecond\x00\n", ["line 2", "text"]),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(64)), ["line 2", "text"]),
        (b"hello, world\n", ["CIF", "POSCAR", "XYZ"]),
        (b"x" * 20_000_001, ["20 MB"]),
        ("\N{GREEK SMALL LETTER ALPHA}".encode("utf-16"), ["known formats"]),
    ],
)
def test_content_that_is_no_structure_at_all(content, words):
    message = refusal(content, None)
    for word in words:
        assert word in message


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.xyz"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(StructureError, match="1000000 MB"):
        read_structure(path)


@pytest.mark.parametrize("source", ["nowhere.cif", "", "."])
def test_a_path_that_is_no_file(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StructureError, match=r"folder|opened"):
        read_structure(source)


@pytest.mark.parametrize(
    "crowd",
    [
        "2000\n\n" + "H 0 0 0\n" * 2000,
        '2000\nLattice="0.6 0 0 0 0.6 0 0 0 0.6"\n' + "H 0 0 0\n" * 2000,
        "1\n" + "lattice={" * 100_000 + "\nH 0 0 0\n",
        "data_x\n" + " " * 200_000,
        "x\n" + "1" * 200_000 + "x\n1\n1\n1\n1\n",
        CIF.replace("'-x, -y, -z'\n", "'-x, -y, -z'\n" * 500),
        "data_x\n_symmetry_space_group_name_H-M '" + " " * 100_000 + "'\n",
    ],
)
def test_hostile_input_takes_no_long_time(crowd):
    refusal(crowd, None)


def test_symmetry_that_multiplies_beyond_the_limit_stops_early():
    sites = "".join(f"O{k} O 0.{k:04d} 0.1{k:03d} 0.31 1.0\n" for k in range(1, 400))
    text = NAMED.replace("'P -1'", "'F m -3 m'").replace("Si1 Si 0.125 0.125 0.125 1.0\n", sites)
    assert "more than 2,000 atoms of the 399 sites" in refusal(text, "a.cif")


def test_markup_in_remarks_does_not_survive():
    remark = "</script><script>alert(1)</script>"
    for name, text in (
        ("a.xyz", XYZ.replace("pbc=", f'title="{remark}" pbc=')),
        ("water.xyz", WATER.replace("water", remark)),
        ("POSCAR", POSCAR.replace("gallium arsenide", remark)),
        (
            "a.cif",
            CIF.replace("data_silicon", f"data_{remark}\n_publ_author_name '{remark}'").replace(
                "Si1 ", f"Si1{remark} "
            ),
        ),
        ("a.json", JSON.replace('"numbers"', f'"key_value_pairs": {{"a": "{remark}"}}, "numbers"')),
    ):
        atoms = read_structure(text.encode(), name)
        assert "script" not in repr((atoms.info, atoms.arrays, atoms.constraints))
        assert atoms.calc is None
        assert set(atoms.arrays) == {"numbers", "positions"}


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        (Atoms(), ["not a single atom"]),
        (Atoms("H" * 3, [[0, 0, 0], [0, 0, 3], [0, 0, 6]]).repeat(1)[[0, 1, 2] * 1000], ["3,000 atoms"]),
        (Atoms([0], [[0, 0, 0]]), ["Atom 1", "atomic number"]),
        (Atoms("H", [[0, float("nan"), 0]]), ["Atom 1 (H)", "y is not a finite"]),
        (Atoms("H", [[0, 0, 0]], cell=[1, 1, float("inf")]), ["Lattice vector c", "finite"]),
        (Atoms("H", cell=[3, 3, 0], pbc=True), ["Lattice vector c", "0.5"]),
        (Atoms("H", cell=[[3, 0, 0], [0, 3, 0], [3, 3, 1e-5]], pbc=True), ["plane"]),
        (Atoms("H", cell=[[3, 0, 0], [3.1, 0.1, 0], [0, 0, 3]], pbc=True), ["repeats every 0.141 Å"]),
        (Atoms("H2", [[0, 0, 0.1], [0, 0, 9.9]], cell=[10, 10, 10], pbc=True), ["1 (H) and 2 (H)", "0.200 Å"]),
    ],
)
def test_atoms_that_cannot_be_computed(atoms, words):
    with pytest.raises(StructureError) as caught:
        validate(atoms)
    for word in words:
        assert word in str(caught.value)


FUZZ = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SOUND = {**{name: text.encode() for name, text in BASES.items()}, "a.traj": trajectory(bulk("Si", cubic=True))}


def read_or_refuse(data, name):
    try:
        validate(read_structure(data, name))
        message = ""
    except StructureError as error:
        message = str(error)
    assert not PYTHON_SPEAKING.search(message), message


@FUZZ
@given(st.data())
@pytest.mark.parametrize("name", SOUND)
def test_mutated_files_are_read_or_refused(name, data):
    content = bytearray(SOUND[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 6))
        new = data.draw(
            st.sampled_from(
                [b"", b"-", b"9", b"\n", b" ", b"'", b'"', b";", b"?", b"e", b"nan", b"loop_", b"_", b"[", b"\xff"]
            )
            | st.binary(max_size=4)
        )
        content[at : at + length] = new
    read_or_refuse(bytes(content), name)


def test_a_byte_order_mark_alone_is_an_empty_file():
    for mark in (b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf"):
        with pytest.raises(StructureError, match="empty"):
            read_structure(mark)


@FUZZ
@given(st.binary(max_size=400) | st.text("0123456789.-+ \n\tdata_loop_HeSi'\"=;{}[]:,", max_size=300).map(str.encode))
@pytest.mark.parametrize("name", [*SOUND, None])
def test_random_bytes_are_read_or_refused(name, content):
    read_or_refuse(content, name)
