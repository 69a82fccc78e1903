"""From structure to record: what is frozen, what is refused, what is kept."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule

from mlip_core import records
from mlip_core.calculations.phonons import NonAnalytical, PhononSettings, compare_phonons, phonons
from mlip_core.calculations.phonons.cells import supercell_matrix, symmetric_average
from mlip_core.calculations.phonons.comparison import dos_distance
from mlip_core.calculations.phonons.dos import TotalDos
from mlip_core.calculations.phonons.nac import MISSING, read_born
from mlip_core.errors import Cancelled, SettingsError, StructureError

QUICK = {"mesh": (2, 2, 2), "n_qpoints": 30}
SMALL = QUICK | {"supercell_matrix": (1, 1, 1)}


@pytest.fixture(scope="module")
def drifted(aluminium):
    atoms = aluminium.copy()
    atoms.set_cell(atoms.cell.array * 1.01 + 2e-4 * np.random.default_rng(0).normal(size=(3, 3)), scale_atoms=True)
    atoms.rattle(2e-4, seed=5)
    atoms.positions += [0.3, 0.1, -0.2]
    return atoms


def test_drift_to_p1_changes_neither_branches_nor_displacements(emt, aluminium, drifted):
    settings = PhononSettings(**QUICK, supercell_matrix=(2, 2, 2), plus_minus=True)
    reference = phonons(aluminium, emt, settings)
    alone = phonons(drifted, emt, PhononSettings(**SMALL))
    assert alone.band_structure.frequencies.shape[1] == 12
    p = phonons(drifted, emt, settings, reference=aluminium)
    assert p.band_structure.frequencies.shape == reference.band_structure.frequencies.shape
    assert np.array_equal(p.band_structure.qpoints, reference.band_structure.qpoints)
    assert np.array_equal(p.band_structure.distances, reference.band_structure.distances)
    assert np.array_equal(p.displacement_set.atoms, reference.displacement_set.atoms)
    assert np.allclose(p.displacement_set.vectors, reference.displacement_set.vectors, atol=1e-5)
    assert np.allclose(p.primitive_matrix, reference.primitive_matrix)
    ideal = aluminium.copy()
    ideal.set_cell(aluminium.cell.array * 1.01, scale_atoms=True)
    expected = phonons(ideal, emt, settings).band_structure.frequencies
    assert p.band_structure.frequencies == pytest.approx(expected, abs=0.02)
    assert compare_phonons(p, reference).band_mae > 0.05
    assert 1e-4 < p.diagnostics.symmetry_deviation < 2e-3


def test_gained_symmetry_does_not_take_branches_away(gaussians):
    """The relaxed pair is evenly spaced, so that half the cell would do; the reference was not."""
    reference = Atoms("Ar2", cell=[3.7, 3.7, 7.4], scaled_positions=[[0, 0, 0], [0, 0, 0.53]], pbc=True)
    relaxed = Atoms("Ar2", cell=[3.7, 3.7, 7.4], scaled_positions=[[0, 0, 0], [0, 0, 0.5]], pbc=True)
    settings = PhononSettings(**QUICK, supercell_matrix=(2, 2, 1))
    assert phonons(relaxed, gaussians, settings).band_structure.frequencies.shape[1] == 3
    p = phonons(relaxed, gaussians, settings, reference=reference)
    before = phonons(reference, gaussians, settings)
    assert p.band_structure.frequencies.shape == before.band_structure.frequencies.shape
    assert p.band_structure.frequencies.shape[1] == 6
    assert np.array_equal(p.displacement_set.atoms, before.displacement_set.atoms)


def test_the_model_sees_the_structure_as_given(emt, drifted, aluminium):
    p = phonons(drifted, emt, PhononSettings(**QUICK, supercell_matrix=(2, 1, 1)), reference=aluminium)
    assert p.structure == drifted
    repeated = drifted.repeat((2, 1, 1))
    from ase.geometry import get_distances

    distances = get_distances(p.supercell.positions, repeated.positions, cell=repeated.cell, pbc=True)[1]
    assert np.allclose(p.supercell.cell, repeated.cell)
    assert (np.sort(distances, axis=1)[:, 0] < 1e-10).all()
    assert p.diagnostics.residual_force == pytest.approx(
        np.linalg.norm(emt.predict([repeated])[0].forces, axis=1).max(), rel=1e-6
    )


def test_symmetric_average_restores_the_reference(aluminium, drifted):
    average, deviation = symmetric_average(drifted, aluminium, 1e-5)
    cell = average.cell.array
    assert np.allclose(cell @ cell.T, np.eye(3) * (cell[0] @ cell[0]), atol=1e-12)
    fractional = average.get_scaled_positions() - average.get_scaled_positions()[0]
    ideal = aluminium.get_scaled_positions() - aluminium.get_scaled_positions()[0]
    assert np.allclose((fractional - ideal + 0.5) % 1, 0.5, atol=1e-12)
    assert np.linalg.norm(average.positions - drifted.positions, axis=1).max() < 2e-3
    assert deviation > 1e-4
    same, zero = symmetric_average(aluminium, aluminium, 1e-5)
    assert same is aluminium
    assert zero < 1e-12


def test_symmetric_average_keeps_free_parameters():
    """A hexagonal cell with another c/a is symmetric already."""
    reference = bulk("Mg")
    other = bulk("Mg", a=3.3, c=5.0)
    average, deviation = symmetric_average(other, reference, 1e-5)
    assert average is other
    assert deviation < 1e-12


def test_another_structure_is_no_reference(emt, aluminium):
    with pytest.raises(SettingsError, match="same order"):
        phonons(aluminium, emt, PhononSettings(**SMALL), reference=bulk("Cu", cubic=True))
    with pytest.raises(SettingsError, match="same order"):
        phonons(aluminium, emt, PhononSettings(**SMALL), reference=bulk("Al"))


def test_minimum_length(aluminium):
    settings = PhononSettings(min_length=12.0)
    assert np.array_equal(supercell_matrix(aluminium, settings), np.diag([3, 3, 3]))
    assert np.array_equal(supercell_matrix(bulk("Al", a=4.0, cubic=True), settings), np.diag([3, 3, 3]))
    slab = fcc111("Al", (1, 1, 3), vacuum=3.0)
    assert np.array_equal(supercell_matrix(slab, settings), np.diag([5, 5, 1]))
    slab.pbc = True
    assert np.linalg.det(supercell_matrix(slab, settings)) < 5 * 5 * 2


def test_slab(emt):
    slab = fcc111("Al", (1, 1, 3), vacuum=5.0)
    p = phonons(slab, emt, PhononSettings(**QUICK, min_length=5.0))
    assert np.array_equal(p.supercell_matrix, np.diag([2, 2, 1]))
    assert p.band_structure.frequencies.shape[1] == 9
    reciprocal = np.linalg.inv(p.primitive.cell[:]).T
    assert np.allclose((p.band_structure.qpoints @ reciprocal)[:, 2], 0, atol=1e-8)
    assert {"Γ", "M", "K"} <= set(p.band_structure.labels)
    assert tuple(p.supercell.pbc) == (True, True, False)


def test_molecules_and_missing_cells_are_refused(emt):
    with pytest.raises(SettingsError, match="periodic structure"):
        phonons(molecule("H2O"), emt)
    with pytest.raises(StructureError, match="across its vacuum"):
        phonons(Atoms("Al", cell=[3, 3, 0], pbc=(True, True, False)), emt)


def test_nothing_is_relaxed_standardised_or_reordered(gaussians):
    atoms = bulk("NaCl", "rocksalt", 5.6, cubic=True)[[3, 0, 6, 1, 5, 2, 7, 4]]
    before = atoms.copy()
    p = phonons(atoms, gaussians, PhononSettings(**SMALL))
    assert atoms == before
    assert p.structure == before
    assert np.array_equal(p.unitcell.numbers, before.numbers)
    assert len(p.primitive) == 2


def test_supercell_matrices_with_off_diagonal_terms(gaussians):
    """A conventional cell from a primitive one: the same lattice, the same bands."""
    primitive, conventional = bulk("Ar", "fcc", 5.2), bulk("Ar", "fcc", 5.2, cubic=True)
    matrix = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    a = phonons(primitive, gaussians, PhononSettings(**QUICK, supercell_matrix=2 * matrix))
    b = phonons(conventional, gaussians, PhononSettings(**QUICK, supercell_matrix=(2, 2, 2)))
    assert len(a.supercell) == len(b.supercell) == 32
    assert np.allclose(a.band_structure.frequencies, b.band_structure.frequencies, atol=1e-3)


def test_a_supercell_that_breaks_the_symmetry_is_said(emt, aluminium):
    p = phonons(aluminium, emt, PhononSettings(**QUICK, supercell_matrix=(2, 1, 1)))
    assert any("lower symmetry" in note for note in p.notes)


def test_progress_follows_the_forces_and_may_stop(fcc):
    structure, springs, _ = fcc
    told = []
    phonons(
        structure,
        springs,
        PhononSettings(**QUICK, supercell_matrix=(2, 1, 1), displacements="full"),
        progress=lambda done, total, **values: told.append((done, total, values["stage"])),
    )
    assert told[0] == (0, 7, "forces")
    assert (4, 7, "forces") in told
    assert told[-1][:2] == (7, 7)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)

    def stop(done, total, **values):
        if done:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        phonons(structure, springs, PhononSettings(**QUICK, supercell_matrix=(2, 1, 1)), progress=stop)
    with pytest.raises(SettingsError, match="repeat the cell"):
        phonons(structure, springs, PhononSettings(**SMALL))


def test_saved_and_loaded(emt, aluminium, tmp_path):
    p = phonons(aluminium, emt, PhononSettings(**SMALL, displacements="full"))
    records.save(p, tmp_path / "p.npz")
    again = records.load(tmp_path / "p.npz")
    assert again.settings == p.settings
    assert again.band_structure.labels == p.band_structure.labels
    assert np.array_equal(again.band_structure.frequencies, p.band_structure.frequencies)
    assert again.diagnostics.splitting.largest == p.diagnostics.splitting.largest
    assert np.array_equal(again.lattice.vectors, p.lattice.vectors)


def test_comparison(emt, aluminium, wrong):
    def softer(forces):
        return 0.81 * forces

    settings = PhononSettings(mesh=(6, 6, 6), n_qpoints=40, supercell_matrix=(2, 2, 2))
    a, b = phonons(aluminium, wrong(emt, softer), settings), phonons(aluminium, emt, settings)
    found = compare_phonons(a, b)
    frequencies = b.band_structure.frequencies
    assert found.band_mae == pytest.approx(0.1 * np.abs(frequencies).mean(), rel=1e-3)
    assert found.band_max == pytest.approx(0.1 * frequencies.max(), rel=1e-3)
    assert found.band_mae < found.band_rmse < found.band_max
    mean = np.average(b.total_dos.frequencies, weights=np.clip(b.total_dos.density, 0, None))
    assert found.dos_distance == pytest.approx(0.1 * mean, rel=0.03)
    # dS/d ln ω = −C_v for every oscillator
    heat = (a.thermal.at(300.0)[2] + b.thermal.at(300.0)[2]) / 2
    assert found.entropy == pytest.approx(-heat * np.log(0.9), rel=2e-3)
    assert found.free_energy < 0
    assert compare_phonons(b, b).dos_distance == 0
    with pytest.raises(SettingsError, match="same reference"):
        compare_phonons(
            a, phonons(aluminium, emt, PhononSettings(mesh=(6, 6, 6), n_qpoints=30, supercell_matrix=(1, 1, 1)))
        )


def test_distance_of_shifted_peaks():
    grid = np.linspace(0, 10, 1001)
    one, other = (TotalDos(frequencies=grid, density=np.exp(-((grid - centre) ** 2) / 0.02)) for centre in (3.0, 4.25))
    assert dos_distance(one, other) == pytest.approx(1.25, abs=1e-6)


def test_born_charges_split_lo_from_to(magnesia):
    """Near Γ: ω_LO² − ω_TO² = Z² e² / (ε0 ε∞ V μ)."""
    conventional, springs = magnesia
    structure = bulk("MgO", "rocksalt", conventional.cell[0, 0])
    charge, epsilon = 2.0, 3.0
    nac = NonAnalytical(born_charges=[charge * np.eye(3), -charge * np.eye(3)], dielectric=epsilon * np.eye(3))
    settings = {"supercell_matrix": (2, 2, 2), **QUICK}
    with_charges = phonons(structure, springs, PhononSettings(**settings, nac=nac))
    without = phonons(structure, springs, PhononSettings(**settings))
    assert MISSING in without.notes
    assert MISSING not in with_charges.notes
    assert without.band_structure.frequencies[0, 5] == pytest.approx(without.band_structure.frequencies[0, 3], abs=1e-3)
    low, high = with_charges.band_structure.frequencies[0, [3, 5]]
    m1, m2 = structure.get_masses()
    coulomb = 4 * np.pi * 14.399645 * charge**2 / (epsilon * structure.get_volume()) * (1 / m1 + 1 / m2)
    assert high**2 - low**2 == pytest.approx(coulomb * 15.633302**2, rel=1e-4)


def test_born_file(emt, aluminium):
    conventional = bulk("MgO", "rocksalt", 4.2, cubic=True)
    text = "14.4\n3 0 0 0 3 0 0 0 3\n1.9 0 0 0 1.9 0 0 0 1.9\n-1.9 0 0 0 -1.9 0 0 0 -1.9\n"
    nac = read_born(text, conventional)
    for symbol, tensor in zip(conventional.get_chemical_symbols(), nac.born_charges, strict=True):
        assert np.allclose(tensor, (1.9 if symbol == "Mg" else -1.9) * np.eye(3))
    with pytest.raises(SettingsError, match="BORN"):
        read_born("nonsense", conventional)
    with pytest.raises(SettingsError, match="give one each"):
        phonons(aluminium, emt, PhononSettings(**SMALL, nac=nac))


@pytest.mark.parametrize(
    "wrong_value",
    [
        {"supercell_matrix": (2, 2)},
        {"supercell_matrix": (2, 2, 0)},
        {"supercell_matrix": (1.5, 2, 2)},
        {"supercell_matrix": -np.eye(3)},
        {"supercell_matrix": "2x2x2"},
        {"min_length": 0},
        {"displacement": -0.01},
        {"displacement": 1.0},
        {"displacements": "all"},
        {"mesh": (0, 1, 1)},
        {"mesh": -5.0},
        {"n_qpoints": 1},
        {"symprec": float("nan")},
        {"nac": 3},
    ],
)
def test_settings_are_checked(wrong_value):
    with pytest.raises(SettingsError, match=next(iter(wrong_value)).partition("_")[0]):
        PhononSettings(**wrong_value)


def test_settings_compare_as_data():
    assert PhononSettings(supercell_matrix=np.diag([2, 2, 2])) == PhononSettings(
        supercell_matrix=[[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    )
    assert PhononSettings(supercell_matrix=[2, 2, 2]).supercell_matrix == (2, 2, 2)
    assert hash(PhononSettings(mesh=[4, 4, 4])) == hash(PhononSettings(mesh=(4, 4, 4)))
