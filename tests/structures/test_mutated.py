"""Thousands of damaged files of every format: a structure, or a StructureError that a person can read."""

import random
import re
import resource
import time
from io import BytesIO, StringIO

import numpy as np
import pytest
from ase.build import bulk
from ase.constraints import FixAtoms, FixCartesian
from ase.io import write
from ase.io.jsonio import encode

from mlip_core.errors import StructureError
from mlip_core.structures import read_structure, validate

SECONDS, BYTES = 5, 1e9  # of processor time, so that a busy machine fails nothing
HOSTILE = [
    b"nan", b"inf", b"-1", b"0", b"1e308", b"-1e-308", b"99999999999999999999", b"2147483648", b"1D3", b"0x1F", b"****",
    b"\x00", b"\xff\xfe", b"\xc3", b"\n", b"\r", b"\n\n", b" ", b"\t", b'"', b"'", b";", b"#", b"=", b"\\", b"[", b"]" * 3,
    b"{", b"}", b"[" * 5000, b'{"a":' * 2000, b"<", b"</v>", b"<v>", b"<!DOCTYPE a>", b"&lt;", b"loop_", b"data_", b"_", b"?",
    b"T", b"F", b"D", b"Wat1", b"Xx", b"NO3-", b"7", b"1 1 1", b"Direct", b"Selective", b"a" * 100_000, b"9 " * 20_000,
]  # fmt: skip
PYTHON_SPEAKING = re.compile(
    r"NoneType|list index|invalid literal|Traceback|has no attribute|KeyError|ValueError|TypeError|<class|dtype|broadcast"
    r"|cannot be understood"
)


def magnesia():
    frames = []
    for k in range(3):
        atoms = bulk("MgO", "rocksalt", a=4.2 + k / 100, cubic=True)
        atoms.rattle(0.05, seed=k)
        atoms.set_constraint([FixAtoms([0, 1]), FixCartesian([2, 3], [True, False, False])])
        frames.append(atoms)
    return frames


def written(form, frames, **options):
    file = BytesIO() if form in ("traj", "cif") else StringIO()
    write(file, frames, format=form, **options)
    return file.getvalue() if isinstance(file.getvalue(), bytes) else file.getvalue().encode()


def poscars():
    still = magnesia()[0]
    still.set_constraint(FixAtoms([0, 1]))
    return [
        written("vasp", still),
        b"x\n-70\n1 0 0\n0 1 0\n0 0 1\nMg_pv O/ab12\nMg\n2 0\n2\nSelective\nDirect\n0 0 0 T T F\n.5 .5 0 F F F\n.5 0 .5\n0 .5 .5\n",
    ]


def cifs():
    quartz = (
        b"data_q\n_chemical_formula_sum 'Si O2'\n_cell_length_a 4.9137(2)\n_cell_length_b 4.9137\n_cell_length_c 5.4047\n"
        b"_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 120\n_symmetry_space_group_name_H-M 'P 31 2 1'\n"
        b"_publ_section_title\n;\n a text\n;\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        b"_atom_site_occupancy\nSi1 0.4697 0 0 1\nO1 0.4135 0.2669 0.1191 1.0\n"
    )
    return [written("cif", magnesia()[0]), quartz]


def extended():
    frames = magnesia()
    for k, atoms in enumerate(frames):
        atoms.info |= {"energy": -1.5 * k, "title": 'a "quoted" = [text]', "matrix": np.eye(3), "tree": {"a": [1, 2]}}
        atoms.arrays["forces"] = atoms.positions * 0.1
    spelled = (
        b'2\nlattice=[[4, 0, 0], [0, 4, 0], [0, 0, 4]] PBC = "1 1 0" Properties=Species:S:1:Pos:R:3:mtt::forces:R:3:m:L:1\n'
        b"Mg2+ 0 0 0 1 2 3 T\nO 2 2 2 1 2 3 F\n"
    )
    return [written("extxyz", frames), spelled]


def plain():
    ipi = b"2\n# CELL(abcABC): 10 10 10 90 90 90 Step: 0 Bead: 0 positions{angstrom} cell{atomic_unit}\nH 0 0 0\nH 0 0 1\n"
    return [b"3\nwater\nO 0 0 .12\nH 0 .76 -.48\nD 0 -.76 -.48\n\n" * 2, ipi]


def xdatcars():
    frames = magnesia()
    changing = b"".join(
        written("vasp", atoms.copy(), direct=True, vasp5=True).replace(b"Selective dynamics\n", b"").replace(b"Direct\n", b"Direct configuration=  1\n")
        for atoms in (bulk("MgO", "rocksalt", a=4.2, cubic=True), bulk("MgO", "rocksalt", a=4.3, cubic=True))
    )  # fmt: skip
    return [written("vasp-xdatcar", frames), changing]


def vaspruns():
    def varray(name, rows):
        return f'<varray name="{name}">' + "".join(f"<v> {' '.join(map(str, row))} </v>" for row in rows) + "</varray>"

    def structure(atoms):
        parts = varray("basis", atoms.cell.array), varray("positions", atoms.get_scaled_positions())
        return f"<structure><crystal>{parts[0]}</crystal>{parts[1]}{varray('selective', [['T', 'F', 'F']] * 8)}</structure>"

    frames = magnesia()
    kinds = "".join(f"<rc><c>{symbol}</c><c>1</c></rc>" for symbol in frames[0].symbols)
    steps = "".join(
        f"<calculation>{structure(atoms)}{varray('forces', atoms.positions)}</calculation>" for atoms in frames
    )
    text = f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling><atominfo><array name="atoms"><set>{kinds}</set></array></atominfo>{steps}</modeling>'
    return [text.encode()]


FORMATS = {
    "a.cif": cifs,
    "POSCAR": poscars,
    "XDATCAR": xdatcars,
    "vasprun.xml": vaspruns,
    "a.xyz": plain,
    "a.extxyz": extended,
    "a.json": lambda: [written("json", magnesia()[:1]), encode(magnesia()[0]).encode()],
    "a.traj": lambda: [written("traj", magnesia())],
}


def mutated(content, rng):
    """Damage a file in one to five places: letters, words, lines, numbers, ends."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at, length = rng.randrange(len(data) + 1), rng.choice([0, 1, 1, 2, 4, 8, 30])
        match rng.randrange(8):
            case 0:
                data[at : at + length] = rng.choice(HOSTILE)
            case 1:
                data[at : at + length] = rng.randbytes(rng.randrange(9))
            case 2:
                del data[at : at + length * rng.choice([1, 10])]
            case 3:
                data[at:at] = data[at : at + rng.choice([5, 50, 500])] * rng.choice([1, 2, 50])
            case 4:
                del data[at:]
            case 5:
                lines = bytes(data).split(b"\n")
                rng.shuffle(lines) if rng.random() < 0.1 else lines.insert(rng.randrange(len(lines)), rng.choice(lines))
                data = bytearray(b"\n".join(lines))
            case 6:
                lines = bytes(data).split(b"\n")
                lines.pop(rng.randrange(len(lines)))
                data = bytearray(b"\n".join(lines))
            case 7:
                numbers = list(re.finditer(rb"-?\d+(\.\d+)?", bytes(data[:200_000])))
                if numbers:
                    found = rng.choice(numbers)
                    data[found.start() : found.end()] = rng.choice(HOSTILE[:14])
    return bytes(data)


def peak():
    """Return the most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def outcome(content, name):
    """Read, and see that a structure is one and that an error speaks to a person; True for a structure."""
    start = time.process_time()
    try:
        validate(read_structure(content, name))
        message = None
    except StructureError as error:
        message = str(error)
    assert time.process_time() - start < SECONDS
    if message is not None:
        assert not PYTHON_SPEAKING.search(message), message
        assert message.endswith((".", "?", ")")), message
        assert len(message) < 1000, message
        assert message.isprintable(), message
        assert not set(message) & set("<>`"), message
    return message is None


def read_all(name, count):
    """Read damaged copies of each sound file; return how many were structures all the same."""
    read_structure(FORMATS[name]()[0], name)  # what is imported on the way is not counted
    before, read = peak(), 0
    for base, content in enumerate(FORMATS[name]()):
        assert outcome(content, name)
        assert outcome(content, None)
        for k in range(count // len(FORMATS[name]())):
            rng = random.Random(f"{name}-{base}-{k}")
            read += outcome(mutated(content, rng), name if k % 4 else None)
    assert peak() - before < BYTES
    return read


@pytest.mark.parametrize("name", FORMATS)
def test_a_hundred_of_each_format(name):
    assert 0 < read_all(name, 100) < 100


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_thousands_of_each_format(name):
    assert 0 < read_all(name, 4000) < 4000
