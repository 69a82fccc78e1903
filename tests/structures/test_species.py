"""A name is an element only if it is one once charge, number and case are taken off."""

import pytest

from mlip_core.errors import StructureError
from mlip_core.structures import read_structure

CELL = "_cell_length_a 6\n_cell_length_b 6\n_cell_length_c 6\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
PLACES = ("0 0 0", ".5 .5 .5", ".5 0 .5", "0 .5 .5", ".5 .5 0")


def cif(labels=(), types=(), formula=None):
    """Sites without symmetry, named by labels, by types, or by both."""
    tags = (["_atom_site_label"] if labels else []) + (["_atom_site_type_symbol"] if types else [])
    names = zip(*[column for column in (labels, types) if column], strict=True)
    rows = [" ".join([*name, place]) for name, place in zip(names, PLACES, strict=False)]
    stated = f"_chemical_formula_sum '{formula}'\n" if formula else ""
    loop = "\n".join(["loop_", *tags, *(f"_atom_site_fract_{axis}" for axis in "xyz"), *rows])
    return f"data_x\n{stated}{CELL}{loop}\n".encode()


def xyz(*names):
    rows = "".join(f"{name} 0 0 {2 * k}\n" for k, name in enumerate(names))
    return f"{len(names)}\n\n{rows}".encode()


def poscar(*names):
    rows = "".join(f"{place}\n" for place in PLACES[: len(names)])
    return f"x\n1\n6 0 0\n0 6 0\n0 0 6\n{' '.join(names)}\n{' '.join('1' for _ in names)}\nDirect\n{rows}".encode()


READERS = {
    "type of a CIF": lambda name: read_structure(cif(types=[name]), "a.cif"),
    "XYZ": lambda name: read_structure(xyz(name), "a.xyz"),
    "POSCAR": lambda name: read_structure(poscar(name), "POSCAR"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("Fe", "Fe"), ("fe", "Fe"), ("FE", "Fe"), ("Fe2+", "Fe"), ("Fe+3", "Fe"), ("FE3+", "Fe"), ("O2-", "O"), ("O--", "O"),
        ("O1", "O"), ("Ca2", "Ca"), ("CO", "Co"), ("CO2+", "Co"), ("SI4+", "Si"), ("Po4", "Po"), ("CL-", "Cl"), ("W", "W"), ("Og", "Og"),
        ("No", "No"), ("H+", "H"),
    ],
)  # fmt: skip
def test_charge_number_and_case_are_taken_off(reader, name, symbol):
    atoms = READERS[reader](name)
    assert list(atoms.symbols) == [symbol]
    assert atoms.info == {}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "name",
    ["Wat1", "Wat", "NH4+", "NO3-", "CO3", "PO4", "CS2", "CN-", "PO3-", "SO4", "OH-", "H2O", "Og2", "T1", "Ts1", "Xx", "Vac", "M1", "No3"],
)  # fmt: skip
def test_what_is_left_must_be_one_element(reader, name):
    with pytest.raises(StructureError, match=r"symbol of (an|one) element"):
        READERS[reader](name)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["D", "T", "D1", "D+"])
def test_isotopes_are_hydrogen_with_a_note_in_every_reader(reader, name):
    atoms = READERS[reader](name)
    assert list(atoms.numbers) == [1]
    assert "deuterium" in atoms.info["notes"]


@pytest.mark.parametrize(("label", "isotope"), [("D1", True), ("H1", False)])
def test_isotopes_in_labels(label, isotope):
    atoms = read_structure(cif(labels=[label]), "a.cif")
    assert list(atoms.numbers) == [1]
    assert ("deuterium" in atoms.info.get("notes", "")) == isotope


def test_digits_are_refused_with_what_to_add():
    with pytest.raises(StructureError, match=r"line 3.*‘8’.*LAMMPS.*symbols.*Z:I:1"):
        read_structure(xyz("8", "1"), "a.xyz")
    named = b"2\nProperties=Z:I:1:pos:R:3\n8 0 0 0\n1 0 0 1\n"
    assert list(read_structure(named, "a.xyz").numbers) == [8, 1]
    both = b"2\nProperties=species:S:1:pos:R:3:Z:I:1\n1 0 0 0 8\n2 0 0 1 1\n"
    assert list(read_structure(both, "a.xyz").numbers) == [8, 1]
    with pytest.raises(StructureError, match="LAMMPS"):
        read_structure(b"1\nProperties=species:I:1:pos:R:3\n8 0 0 0\n", "a.xyz")


@pytest.mark.parametrize(
    ("label", "symbol"),
    [("Si1", "Si"), ("O1A", "O"), ("H12B", "H"), ("SiT1", "Si"), ("Fe2+", "Fe"), ("Ow1", "O"), ("OW", "O"), ("Wat1", "O"), ("Hw2", "H"), ("Og2", "O"), ("C1'", "C"), ("MG1", "Mg"), ("OBR1", "O"), ("Cs1", "Cs"), ("Alo1", "Al")],
)  # fmt: skip
def test_labels(label, symbol):
    assert list(read_structure(cif(labels=[label]), "a.cif").symbols) == [symbol]


@pytest.mark.parametrize("label", ["T1", "Ts1", "M1", "Vac1", "CA1", "CO3", "NO3", "FE1", "Al1/Si1", "Na,K", "Q", "1"])
def test_labels_that_do_not_say(label):
    with pytest.raises(StructureError, match=r"type_symbol|more than one element"):
        read_structure(cif(labels=[label]), "a.cif")


@pytest.mark.parametrize(
    ("labels", "formula", "symbols"),
    [
        (["CA1", "F1", "F2"], "Ca F2", ["Ca", "F", "F"]),
        (["CA1", "O1"], "C O", ["C", "O"]),
        (["CO1", "O1"], "Co O", ["Co", "O"]),
        (["FE1", "O1"], "Fe O", ["Fe", "O"]),
        (["Obr1", "Si1", "Obr2"], "Si O2", ["O", "Si", "O"]),
        (["D1", "D2", "O1"], "D2 O", ["H", "H", "O"]),
    ],
)
def test_the_formula_decides_between_readings_of_a_label(labels, formula, symbols):
    assert list(read_structure(cif(labels=labels, formula=formula), "a.cif").symbols) == symbols


@pytest.mark.parametrize(
    ("labels", "formula"), [(["W1", "Ca1"], "Ca O"), (["Wat1", "Ca1"], "Ca F2"), (["CO3", "O1"], "C O2"), (["T1"], "Si O2"), (["Si1"], "S O2"), (["Ho1", "O1"], "H2 O")]
)  # fmt: skip
def test_a_label_that_the_formula_does_not_have_is_refused(labels, formula):
    with pytest.raises(StructureError, match="type_symbol"):
        read_structure(cif(labels=labels, formula=formula), "a.cif")


@pytest.mark.parametrize(
    ("types", "formula", "words"),
    [
        (["Si", "O", "O"], "Si O2", None),
        (["Si", "O", "O"], "O4 Si2", None),
        (["Si", "O", "O"], "?", None),
        (["Si", "O", "O"], "(Si,Al) O2", None),
        (["Fe3+", "O2-"], "Fe O", None),
        (["D", "D", "O"], "D2 O", None),
        (["H", "D", "O"], "H2 O", None),
        (["Si", "O", "O"], "Si O2 H2", "‘Si O2 H2’, but its sites make O2Si: hydrogen atoms are missing"),
        (["Fe", "O"], "Fe0.947 O1", "‘Fe0.947 O1’, but its sites make FeO"),
        (["Fe", "O"], "Fe0.99 O1", None),
        (["Fe", "O"], "Co O", "‘Co O’, but its sites make FeO"),
        (["Si", "O", "O"], "C2 Si O2", "but its sites make O2Si"),
    ],
)
def test_the_formula_is_held_against_the_sites(types, formula, words):
    notes = read_structure(cif(types=types, formula=formula), "a.cif").info.get("notes", "").splitlines()
    said = [note for note in notes if "formula" in note]
    assert len(said) == (words is not None)
    assert all(words in note for note in said)


def test_water_without_its_hydrogen_says_so():
    labels = ["Ca", "F1", "F2", "Wat1", "Wat2"]
    atoms = read_structure(cif(labels=labels, formula="Ca F2 O2"), "a.cif")
    assert list(atoms.symbols) == ["Ca", "F", "F", "O", "O"]
    assert "‘Wat1’ is read as O, ‘Wat2’ is read as O" in atoms.info["notes"]
    assert "hydrogen atoms of the water are not in the list" in atoms.info["notes"]
    assert (
        "hydrogen atoms are missing" in read_structure(cif(labels=labels, formula="Ca F2 O2 H4"), "a.cif").info["notes"]
    )


def test_hydrogen_that_is_only_counted_says_so():
    counted = cif(types=["O", "Si"]).replace(b"_fract_z\n", b"_fract_z\n_atom_site_attached_hydrogens\n")
    for numbers, note in ((b"2 0", True), (b"0 0", False), (b". ?", False)):
        rows = counted.replace(b"0 0 0", b"0 0 0 " + numbers.split()[0]).replace(
            b".5 .5 .5", b".5 .5 .5 " + numbers.split()[1]
        )
        assert ("only counted" in read_structure(rows, "a.cif").info.get("notes", "")) == note


def test_of_several_data_blocks_the_last_is_read_and_said():
    blocks = cif(types=["Si"]) + cif(types=["C"])
    atoms = read_structure(blocks, "a.cif")
    assert list(atoms.symbols) == ["C"]
    assert atoms.info["notes"] == "of the 2 data blocks with atoms the last is read"


def test_notes_carry_no_markup():
    atoms = read_structure(cif(labels=["Ow<b>", "Si1"], formula="Si <script> O"), "a.cif")
    assert not set(atoms.info["notes"]) & set("<>")
