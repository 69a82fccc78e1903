"""The shipped PBE data: complete, physical, and the phonons they are known to give."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from mlip_core.assets import asset
from mlip_core.calculations.phonons.modes import modes
from mlip_core.errors import SettingsError
from mlip_core.reference.pbe import (
    reference_card,
    reference_convergence,
    reference_dataset,
    reference_materials,
    reference_net_forces,
    reference_phonons,
    reference_size_effect,
    reference_structure,
)

# Conventional points in the reciprocal basis of the fcc primitive cell
GAMMA, X = (0.0, 0.0, 0.0), (0.5, 0.0, 0.5)

# THz, computed once with phonopy alone from the same forces
KNOWN = {
    "Si": {GAMMA: (0, 0, 0, 15.12, 15.12, 15.12), X: (4.37, 4.37, 12.01, 12.01, 13.37, 13.37)},
    "Al": {GAMMA: (0, 0, 0), X: (5.88, 5.88, 9.86)},
    "MgO": {GAMMA: (0, 0, 0, 10.87, 10.87, 10.87), X: (8.36, 8.36, 11.96, 12.55, 12.55, 15.76)},
}
TOP = {"C": 38.32, "SiC": 23.28, "NaCl": 4.45, "LiF": 8.01, "MgO": 10.87}
SMALL = {"mesh": 5.0, "n_qpoints": 20}


@pytest.mark.parametrize("name", KNOWN)
def test_phonons_at_exact_points(name):
    result = reference_phonons(name, **SMALL)
    for q, known in KNOWN[name].items():
        frequencies = modes(result, in_primitive(result, q)).frequencies
        np.testing.assert_allclose(np.sort(frequencies), known, atol=0.02)
    assert "exact at Γ, X and L" in result.notes[0]


def in_primitive(result, q):
    """The same q in the basis of the record's primitive cell, which may be another choice of vectors."""
    structure_basis = np.linalg.inv(result.structure.cell.array).T
    return tuple(np.asarray(q) @ structure_basis @ result.primitive.cell.array.T)


@pytest.mark.parametrize("name", TOP)
def test_optical_mode_at_gamma(name):
    frequencies = modes(reference_phonons(name, **SMALL), GAMMA).frequencies
    assert frequencies[-1] == pytest.approx(TOP[name], abs=0.02)
    assert frequencies[3] == pytest.approx(frequencies[5], abs=0.02)


def test_the_force_of_a_sublattice_gives_the_same_mode_as_the_supercell():
    """The TO mode at Γ of the primitive cell alone (cutoff.json, at a fixed length), moved to the length of the phonons.

    A Grüneisen parameter of 2.5 ± 1 is ample for both.
    """
    rows = json.loads(asset("reference", "cutoff.json").read_text())
    for name, fixed, cutoff in (("MgO", 4.26, 600), ("LiF", 4.07, 800)):
        row = next(r for r in rows if r["name"] == name and r["cutoff"] == cutoff and len(r["setups"]) == 2)
        a = json.loads(asset("reference", "equilibrium.json").read_text())[name]["a"]
        frequency = modes(reference_phonons(name, **SMALL), GAMMA).frequencies[-1]
        moved = row["to_thz"] * (fixed / a) ** (3 * 2.5)
        assert frequency == pytest.approx(moved, abs=0.05)


def test_copper_at_x():
    result = reference_phonons("Cu", **SMALL)
    np.testing.assert_allclose(
        np.sort(modes(result, in_primitive(result, X)).frequencies), [4.97, 4.97, 7.06], atol=0.02
    )


def test_what_is_fixed_stays_fixed():
    with pytest.raises(SettingsError, match="displacement of the reference data cannot be changed"):
        reference_phonons("Si", displacement=0.01)
    with pytest.raises(SettingsError, match="no reference data for 'Fe'"):
        reference_structure("Fe")
    assert set(reference_materials()) == {"Si", "Al", "MgO", "NaCl", "C", "SiC", "LiF", "Cu"}


def test_rattled_cells_are_sane():
    dataset = reference_dataset()
    card = reference_card()
    assert len(dataset) == card["rattled"]["frames"]
    assert dataset.level_of_theory.startswith("PBE")
    assert dataset.n_energies == len(dataset)
    assert dataset.n_stresses == 0, "the stresses hold the basis' own and are not a reference"
    assert dataset.tags["name"] == 8
    for frame in dataset:
        assert np.abs(frame.forces).max() < 40


def test_the_card_tells_what_net_forces_the_plane_waves_leave():
    told, found = reference_card()["net_force"], reference_net_forces()
    assert told == pytest.approx(found, abs=5e-5)
    assert max(found.values()) < 0.003, "largest in diamond"


def test_the_card_tells_what_the_size_of_the_supercell_changes():
    told, found = reference_card()["phonons"]["size"], reference_size_effect("Si")
    for name, value in asdict(found).items():
        assert told[name] == pytest.approx(value, abs=0.006)
    assert found.both < 0.06, "exact in both: only k-points and symmetry are left to differ"
    assert found.both < found.path_mean < found.path_max


def test_lattice_constants_are_those_of_pbe():
    """PBE lattice constants of the literature, rounded to 0.01 Å, within 1 %."""
    published = {"Si": 5.47, "C": 3.57, "SiC": 4.38, "Al": 4.04, "Cu": 3.63, "MgO": 4.26, "NaCl": 5.70, "LiF": 4.07}
    ours = json.loads(asset("reference", "equilibrium.json").read_text())
    for name, a in published.items():
        assert ours[name]["a"] == pytest.approx(a, rel=0.01)


def test_lattice_constants_and_bulk_moduli_are_those_of_all_electron_pbe():
    """All-electron PBE: MgO 4.259 Å, LiF 4.068 Å, Al 4.04 Å; 149, 67 and 78 GPa."""
    ours = json.loads(asset("reference", "equilibrium.json").read_text())
    for name, a, modulus in (("MgO", 4.259, 149), ("LiF", 4.068, 67), ("Al", 4.04, 78)):
        assert ours[name]["a"] == pytest.approx(a, rel=0.0015)
        assert ours[name]["bulk_modulus_GPa"] == pytest.approx(modulus, rel=0.03)


def test_the_lattice_constants_of_the_oxide_and_the_fluoride_do_not_depend_on_the_cutoff():
    rows = json.loads(asset("reference", "cutoff.json").read_text())
    for name in ("MgO", "LiF"):
        fine = [row for row in rows if row["name"] == name and len(row["setups"]) == 2 and row["cutoff"] >= 800]
        assert len(fine) == 2
        assert np.ptp([row["a"] for row in fine]) < 0.001
        assert np.ptp([row["to_thz"] for row in fine]) < 0.05


def test_the_card_tells_what_finer_settings_change():
    told = reference_card()["convergence"]["changes"]
    found = reference_convergence()
    assert len(told) == len(found)
    for row, one in zip(told, found, strict=True):
        assert (row["kind"], row["name"], row["setting"]) == (one.kind, one.name, one.setting)
        assert row["max"] == pytest.approx(1e3 * one.force_max, abs=0.006)
        assert row["rms"] == pytest.approx(1e3 * one.force_rms, abs=0.006)
        assert one.force_max > 0, "something was computed"
