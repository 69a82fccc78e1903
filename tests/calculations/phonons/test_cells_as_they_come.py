"""Left-handed cells, nearly symmetric crystals, and what is said about them."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from phonopy import Phonopy

from mlip_core.calculations.phonons import NonAnalytical, PhononSettings, phonons
from mlip_core.calculations.phonons import frame as frame_module
from mlip_core.calculations.phonons.export import phonopy_params
from mlip_core.calculations.phonons.frame import to_phonopy
from mlip_core.calculations.phonons.nac import read_born
from mlip_core.models.model import Model

QUICK = {"mesh": (4, 4, 4), "n_qpoints": 40}


def left_handed(atoms):
    """The same crystal with its first two vectors exchanged."""
    order = [1, 0, 2]
    twin = Atoms(atoms.numbers, cell=atoms.cell.array[order], positions=atoms.positions, pbc=atoms.pbc[order])
    assert np.linalg.det(twin.cell.array) < 0
    return twin


CRYSTALS = {
    "fcc, conventional": (bulk("Cu", cubic=True), (2, 2, 2)),
    "fcc, primitive": (bulk("Cu"), None),
    "hcp": (bulk("Cu", "hcp", a=2.56, c=4.18), None),
    "slab": (fcc111("Cu", (1, 1, 3), vacuum=7.0), None),
}


@pytest.mark.parametrize("name", CRYSTALS)
@pytest.mark.parametrize("displacements", ["reduced", "full"])
def test_left_handed_cells_have_the_frequencies_of_their_twins(name, displacements, emt):
    structure, matrix = CRYSTALS[name]
    settings = PhononSettings(**QUICK, supercell_matrix=matrix, min_length=7.0, displacements=displacements)
    twin = left_handed(structure)
    right, left = phonons(structure, emt, settings), phonons(twin, emt, settings)
    assert left.structure == twin
    assert left.band_structure.labels == right.band_structure.labels
    assert np.allclose(left.band_structure.frequencies, right.band_structure.frequencies, atol=2e-4)
    assert left.thermal.at(300.0) == pytest.approx(right.thermal.at(300.0), rel=1e-4)
    assert left.diagnostics.projection_distance == pytest.approx(right.diagnostics.projection_distance, abs=1e-5)
    # phonopy, which takes a left-handed cell if it is not asked for the primitive one, with our forces
    judge = Phonopy(to_phonopy(left.unitcell), left.supercell_matrix, primitive_matrix=left.primitive_matrix)
    judge.force_constants = left.force_constants
    assert judge.run_qpoints([[0.5, 0, 0]]).frequencies[0] == pytest.approx(
        judge.run_qpoints([[-0.5, 0, 0]]).frequencies[0]
    )


def test_left_handed_cells_take_charges_and_are_written(magnesia, tmp_path):
    conventional, springs = magnesia
    structure = bulk("MgO", "rocksalt", conventional.cell[0, 0])
    nac = NonAnalytical(born_charges=[1.9 * np.eye(3), -1.9 * np.eye(3)], dielectric=3 * np.eye(3))
    settings = PhononSettings(supercell_matrix=(2, 2, 2), mesh=(2, 2, 2), n_qpoints=20, nac=nac)
    twin = left_handed(structure)
    right, left = phonons(structure, springs, settings), phonons(twin, springs, settings)
    assert np.allclose(left.band_structure.frequencies, right.band_structure.frequencies, atol=1e-3)
    (tmp_path / "phonopy_params.yaml").write_text(phonopy_params(left))
    text = "14.4\n3 0 0 0 3 0 0 0 3\n1.9 0 0 0 1.9 0 0 0 1.9\n-1.9 0 0 0 -1.9 0 0 0 -1.9\n"
    assert read_born(text, twin).born_charges == read_born(text, structure).born_charges


@pytest.fixture(scope="module")
def copper(emt):
    """(clean crystal, its highest frequency): 7.806 THz with EMT at 3.61 Å."""
    clean = bulk("Cu", a=3.61, cubic=True)
    settings = PhononSettings(**QUICK, supercell_matrix=(2, 2, 2))
    highest = phonons(clean, emt, settings).band_structure.frequencies.max()
    assert highest == pytest.approx(7.806, abs=1e-3)
    return clean, highest


@pytest.mark.parametrize("noise", [1e-4, 1e-3])
@pytest.mark.parametrize("given", ["loose tolerance", "reference"])
def test_a_nearly_symmetric_crystal_has_the_phonons_of_the_symmetric_one(noise, given, emt, copper):
    clean, highest = copper
    atoms = clean.copy()
    atoms.rattle(noise, seed=2)
    symprec, reference = (1e-2, None) if given == "loose tolerance" else (1e-5, clean)

    def run(**options):
        settings = PhononSettings(**QUICK, supercell_matrix=(2, 2, 2), symprec=symprec, **options)
        return phonons(atoms, emt, settings, reference=reference)

    def off(p):
        return abs(p.band_structure.frequencies.max() - highest)

    by_default, subtracted, neither = run(), run(plus_minus=False, subtract_residual=True), run(plus_minus=False)
    for p in (by_default, subtracted):
        assert off(p) < 0.01
        assert not p.diagnostics.lowest.imaginary
    assert off(neither) > 0.2
    assert any("± pairs" in note for note in neither.notes)
    at_rest = 1000 * neither.diagnostics.residual_force
    assert any(f"{at_rest:.2g} meV/Å" in note for note in neither.notes)
    said = any("not at a minimum" in note for note in by_default.notes)
    assert said == (by_default.diagnostics.residual_force > 0.01) == (noise > 5e-4)


class ShortSighted(Model):
    """Another model that says how far it looks."""

    name = "short-sighted"

    def __init__(self, model, cutoff):
        self.model, self.cutoff = model, cutoff

    def _forward(self, structures):
        return self.model.predict(structures)


@pytest.mark.parametrize(("cutoff", "said"), [(3.7, True), (3.5, False)])
def test_images_within_twice_the_cutoff_are_said(cutoff, said, copper, emt):
    clean, _ = copper
    p = phonons(clean, ShortSighted(emt, cutoff), PhononSettings(**QUICK, supercell_matrix=(2, 2, 2)))
    assert p.image_distance == pytest.approx(7.22)
    assert any("7.2 Å from its nearest image" in note for note in p.notes) == said


def test_a_line_up_finds_its_symmetry_once(copper, emt, monkeypatch):
    clean, _ = copper
    counted = []
    found = frame_module.find_operations
    monkeypatch.setattr(frame_module, "find_operations", lambda *given: counted.append(1) or found(*given))
    frame_module._frame.cache_clear()
    settings = PhononSettings(**QUICK, supercell_matrix=(2, 2, 2))
    for strain in (1.0, 1.01, 1.02):
        relaxed = clean.copy()
        relaxed.set_cell(clean.cell.array * strain, scale_atoms=True)
        phonons(relaxed, emt, settings, reference=clean)
    assert len(counted) == 1
    for size in range(2 * frame_module.KEPT_FRAMES):
        frame_module.frame(clean, np.diag([1, 1, 1 + size]), 1e-5)
    assert frame_module._frame.cache_info().currsize == frame_module.KEPT_FRAMES
