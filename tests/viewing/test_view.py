"""What a person sees in a notebook or takes along as a page, as text; tests/browser draws it."""

import json
import re
from base64 import b64decode

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from IPython.core.interactiveshell import InteractiveShell

import mlip_core as mlip
from mlip_core.calculations import CALCULATIONS
from mlip_core.errors import RecordError, SettingsError
from mlip_core.viewing import fetch

pytestmark = pytest.mark.skipif(not fetch.LIBRARY.is_file(), reason=f"3Dmol.js is not here: {fetch.COMMAND}")


@pytest.fixture(scope="module")
def model():
    return mlip.from_ase(EMT(), name="EMT")


@pytest.fixture(scope="module")
def relaxed(model):
    start = bulk("Cu", a=3.7, cubic=True)
    start.rattle(0.05, seed=1)
    return mlip.relax(start, model, mlip.RelaxationSettings(fmax=0.05, cell="full"))


@pytest.fixture(scope="module")
def phonons(model):
    return mlip.phonons(bulk("Al", a=3.994), model, mlip.PhononSettings(supercell_matrix=(2, 2, 2)))


def argument(html, function):
    """What the script hands to a function of 3Dmol.js, first call."""
    text = re.search(rf"\.{function}\((.*)\);", html).group(1)
    return json.loads(f"[{text}]")[0]


def frames(html):
    return np.array(argument(html, "setCoordinates"))


def test_the_local_library_is_inside_and_no_other_host_is_named():
    html = mlip.view(bulk("Si")).page()
    library = re.search(r"data:text/javascript;base64,([A-Za-z0-9+/=]+)'", html).group(1)
    assert b64decode(library) == fetch.LIBRARY.read_bytes()
    assert "://" not in html.replace(library, "")
    assert not re.search(r"<(script|link|img)[^>]*\s(src|href)=", html)


def test_a_structure_is_drawn_with_its_cell():
    atoms = bulk("NaCl", "rocksalt", 5.64, cubic=True)
    html = mlip.view(atoms)._repr_html_()
    drawn = argument(html, "addAtoms")
    at = np.array([[atom[x] for x in "xyz"] for atom in drawn])
    assert len(drawn) == 27  # eight atoms in the cell, the others on its faces, edges and corners
    assert {atom["elem"] for atom in drawn} == {"Na", "Cl"}
    centre = int(np.linalg.norm(at - 2.82, axis=1).argmin())
    assert len(drawn[centre]["bonds"]) == 6
    assert html.count("addCylinder(") == 12
    assert "setCoordinates" not in html


def test_a_molecule_has_no_cell():
    html = mlip.view(molecule("H2O"))._repr_html_()
    assert len(argument(html, "addAtoms")) == 3
    assert "addCylinder(" not in html


def test_repeats_follow_the_periodic_directions():
    slab = bulk("Cu", cubic=True)
    slab.pbc = (True, True, False)
    once, twice = (mlip.view(slab, supercell=(n, n, n))._repr_html_() for n in (1, 2))
    heights = [max(atom["z"] for atom in argument(html, "addAtoms")) for html in (once, twice)]
    widths = [max(atom["x"] for atom in argument(html, "addAtoms")) for html in (once, twice)]
    assert heights[0] == heights[1]
    assert widths[1] == pytest.approx(2 * widths[0])


def test_a_relaxation_is_an_animation_with_its_cells(relaxed):
    html = mlip.view(relaxed)._repr_html_()
    found = frames(html)
    assert len(found) == len(relaxed.frames) > 2
    assert np.allclose(found[-1][0], relaxed.structure.positions[0], atol=1e-4)
    assert html.count("addCylinder(") == 12 * len(found)
    assert "animate(" in html


def test_a_phonon_mode_moves_as_it_was_computed(phonons):
    motion = mlip.animate(phonons, (0.5, 0.5, 0.0), 2, amplitude=0.4)
    html = mlip.view(motion)._repr_html_()
    found = frames(html)
    assert found.shape[0] == 24
    assert found.shape[1] > len(motion.structure)  # with copies on the faces
    for copy in np.moveaxis(found - found.mean(axis=0), 1, 0):
        assert np.abs(motion.displacements - copy[:, None]).max(axis=(0, 2)).min() < 2e-4
    assert html.count("addCylinder(") == 12


def test_every_result_on_a_structure_has_something_to_show(relaxed, phonons):
    for calculation in CALCULATIONS.values():
        if calculation.subject == "structure":
            assert calculation.record.__annotations__["structure"] in ("Atoms", type(relaxed.structure))
    assert len(argument(mlip.view(phonons)._repr_html_(), "addAtoms")) > 1


def test_text_from_a_file_stays_outside():
    evil = "</script><script>alert(1)</script>'\"onload=alert(2)//{title}"
    atoms = mlip.read_structure(f"1\n{json.dumps(evil)}\nH 0 0 0\n".encode(), name=f"{evil}.xyz")
    atoms.info |= {"name": evil, evil: evil}
    atoms.set_array("labels", np.array([evil]))
    html = mlip.view(atoms).page()
    assert "alert" not in html
    assert html.count("</script") == 1
    assert "<title>H, 1 atoms</title>" in html


def test_what_cannot_be_drawn_is_refused(relaxed):
    with pytest.raises(SettingsError, match="no atom"):
        mlip.view([])
    with pytest.raises(SettingsError, match="same atoms"):
        mlip.view([bulk("Si"), bulk("Cu")])
    with pytest.raises(RecordError, match="EMT"):
        mlip.view(EMT())


def test_a_missing_library_is_said_with_its_cure(monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "LIBRARY", tmp_path / "3Dmol-min.js")
    with pytest.raises(fetch.FetchError, match=re.escape(fetch.COMMAND)):
        mlip.view(bulk("Si"))


def test_in_a_notebook_structures_and_results_show_themselves(relaxed, monkeypatch):
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # another one may be active where the tests are run by their path
    shell = InteractiveShell()
    assert "text/html" not in shell.display_formatter.format(relaxed)[0]
    shell.run_line_magic("load_ext", "mlip_core")
    for shown in (relaxed, relaxed.structure, mlip.view(relaxed)):
        data, _ = shell.display_formatter.format(shown)
        assert "addAtoms(" in data["text/html"]
        assert data["text/plain"]
    assert "text/html" not in shell.display_formatter.format(relaxed.settings)[0]
