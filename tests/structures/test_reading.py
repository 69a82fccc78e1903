"""Files are read as ASE reads them, where ASE reads them right; and what is written reads back."""

import json
import re
from io import BytesIO, StringIO

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, graphene, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms, FixBondLength, FixCartesian, FixScaled
from ase.io.jsonio import encode
from ase.spacegroup import Spacegroup, crystal

import mlip_core
from mlip_core.errors import SettingsError, StructureError
from mlip_core.structures import fingerprint, library, library_structure, read_structure, symmetry, write_structure
from mlip_core.structures.operations import from_name, from_text

STRUCTURES = {entry.id: library_structure(entry.id) for entry in library()} | {
    "triclinic": Atoms(
        "SiOHO",
        scaled_positions=[[0.1, 0.2, 0.3], [0.5, -0.2, 1.4], [0.9, 0.9, 0.8], [0.31, 0.77, 0.13]],
        cell=[[6.1, 0.3, -0.4], [1.2, 7.3, 0.8], [-2.0, 1.5, 8.2]],
        pbc=True,
    )
}


def distances(atoms):
    """Between all atoms and all images around them: what turning the frame leaves alone."""
    if not atoms.cell.any():
        return atoms.get_all_distances()
    shifts = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3), axis=-1).reshape(-1, 3) @ atoms.cell.array
    steps = atoms.positions[:, None, None] - atoms.positions[None, :, None] - shifts
    return np.sort(np.linalg.norm(steps, axis=-1), axis=-1)


def assert_same_structure(read, expected):
    assert list(read.numbers) == list(expected.numbers)
    np.testing.assert_allclose(read.cell.cellpar(), expected.cell.cellpar(), atol=1e-7)
    np.testing.assert_allclose(distances(read), distances(expected), atol=1e-7)


@pytest.mark.parametrize("form", ["cif", "vasp", "extxyz"])
@pytest.mark.parametrize("name", STRUCTURES)
def test_what_is_written_reads_back_by_name_and_by_content(name, form):
    atoms = STRUCTURES[name]
    if form == "vasp" and not atoms.cell.any():
        with pytest.raises(StructureError, match="three lattice vectors"):
            write_structure(atoms, form)
        return
    text = write_structure(atoms, form)
    ending = {"cif": "a.cif", "vasp": "POSCAR", "extxyz": "a.xyz"}[form]
    for read in (read_structure(text.encode(), ending), read_structure(text.encode())):
        assert_same_structure(read, atoms)
        if form == "extxyz":
            assert fingerprint(read) == fingerprint(atoms)
            np.testing.assert_array_equal(read.positions, atoms.positions)


@pytest.mark.parametrize("form", ["json", "traj", "extxyz", "vasp", "cif"])
@pytest.mark.parametrize("name", ["zno", "triclinic", "al-111"])
def test_files_of_ase_read_as_ase_reads_them(name, form, tmp_path):
    path = tmp_path / f"structure.{form}"
    ase.io.write(path, STRUCTURES[name], format=form)
    expected = ase.io.read(path, format=form)
    for read in (read_structure(path), read_structure(str(path)), read_structure(path.read_bytes(), path.name)):
        assert_same_structure(read, expected)
        np.testing.assert_allclose(read.positions, expected.positions, atol=1e-9)
        np.testing.assert_array_equal(read.pbc, expected.pbc)


@pytest.mark.parametrize("form", ["json", "traj", "extxyz"])
def test_of_several_frames_the_last_is_taken_and_only_the_structure_of_it(form, tmp_path):
    path = tmp_path / f"run.{form}"
    frames = []
    for k in range(3):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.01, seed=k)
        atoms.calc = EMT()
        atoms.get_forces()
        atoms.set_initial_magnetic_moments([1.0] * 4)
        atoms.info.update(step=k, title="<b>")
        atoms.set_constraint(FixAtoms([0]))
        frames.append(atoms)
    ase.io.write(path, frames[:1] if form == "json" else frames)
    if form == "json":
        for atoms in frames[1:]:
            ase.io.write(path, atoms, append=True)
    read = read_structure(path)
    np.testing.assert_allclose(read.positions, frames[-1].positions, atol=1e-7)
    assert read.info == {"notes": "1 of 4 atoms are fixed"}
    assert [(type(c), c.index.tolist()) for c in read.constraints] == [(FixAtoms, [0])]
    assert read.calc is None
    assert set(read.arrays) == {"numbers", "positions"}


@pytest.mark.parametrize("form", ["json", "traj", "jsonio"])
def test_constraints_and_masses_of_ases_own_files(form, tmp_path):
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.set_constraint(
        [
            FixAtoms([0, -1]),
            FixCartesian([1, 2], [True, False, False]),
            FixScaled(3, [True, True, False]),
            FixBondLength(4, 5),
        ]
    )
    atoms.set_masses([2.014, *[None] * 7])
    path = tmp_path / f"a.{form.removesuffix('io')}"
    if form == "jsonio":
        path.write_text(encode(atoms))
    else:
        ase.io.write(path, atoms)
    read = read_structure(path)
    masks = {
        (type(c).__name__, tuple(c.index.tolist()), tuple(map(bool, getattr(c, "mask", ())))) for c in read.constraints
    }
    assert masks == {
        ("FixAtoms", (0, 7), ()),
        ("FixCartesian", (1, 2), (True, False, False)),
        ("FixScaled", (3,), (True, True, False)),
    }
    assert read.info["notes"].splitlines() == [
        "2 of 8 atoms are fixed and 3 may move along some directions only",
        "constraints of the kind ‘FixBondLengths’ are left out: these atoms may move",
        "the masses that the file gives for Cu are left out: natural masses are used",
    ]
    np.testing.assert_allclose(read.get_masses(), bulk("Cu").get_masses()[0])


@pytest.mark.parametrize(
    "constraints",
    [
        7, "text", "[", [[]], [None], [{}], [{"name": "FixAtoms"}], [{"name": "FixAtoms", "kwargs": {"indices": [99]}}], [{"name": "FixAtoms", "kwargs": {"indices": "a"}}],
        [{"name": "FixAtoms", "kwargs": {"indices": [0.5]}}], [{"name": "FixAtoms", "kwargs": {"indices": 10**400}}], [{"name": "FixCartesian", "kwargs": {"a": 0, "mask": [True]}}],
        [{"name": "Hookean<b>", "kwargs": {}}], [{"name": "FixAtoms", "kwargs": {"indices": [[0, 1], [0, 1]]}}],
    ],

)  # fmt: skip
def test_constraints_that_are_none_are_noted(constraints):
    row = {"numbers": [29, 29], "positions": [[0, 0, 0], [0, 0, 2]], "constraints": constraints}
    atoms = read_structure(json.dumps(row).encode(), "a.json")
    assert atoms.constraints == []
    assert re.fullmatch("constraints of the kind ‘[A-Za-z·]+’ are left out: these atoms may move", atoms.info["notes"])


def test_a_trajectory_whose_frames_differ_in_size(tmp_path):
    path = tmp_path / "a.traj"
    ase.io.write(path, [bulk("Si"), molecule("H2O"), bulk("Al", cubic=True)])
    assert_same_structure(read_structure(path), bulk("Al", cubic=True))


def test_a_trajectory_of_many_frames(tmp_path):
    path = tmp_path / "a.traj"
    frames = [bulk("Al", a=4 + k / 1000) for k in range(60)]
    ase.io.write(path, frames)
    np.testing.assert_allclose(read_structure(path).cell.array, frames[-1].cell.array)


def test_one_structure_as_ase_encodes_it():
    atoms = bulk("Si", cubic=True)
    assert fingerprint(read_structure(encode(atoms).encode())) == fingerprint(atoms)


@pytest.mark.parametrize("lines", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_line_ends_and_encodings(lines, encoding):
    text = write_structure(bulk("MgO", "rocksalt", a=4.2), "vasp").replace("Mg O", "Mg O ü", 1).replace("\n", lines)
    assert_same_structure(read_structure(text.encode(encoding), "CONTCAR.relaxed"), bulk("MgO", "rocksalt", a=4.2))


POSCARS = {
    "one scale": "x\n2.0\n2 0 0\n0 2 0\n0 0 2\nNa Cl\n1 1\nCartesian\n0 0 0\n1 1 1\n",
    "volume": "x\n-64.0\n2 0 0\n0 2 0\n0 0 2\nNa Cl\n1 1\nDirect\n0 0 0\n.5 .5 .5\n",
    "three scales": "x\n2.0 3.0 4.0\n2 0 0\n0 2 0\n0 0 2\nNa Cl\n1 1\nCartesian\n0 0 0\n1 1 1\n",
    "selective": "x\n1.0\n4 0 0\n0 4 0\n0 0 4\nNa Cl\n1 1\nSelective dynamics\nDirect\n0 0 0 T T F\n.5 .5 .5 F F F\n",
    "vasp 4": "Na Cl\n1.0\n4 0 0\n0 4 0\n0 0 4\n1 1\nDirect\n0 0 0\n.5 .5 .5\n",
    "potentials": "x\n1.0\n4 0 0\n0 4 0\n0 0 4\nNa_pv/6a2f Cl_h\n1 1 ! counts\ndirect\n0 0 0\n.5 .5 .5\n",
    "velocities": "x\n1.0\n4 0 0\n0 4 0\n0 0 4\nNa Cl\n1 1\nDirect\n0 0 0 Na\n.5 .5 .5 Cl\n\n0 0 0\n1 1 1\n",
}


@pytest.mark.parametrize("name", POSCARS)
def test_every_kind_of_poscar_as_ase_reads_it(name):
    read, expected = read_structure(POSCARS[name].encode()), ase.io.read(StringIO(POSCARS[name]), format="vasp")
    assert list(read.numbers) == [11, 17]
    np.testing.assert_allclose(read.positions, expected.positions, atol=1e-12)
    np.testing.assert_allclose(read.cell.array, expected.cell.array, atol=1e-12)
    assert ("selective dynamics" in read.info.get("notes", "")) == (name == "selective")


def test_fortran_exponents():
    text = POSCARS["vasp 4"].replace("4 0 0", "0.4D+01 0 0")
    assert read_structure(text.encode()).cell[0, 0] == 4.0


def test_xyz_columns_are_found_by_name():
    text = "2\nProperties=forces:R:3:Z:I:1:tag:S:1:pos:R:3 Lattice={4 0 0 0 4 0 0 0 9} pbc=[T, T, F]\n9 9 9 6 a 0 0 0\n9 9 9 8 b 0 0 1.1\n"
    atoms = read_structure(text.encode())
    assert list(atoms.symbols) == ["C", "O"]
    assert atoms.positions[1].tolist() == [0, 0, 1.1]
    assert atoms.pbc.tolist() == [True, True, False]
    assert atoms.cell[2, 2] == 9


def test_deuterium_is_hydrogen_and_says_so():
    atoms = read_structure(b"3\n\nO 0 0 0\nD 0 0 1\nD 0 1 0\n")
    assert list(atoms.symbols) == ["O", "H", "H"]
    assert "deuterium" in atoms.info["notes"]


CIF = """\
data_first
_cell_length_a 1
data_second # what follows is read
_cell_length_a {a}
_cell_length_b {b}
_cell_length_c {c}
_cell_angle_alpha {alpha}
_cell_angle_beta {beta}
_cell_angle_gamma {gamma}
_publ_section_title
;
 loop_ in a text is no loop, and 'this is no quote
;
{group}
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
{sites}
"""


def cif(group, cellpar, sites):
    values = dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), cellpar, strict=True))
    rows = "\n".join(f"{symbol}{k} {' '.join(map(str, place))}" for k, (symbol, place) in enumerate(sites, 1))
    return CIF.format(group=group, sites=rows, **values).encode()


def operations_of(group):
    lines = "\n".join(
        f"'{','.join(component(row, shift) for row, shift in zip(w, t, strict=True))}'" for w, t in group.get_symop()
    )
    return f"loop_\n_symmetry_equiv_pos_as_xyz\n{lines}"


def component(row, shift):
    return f"{shift % 1:.4f}" + "".join(
        f"{'-' if n < 0 else '+'}{axis}" for n, axis in zip(row, "xyz", strict=True) if n
    )


RUTILE = ([4.594, 4.594, 2.958, 90, 90, 90], [("Ti", (0, 0, 0)), ("O", (0.305, 0.305, 0))])
QUARTZ = ([4.9137, 4.9137, 5.4047, 90, 90, 120], [("Si", (0.4697, 0, 0)), ("O", (0.4135, 0.2669, 0.1191))])
SPINEL = (
    [8.08, 8.08, 8.08, 90, 90, 90],
    [("Mg", (0.125, 0.125, 0.125)), ("Al", (0.5, 0.5, 0.5)), ("O", (0.263, 0.263, 0.263))],
)
CORUNDUM = ([4.76, 4.76, 12.99, 90, 90, 120], [("Al", (0, 0, 0.3522)), ("O", (0.3062, 0, 0.25))])


@pytest.mark.parametrize(
    ("number", "setting", "name", "content"),
    [
        (136, 1, "P 42/m n m", RUTILE),
        (152, 1, "P 31 2 1", QUARTZ),
        (227, 2, "F d -3 m :2", SPINEL),
        (167, 1, "R -3 c :H", CORUNDUM),
    ],
)
def test_cells_are_filled_as_by_ase_from_operations_and_from_the_name(number, setting, name, content):
    cellpar, sites = content
    expected = crystal(
        [s for s, _ in sites], [p for _, p in sites], spacegroup=number, setting=setting, cellpar=cellpar
    )
    listed = read_structure(cif(operations_of(Spacegroup(number, setting)), cellpar, sites))
    named = read_structure(cif(f"_symmetry_space_group_name_H-M '{name}'", cellpar, sites))
    for read in (listed, named):
        assert read.get_chemical_formula() == expected.get_chemical_formula()
        assert symmetry(read).number == number
        for symbol in set(expected.symbols):
            ours, theirs = (np.sort(distances(a[a.symbols == symbol]).ravel()) for a in (read, expected))
            np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize("number", range(1, 231))
def test_operations_of_every_space_group_are_those_of_ases_own_tables(number):
    metric = np.eye(3) * 16.0
    if 143 <= number <= 194:
        metric[0, 1] = metric[1, 0] = -8.0
    two_origins = group_has_two_origins(number)
    for setting in (1, 2) if two_origins else (1,):
        group = Spacegroup(number, setting)
        ours = from_name(f"{group.symbol}:{setting}" if two_origins else group.symbol, number, None, metric, "line 1")
        lines = [",".join(component(row, shift) for row, shift in zip(w, t, strict=True)) for w, t in group.get_symop()]
        assert codes(ours) == codes(from_text([(line, "line 1") for line in lines]))


def group_has_two_origins(number):
    """International Tables, volume A: groups with origin choices 1 and 2."""
    return number in {48, 50, 59, 68, 70, 85, 86, 88, 125, 126, 129, 130, 133, 134, 137, 138, 141, 142, 201, 203, 222, 224, 227, 228}  # fmt: skip


def codes(operations):
    return {
        (*w.ravel().tolist(), *(np.rint(t * 24).astype(int) % 24).tolist()) for w, t in zip(*operations, strict=True)
    }


@pytest.mark.parametrize(
    ("group", "cellpar", "number", "n_atoms"),
    [
        ("_symmetry_space_group_name_H-M 'P b n m'", [5.2, 5.4, 7.6, 90, 90, 90], 62, 8),
        ("_symmetry_space_group_name_H-M 'P 21/n'", [5.2, 5.4, 7.6, 90, 99, 90], 14, 4),
        ("_symmetry_space_group_name_H-M 'P 21/b'", [5.2, 5.4, 7.6, 90, 90, 99], 14, 4),
        ("_symmetry_Int_Tables_number 166", [5.2, 5.2, 5.2, 60, 60, 60], 166, 12),
        ("_symmetry_Int_Tables_number 166", [5.2, 5.2, 12.0, 90, 90, 120], 166, 36),
        ("_space_group_name_Hall '-P 2ybc'", [5.2, 5.4, 7.6, 90, 99, 90], 14, 4),
        ("_space_group_name_H-M_alt 'F m 3 m'", [9.2, 9.2, 9.2, 90, 90, 90], 225, 192),
        ("_symmetry_space_group_name_H-M 'C m c a'", [9.2, 8.2, 7.1, 90, 90, 90], 64, 16),
        ("_symmetry_space_group_name_H-M 'P 3 1 2'", [7.2, 7.2, 6.1, 90, 90, 120], 149, 6),
        ("_symmetry_space_group_name_H-M 'P 4 2 2'", [7.2, 7.2, 6.1, 90, 90, 90], 89, 8),
    ],
)
def test_settings_that_names_and_cells_decide(group, cellpar, number, n_atoms):
    place = {166: (0.96, 0.72, 0.54), 225: (0.07, 0.12, 0.19)}.get(number, (0.11, 0.31, 0.38))
    atoms = read_structure(cif(group, cellpar, [("Si", place)]))
    found = symmetry(atoms)
    assert len(atoms) == n_atoms
    assert found.number == number


def test_a_site_near_a_special_position_is_put_there():
    atoms = read_structure(
        cif("_symmetry_Int_Tables_number 194", [3.21, 3.21, 5.21, 90, 90, 120], [("Mg", (0.333, 0.667, 0.25))])
    )
    assert len(atoms) == 2
    assert symmetry(atoms, 1e-5).number == 194


def test_the_positions_of_a_p1_file_stay_as_they_are():
    atoms = read_structure(cif("_symmetry_Int_Tables_number 1", [5, 6, 7, 90, 90, 90], [("Si", (-0.1, 1.3, 0.5))]))
    np.testing.assert_allclose(atoms.get_scaled_positions(wrap=False), [[-0.1, 1.3, 0.5]], atol=1e-12)


def test_values_of_every_writing():
    content = cif(
        "_symmetry_Int_Tables_number 1",
        ["5.43(2)", "543.0e-2", "+5.43", "90.", "90(1)", "90"],
        [("Fe", (".0", "0.0(3)", "-0"))],
    )
    assert read_structure(content).cell.cellpar()[:3] == pytest.approx([5.43] * 3)
    dotted = b'data_x\n_cell.length_a 5\n_cell.length_b 5\n_cell.length_c 5\n_cell.angle_alpha 90\n_cell.angle_beta 90\n_cell.angle_gamma 90\nloop_\n_atom_site.type_symbol\n_atom_site.fract_x\n_atom_site.fract_y\n_atom_site.fract_z\nFe3+ 0 0 0\n"O2-" .5 .5 .5\n'
    assert list(read_structure(dotted).symbols) == ["Fe", "O"]


def test_pasted_text_is_recognised_by_its_content(tmp_path):
    for form, content in (("cif", "cif"), ("vasp", "vasp"), ("extxyz", "extxyz")):
        text = write_structure(bulk("Si"), form)
        for name in (None, "upload.txt", "upload"):
            assert_same_structure(
                read_structure(f"\n{text}".encode() if content == "cif" else text.encode(), name), bulk("Si")
            )
    file = BytesIO()
    ase.io.write(file, graphene(vacuum=5), format="traj")
    assert_same_structure(read_structure(file.getvalue()), graphene(vacuum=5))


def test_the_limit_can_be_set():
    text = write_structure(bulk("Si", cubic=True), "extxyz").encode()
    assert len(read_structure(text, max_atoms=8)) == 8
    with pytest.raises(StructureError, match="at most 7"):
        read_structure(text, max_atoms=7)


def test_writing_refuses_unknown_formats_and_carries_nothing_along():
    atoms = bulk("Ar")
    atoms.calc = LennardJones()
    atoms.info["title"] = "</script>"
    with pytest.raises(SettingsError, match="cif, vasp, extxyz"):
        write_structure(atoms, "pdb")
    assert not any("script" in write_structure(atoms, form) for form in ("cif", "vasp", "extxyz"))
    with pytest.raises(StructureError, match="lattice vectors"):
        write_structure(Atoms("H", cell=[[5, 0, 0], [0, 0, 0], [0, 0, 0]], pbc=[True, False, False]), "cif")


def test_the_names_at_the_top():
    assert mlip_core.read_structure is read_structure
    assert mlip_core.StructureError is StructureError
