"""``vasprun.xml`` beside ASE's reading of it: whole steps, steps of a force field, and files that break off."""

import io

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read
from ase.units import GPa

from mlip_core.datasets import read_dataset
from mlip_core.errors import DatasetError

HEAD = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling><incar><i type="logical" name="ML_LMLFF"> {flag} </i></incar>
<kpoints><varray name="kpointlist"><v> 0 0 0 </v></varray><varray name="weights"><v> 1 </v></varray></kpoints>
<parameters><i name="PSTRESS"> {pressure} </i></parameters>
<atominfo><array name="atoms"><field type="string">element</field><field type="int">atomtype</field>
<set>{atoms}</set></array></atominfo>
"""


def rows(array):
    return "".join("<v> " + " ".join(f"{x:.10f}" for x in row) + " </v>\n" for row in array)


def structure(atoms, name=""):
    cell, scaled = rows(atoms.cell.array), rows(atoms.get_scaled_positions())
    return (
        f'<structure{name}><crystal><varray name="basis">\n{cell}</varray></crystal>'
        f'<varray name="positions">\n{scaled}</varray></structure>\n'
    )


def frame(seed):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=seed)
    atoms.calc = EMT()
    return atoms


def step(seed, force_field, bulky):
    """One step with EMT's values; the three energies are 0.02 eV apart, as with smearing."""
    atoms = frame(seed)
    energy = atoms.get_potential_energy()
    values = {"e_fr_energy": energy, "e_wo_entrp": energy + 0.04, "e_0_energy": energy + 0.02}
    energies = "".join(f'<i name="{name}"> {value:.10f} </i>' for name, value in values.items())
    kbar = -atoms.get_stress(voigt=False) / GPa * 10
    body = structure(atoms) + f'<varray name="forces">\n{rows(atoms.get_forces())}</varray>\n'
    body += f'<varray name="stress">\n{rows(kbar)}</varray><energy>{energies}</energy>\n{bulky}'
    return body if force_field else f"<calculation><scstep><energy>{energies}</energy></scstep>\n{body}</calculation>\n"


def vasprun(kinds, *, pressure=0.0, bulky="", symbol="Cu"):
    """Text of a file; ``kinds`` has an "a" for each ab-initio step and an "m" for each of the force field."""
    atoms = f"<rc><c>{symbol}</c><c>1</c></rc>" * 4
    text = HEAD.format(flag="T" if "m" in kinds else "F", atoms=atoms, pressure=pressure)
    text += structure(bulk("Cu", cubic=True), ' name="initialpos"')
    return text + "".join(step(k, kind == "m", bulky) for k, kind in enumerate(kinds)) + "</modeling>\n"


def assert_steps(dataset, seeds):
    assert len(dataset) == len(seeds)
    for found, seed in zip(dataset, seeds, strict=True):
        atoms = frame(seed)
        np.testing.assert_allclose(found.forces, atoms.get_forces(), atol=1e-8)
        np.testing.assert_allclose(found.stress, atoms.get_stress(voigt=False), atol=1e-9)
        assert found.energy == pytest.approx(atoms.get_potential_energy() + 0.02, abs=1e-8)


@pytest.mark.parametrize("pressure", [0.0, 50.0])
def test_the_same_as_ase(pressure):
    bulky = '<eigenvalues><array><set><r> 1 2 </r><r> 1 2 </r></set></array></eigenvalues><dos><i name="efermi"> 1 </i></dos>'
    text = vasprun("aaa", pressure=pressure, bulky=bulky)
    theirs = read(io.StringIO(text), ":", format="vasp-xml")
    ours = list(read_dataset(text.encode(), "vasprun.xml"))
    assert len(ours) == len(theirs) == 3
    for found, atoms in zip(ours, theirs, strict=True):
        assert found.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6)  # ASE's own eV in J
        np.testing.assert_allclose(found.forces, atoms.get_forces(), atol=1e-9)
        np.testing.assert_allclose(found.stress, atoms.get_stress(voigt=False), atol=1e-9)
        np.testing.assert_allclose(found.atoms.get_scaled_positions(), atoms.get_scaled_positions(), atol=1e-9)


def test_which_energy_it_is():
    dataset = read_dataset(vasprun("a").encode(), "vasprun.xml")
    assert dataset.keys["energy"] == {"results/energy": 1}
    assert any("e_0_energy" in note and "e_fr_energy" in note for note in dataset.notes())
    energy = frame(0).get_potential_energy()
    for key, value in (("results/free_energy", energy), ("e_wo_entrp", energy + 0.04)):
        assert key in dataset.candidates["energy"]
        (other,) = read_dataset(vasprun("a").encode(), "vasprun.xml", energy_key=key)
        assert other.energy == pytest.approx(value, abs=1e-8)


def test_steps_of_a_force_field_are_counted_and_left_out():
    dataset = read_dataset(vasprun("ammam").encode(), "vasprun.xml")
    assert_steps(dataset, [0, 3])
    assert dataset.n_set_aside == 3
    assert "machine-learned force field (ML_LMLFF)" in dataset.notes()[0]
    with pytest.raises(DatasetError, match=r"None of the 4 frames.*machine-learned force field"):
        read_dataset(vasprun("mmmm").encode(), "vasprun.xml")


def test_a_step_of_a_force_field_within_calculation():
    """Some versions write the step as <calculation>, but without an electronic step in it."""
    text = vasprun("ama").replace(' name="initialpos">', ' name="initialpos" >')
    start = text.index("<structure>", text.index("</calculation>"))
    end = text.index("<calculation>", start)
    text = text[:start] + "<calculation>" + text[start:end] + "</calculation>\n" + text[end:]
    dataset = read_dataset(text.encode(), "vasprun.xml")
    assert_steps(dataset, [0, 2])
    assert dataset.n_set_aside == 1


@pytest.mark.parametrize(
    "cut",
    [
        '<varray name="forces">',
        '<energy><i name="e_fr_energy">',
        "<calculation>",
        "<scstep>",
        '<i name="e_0_energy"> ',
        "<v",
    ],
)
def test_whole_steps_before_a_broken_end_are_kept(cut):
    text = vasprun("aaaa")
    last = text.index("<calculation>", text.rindex("</calculation>", 0, text.rindex("</calculation>")))
    text = text[: text.index(cut, last) + len(cut)]
    dataset = read_dataset(text.encode(), "vasprun.xml")
    assert_steps(dataset, [0, 1, 2])
    (aside,) = dataset.set_aside
    assert aside.where == "vasprun.xml, ionic step 3"
    assert "breaks off within this step" in aside.reason


def test_broken_between_two_steps():
    text = vasprun("aa").removesuffix("</modeling>\n")
    dataset = read_dataset(text.encode(), "vasprun.xml")
    assert_steps(dataset, [0, 1])
    assert dataset.n_set_aside == 0


def test_one_damaged_step_is_set_aside():
    text = vasprun("aaa")
    second = text.index('<varray name="forces">', text.index("<calculation>", text.index("</calculation>")))
    text = text[:second] + text[second:].replace("<v> ", "<v> *** ", 1)
    dataset = read_dataset(text.encode(), "vasprun.xml")
    assert_steps(dataset, [0, 2])
    assert dataset.set_aside[0].where == "vasprun.xml, ionic step 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (vasprun(""), "no ionic step"),
        (vasprun("a", symbol="Qq"), "symbol of an element, such as Si, but found ‘Qq’"),
        ("<modeling>" * 500, "nested too deeply"),
        ("<html></html>", "no ionic step"),
        ("not XML", "no ionic step.*syntax error"),
    ],
)
def test_what_is_no_vasprun(text, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(text.encode(), "vasprun.xml")


def test_entities_that_grow_are_not_expanded():
    entities = '<!ENTITY a "' + "x" * 100 + '">'
    entities += "".join(f'<!ENTITY {b} "{f"&{a};" * 100}">' for a, b in ("ab", "bc", "cd", "de"))
    text = f"<!DOCTYPE modeling [{entities}]><modeling><incar>&e;</incar></modeling>"
    with pytest.raises(DatasetError, match="no ionic step"):
        read_dataset(text.encode(), "vasprun.xml")
