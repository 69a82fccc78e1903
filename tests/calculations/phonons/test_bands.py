import numpy as np
import pytest
import seekpath
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from scipy.spatial.transform import Rotation

import mlip_core as mlip
from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons.modes import modes

THZ = 15.633302
"""√(eV/(Å² u)) in THz."""


def test_equals_a_hand_written_phonopy_script(emt, aluminium, phonopy_by_hand):
    p = phonons(aluminium, emt, PhononSettings(supercell_matrix=(2, 2, 2)))
    hand = phonopy_by_hand(aluminium, EMT(), np.diag([2, 2, 2]))
    raw = hand.run_qpoints(p.band_structure.qpoints).frequencies
    assert np.abs(p.raw_band_structure.frequencies - raw).max() < 1e-4
    hand.symmetrize_force_constants()
    corrected = hand.run_qpoints(p.band_structure.qpoints).frequencies
    assert np.abs(p.band_structure.frequencies - corrected).max() < 1e-4
    assert corrected.max() > 5
    assert p.band_structure.frequencies.shape[1] == 3


def test_equals_a_hand_written_phonopy_script_with_chgnet(phonopy_by_hand):
    silicon = bulk("Si", "diamond", 5.46)
    model = mlip.load_model("chgnet")
    p = phonons(silicon, model, PhononSettings(supercell_matrix=(2, 2, 2), mesh=(4, 4, 4)))
    hand = phonopy_by_hand(silicon, model.calculator(), np.diag([2, 2, 2]))
    frequencies = hand.run_qpoints(p.band_structure.qpoints).frequencies
    compared = np.abs(frequencies) > 0.5
    assert np.abs(p.raw_band_structure.frequencies - frequencies)[compared].max() < 5e-3
    assert 11 < frequencies.max() < 18


def test_fcc_springs_at_x_and_l(fcc):
    """Nearest neighbours: mω² = 8k, 4k, 4k at X and 8k, 2k, 2k at L."""
    structure, springs, k = fcc
    p = phonons(structure, springs, PhononSettings(supercell_matrix=(4, 4, 4), displacement=1e-3, plus_minus=True))
    unit = np.sqrt(k / structure.get_masses()[0]) * THZ
    bands = p.band_structure
    found = dict(zip(bands.labels, bands.frequencies[bands.label_indices] / unit, strict=True))
    assert found["X"] == pytest.approx(np.sqrt([4, 4, 8]), abs=1e-5)
    assert found["L"] == pytest.approx(np.sqrt([2, 2, 8]), abs=1e-5)
    assert found["Γ"] == pytest.approx([0, 0, 0], abs=1e-4)


def rotated(atoms):
    rotation = Rotation.from_rotvec([0.3, -0.8, 0.5]).as_matrix()
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ rotation.T, scale_atoms=True)
    return turned


CRYSTALS = {
    "fcc": bulk("Ar", "fcc", 5.2),
    "fcc-conventional": bulk("Ar", "fcc", 5.2, cubic=True),
    "bcc": bulk("Ar", "bcc", 4.3),
    "hcp": bulk("Ar", "hcp", 3.7, 6.1),
    "triclinic": Atoms("Ar", cell=[[3.6, 0, 0], [0.5, 3.9, 0], [-0.7, 0.9, 3.8]], pbc=True),
}


@pytest.mark.parametrize("name", CRYSTALS)
def test_the_path_holds_seekpaths_points(name, gaussians):
    """Frequencies at our points equal those of seekpath's own primitive cell at its own points."""
    structure = rotated(CRYSTALS[name])
    common = {"displacement": 1e-3, "plus_minus": True, "min_length": 11.1, "mesh": (2, 2, 2)}
    p = phonons(structure, gaussians, PhononSettings(**common, n_qpoints=30))
    standard = seekpath.get_path((structure.cell[:], structure.get_scaled_positions(), structure.numbers))
    cell = Atoms(
        standard["primitive_types"],
        scaled_positions=standard["primitive_positions"],
        cell=standard["primitive_lattice"],
        pbc=True,
    )
    by_hand = phonons(cell, gaussians, PhononSettings(**common, n_qpoints=2))
    reciprocal, own = np.linalg.inv(cell.cell[:]).T, by_hand.primitive.cell[:]
    starts = {start: first for (start, _), (first, _) in zip(standard["path"], p.band_structure.segments, strict=True)}
    assert len(starts) >= 3
    for label, first in starts.items():
        q = np.array(standard["point_coords"][label]) @ reciprocal @ own.T
        expected = modes(by_hand, q).frequencies
        assert p.band_structure.frequencies[first] == pytest.approx(expected, abs=2e-3)
    assert expected.max() > 0.5


def test_path_arrays_fit_together(emt, aluminium):
    bands = phonons(aluminium, emt, PhononSettings(supercell_matrix=(1, 1, 1), n_qpoints=120)).band_structure
    assert abs(len(bands.qpoints) - 120) < 10
    assert bands.labels == ("Γ", "X", "U|K", "Γ", "L", "W", "X")
    assert bands.distances[0] == 0
    assert (np.diff(bands.distances) >= 0).all()
    assert len(bands.frequencies) == len(bands.qpoints) == len(bands.distances)
    assert [start for start, _ in bands.segments[1:]] == [stop for _, stop in bands.segments[:-1]]
    reciprocal = np.linalg.inv(bulk("Al").cell[:]).T
    for start, stop in bands.segments:
        walked = np.linalg.norm(np.diff(bands.qpoints[start:stop] @ reciprocal, axis=0), axis=1).sum()
        assert bands.distances[stop - 1] - bands.distances[start] == pytest.approx(walked, rel=1e-6)
    # Γ–X of fcc is 1/a long
    assert bands.distances[bands.label_indices[1]] == pytest.approx(1 / 4.05, rel=1e-6)
