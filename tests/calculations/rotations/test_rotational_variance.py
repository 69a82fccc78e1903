import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.spatial.transform import Rotation

from mlip_core import records
from mlip_core.calculations.rotations.correction_cost import CorrectionCostSettings, correction_cost
from mlip_core.calculations.rotations.scans import _to_z, map_points, rotation_to_z
from mlip_core.calculations.rotations.statistics import degree_spectrum, rotated_predictions, scatter
from mlip_core.calculations.rotations.variance import RotationSettings, rotational_variance
from mlip_core.errors import Cancelled, SettingsError
from mlip_core.models import load_model
from mlip_core.models.model import Counted
from mlip_core.symmetry.corrections import Corrections, correct
from mlip_core.symmetry.pair_potential import PairPotential
from mlip_core.symmetry.rotations import grid

EXACT_VARIANCE = {"tetrahedral": 1, "octahedral": 1, "icosahedral": 2, "lebedev-3": 1, "lebedev-5": 2, "lebedev-9": 4}
EXACT_MEAN = {"tetrahedral": 2, "octahedral": 3, "icosahedral": 5, "lebedev-3": 3, "lebedev-5": 5}


def only(name, **changes):
    """The grid alone: no inversion, no scans."""
    return RotationSettings(grid=name, **({"inversion": False, "n_angles": 0} | changes))


def pure(potential, degree):
    return potential({0: 1.0, degree: 0.3})


@pytest.mark.parametrize("name", EXACT_VARIANCE)
def test_deviations_equal_the_closed_form_up_to_half_the_degree(legendre_potential, rattled, name):
    for degree in range(1, EXACT_VARIANCE[name] + 1):
        model = pure(legendre_potential, degree)
        _, energy_std, force_std = model.truth(rattled)
        v = rotational_variance(rattled, model, only(name))
        assert v.energy_rot_std == pytest.approx(energy_std, rel=1e-6)
        assert v.forces_rot_std == pytest.approx(force_std, rel=1e-6)
    model = pure(legendre_potential, EXACT_VARIANCE[name] + 1)
    _, energy_std, force_std = model.truth(rattled)
    beyond = rotational_variance(rattled, model, only(name))
    assert abs(beyond.energy_rot_std / energy_std - 1) > 1e-3
    assert abs(beyond.forces_rot_std / force_std - 1) > 1e-4


def test_deviations_of_a_sum_of_degrees_equal_the_closed_form(legendre_potential, rattled):
    model = legendre_potential({0: 1.0, 1: 0.2, 2: 0.3, 3: 0.25, 4: 0.15})
    mean, energy_std, force_std = model.truth(rattled)
    v = rotational_variance(rattled, model, only("lebedev-9"))
    assert v.energy_rot_std == pytest.approx(energy_std, rel=1e-6)
    assert v.forces_rot_std == pytest.approx(force_std, rel=1e-6)
    assert v.scatter.energy == pytest.approx(mean, rel=1e-6)
    isotropic = legendre_potential({0: 1.0}).predict([rattled])[0]
    np.testing.assert_allclose(v.scatter.forces, isotropic.forces, atol=1e-6 * np.abs(isotropic.forces).max())
    np.testing.assert_allclose(v.scatter.stress, isotropic.stress, atol=1e-9)


@pytest.mark.parametrize("name", EXACT_MEAN)
def test_means_equal_the_closed_form_up_to_the_degree_and_not_above(legendre_potential, rattled, name):
    isotropic = legendre_potential({0: 1.0})
    expected = isotropic.predict([rattled])[0]
    size = np.abs(expected.forces).max()
    for degree in range(1, EXACT_MEAN[name] + 2):
        model = pure(legendre_potential, degree)
        uncorrected = model.predict([rattled])[0]
        found = correct(model, Corrections(rotations=name)).predict([rattled])[0]
        off = np.abs(found.forces - expected.forces).max() / size
        assert np.abs(uncorrected.forces - expected.forces).max() > 0.02 * size
        if degree <= EXACT_MEAN[name]:
            assert found.energy == pytest.approx(expected.energy, rel=1e-6)
            assert off < 1e-6
        else:
            assert off > 1e-4


def test_a_residual_is_measured_outside_the_grid_and_falls_in_order(anisotropic):
    crystal = bulk("Al", cubic=True)
    crystal.rattle(0.05, seed=2)
    found = [
        rotational_variance(
            crystal, correct(anisotropic, Corrections(rotations=name)), only("octahedral")
        ).forces_rot_std
        for name in ("none", "octahedral", "icosahedral")
    ]
    assert found[0] > 2 * found[1] > 4 * found[2] > 1e-5


def test_a_perfect_crystal_does_not_hide_a_model_behind_its_grid(anisotropic):
    crystal = bulk("Al", cubic=True)
    aligned = scatter(
        rotated_predictions(anisotropic, crystal, grid("octahedral").rotations), grid("octahedral").weights
    )
    assert aligned.energy_rot_std < 1e-12
    assert rotational_variance(crystal, anisotropic, only("octahedral")).energy_rot_std > 1e-3


@pytest.mark.parametrize(("dtype", "energy", "forces"), [("float64", 1e-10, 1e-9), ("float32", 5e-5, 5e-5)])
def test_an_exact_model_is_at_the_floor(rattled, dtype, energy, forces):
    model = PairPotential(rattled, dtype=dtype, energy=-40.0)
    model.name = dtype
    v = rotational_variance(rattled, model, only("octahedral"))
    assert v.forces_rot_std < forces
    assert v.energy_rot_std < energy
    assert v.floor.forces_rot_std / 3 < v.forces_rot_std < 3 * v.floor.forces_rot_std
    assert v.floor.energy_rot_std > 0
    assert (v.forces_rot_std > 1e-9) == (dtype == "float32")


def test_the_floor_is_that_of_the_arithmetic(anisotropic, rattled):
    double = rotational_variance(rattled, anisotropic, only("octahedral")).floor
    anisotropic.dtype = "float32"
    single = rotational_variance(rattled, anisotropic, only("octahedral")).floor
    assert 1e7 < single.forces_rot_std / double.forces_rot_std < 1e10
    assert "float32" in single.source


def test_pair_potential_forces_and_stress_are_gradients(rattled):
    model = PairPotential(rattled, dtype="float64", energy=-20.0)
    here = model.predict([rattled])[0]
    assert abs(here.energy) == pytest.approx(20.0)
    moved = []
    for sign in (1, -1):
        copy = rattled.copy()
        copy.positions[2, 1] += sign * 1e-5
        moved.append(copy)
    for sign in (1, -1):
        copy = rattled.copy()
        copy.set_cell(rattled.cell.array @ (np.eye(3) + sign * 1e-5 * np.diag([0, 1, 0])), scale_atoms=True)
        moved.append(copy)
    e = [p.energy for p in model.predict(moved)]
    assert here.forces[2, 1] == pytest.approx(-(e[0] - e[1]) / 2e-5, abs=1e-6)
    assert here.stress[1, 1] == pytest.approx((e[2] - e[3]) / 2e-5 / rattled.get_volume(), abs=1e-6)


def test_the_spectrum_finds_the_degrees_planted(legendre_potential, rattled):
    model = legendre_potential({0: 1.0, 2: 0.3, 3: 0.25})
    v = rotational_variance(rattled, model, only("lebedev-9"))
    alone = {n: legendre_potential({n: c}).truth(rattled)[1] ** 2 for n, c in ((2, 0.3), (3, 0.25))}
    expected = [0, 0, alone[2], alone[3], 0]
    np.testing.assert_allclose(v.spectrum.energy, expected, atol=1e-9 * max(expected))
    np.testing.assert_array_equal(v.spectrum.degrees, range(5))
    assert v.spectrum.energy_resolved == pytest.approx(1)
    assert v.spectrum.forces.sum() == pytest.approx(v.spectrum.forces[0] + v.forces_rot_std**2)
    assert v.spectrum.forces_relative_variance == pytest.approx(1 - v.spectrum.forces[0] / v.spectrum.forces.sum())


def test_degrees_beyond_the_spectrum_show_as_unresolved(legendre_potential, rattled):
    v = rotational_variance(rattled, pure(legendre_potential, 3), only("lebedev-9", spectrum_degree=2))
    assert v.spectrum.energy_resolved < 1e-6


def test_a_random_grid_gives_the_spectrum_within_its_noise(legendre_potential, cluster):
    model = pure(legendre_potential, 2)
    v = rotational_variance(cluster, model, only("random-300", spectrum_degree=3))
    _, energy_std, force_std = model.truth(cluster)
    assert v.energy_rot_std == pytest.approx(energy_std, rel=0.15)
    assert v.forces_rot_std == pytest.approx(force_std, rel=0.15)
    assert v.spectrum.energy[2] == pytest.approx(energy_std**2, rel=0.25)
    assert np.abs(v.spectrum.energy[[1, 3]]).max() < 0.15 * energy_std**2
    assert v.stress_rot_std is None


def test_pairs_of_one_random_rotation_with_itself_are_left_out():
    noise = np.random.default_rng(0).normal(size=(200, 50))
    found = degree_spectrum(noise - noise.mean(axis=0), grid("random-200"), 3)
    assert np.abs(found).max() < 0.35 * 50  # with them every p_l would be (2l + 1) / 200 of the variance or more
    assert abs(found[3]) < 3 * 7 * 50 / 200


@pytest.mark.parametrize("name", ["tetrahedral", "octahedral", "icosahedral", "lebedev-5"])
def test_grids_that_mix_degrees_give_no_spectrum(anisotropic, rattled, name):
    with pytest.raises(SettingsError, match="Lebedev"):
        RotationSettings(grid=name, spectrum_degree=3)
    if not name.startswith("lebedev"):
        assert rotational_variance(rattled, anisotropic, only(name)).spectrum is None


def test_inversion_stands_apart(legendre_potential, rattled):
    even = legendre_potential({0: 1.0, 2: 0.3})
    odd = legendre_potential({0: 1.0, 3: 0.3})
    settings = only("octahedral", inversion=True)
    exact, broken = (rotational_variance(rattled, m, settings) for m in (even, odd))
    assert exact.inversion.energy < 1e-13
    assert exact.inversion.forces < 1e-13
    assert exact.forces_rot_std > 1e-3
    expected = 2 * odd.truth(rattled)[1]  # E(-x) - E(x) is twice the odd part
    assert rotational_variance(rattled, odd, only("lebedev-7", inversion=True)).inversion.energy == pytest.approx(
        expected, rel=1e-6
    )
    assert broken.inversion.forces > 1e-3
    one = odd.predict([rattled, Atoms(rattled.numbers, -rattled.positions, cell=rattled.cell, pbc=True)])
    assert abs(one[1].energy - one[0].energy) > 1e-3


def test_per_atom_and_per_orientation_values_agree_with_the_totals(anisotropic, rattled):
    v = rotational_variance(rattled, anisotropic, only("octahedral"))
    s = v.scatter
    assert s.per_atom.shape == (8,)
    assert np.sqrt(np.mean(s.per_atom**2)) == pytest.approx(v.forces_rot_std)
    assert np.sqrt(v.weights @ s.energy_deviations**2) == pytest.approx(v.energy_rot_std)
    assert np.sqrt(v.weights @ np.mean(s.force_deviations**2, axis=1) / 3) == pytest.approx(v.forces_rot_std)
    assert np.sqrt(v.weights @ s.stress_deviations**2) == pytest.approx(v.stress_rot_std)
    assert v.forces_relative == pytest.approx(v.forces_rot_std / np.sqrt(np.mean(s.forces**2)))


def test_the_error_splits_exactly(anisotropic, legendre_potential, rattled):
    teacher = legendre_potential({0: 1.3})
    v = rotational_variance(rattled, anisotropic, only("octahedral", rattle=0.02), reference=teacher)
    e = v.error_split
    assert e.mean_square_error == pytest.approx(e.averaged_square_error + v.forces_rot_std**2, rel=1e-12)
    assert e.variance == pytest.approx(v.forces_rot_std**2, rel=1e-12)
    assert 0 < e.share < 1
    forces = teacher.predict([v.structure])[0].forces
    assert rotational_variance(v.structure, anisotropic, only("octahedral"), reference=forces).error_split == e
    assert rotational_variance(rattled, anisotropic, only("octahedral")).error_split is None


def test_reference_forces_must_belong_to_the_structure(anisotropic, rattled):
    with pytest.raises(SettingsError, match="rattle"):
        rotational_variance(rattled, anisotropic, only("octahedral", rattle=0.1), reference=np.zeros((8, 3)))
    with pytest.raises(SettingsError, match="shape"):
        rotational_variance(rattled, anisotropic, only("octahedral"), reference=np.zeros((7, 3)))


def test_deviation_against_angle(legendre_potential, rattled):
    model = legendre_potential({0: 1.0, 2: 0.3})
    v = rotational_variance(rattled, model, only("octahedral", n_angles=8))
    assert v.angles.energy_deviations.shape == (3, 8)
    np.testing.assert_array_equal(v.angles.angles, 45 * np.arange(8))
    np.testing.assert_array_equal(v.angles.energy_deviations[:, 0], 0)
    assert v.angles.force_deviations[:, 1:].min() > 1e-4
    series = np.abs(np.fft.rfft(v.angles.energy_deviations, axis=1))
    assert series[:, 1:3].max() > 1e-3
    assert series[:, 3:].max() < 1e-12  # degree 2 holds no more than cos 2θ


def test_map_over_the_sphere(legendre_potential, rattled):
    model = legendre_potential({0: 1.0, 2: 0.3})
    v = rotational_variance(rattled, model, only("octahedral", map_polar=5, map_in_plane=3))
    m = v.orientation_map
    assert m.evaluations == 3 * map_points(5) == 3 * 26
    assert m.energies.shape == (5, 9)
    assert np.ptp(m.energies[0]) == np.ptp(m.energies[-1]) == 0
    np.testing.assert_array_equal(m.energies[:, 0], m.energies[:, -1])
    # a tensor of rank 2 of the directions, as the turns about z leave nothing else of degree 2
    n = m.directions.reshape(-1, 3)
    basis = np.array(
        [
            n[:, 0] * n[:, 1],
            n[:, 0] * n[:, 2],
            n[:, 1] * n[:, 2],
            n[:, 0] ** 2 - n[:, 1] ** 2,
            3 * n[:, 2] ** 2 - 1,
            np.ones(len(n)),
        ]
    ).T
    fit = basis @ np.linalg.lstsq(basis, m.energies.ravel(), rcond=None)[0]
    np.testing.assert_allclose(fit, m.energies.ravel(), atol=1e-12)
    assert np.ptp(m.energies) > 1e-4
    assert m.forces.shape == (5, 9, 8, 3)
    # the force is minus the slope of that energy, so a moved atom changes the map by it
    step, moved = 1e-4, []
    for sign in (1, -1):
        copy = rattled.copy()
        copy.positions[3, 1] += sign * step
        moved.append(rotational_variance(copy, model, only("octahedral", map_polar=5, map_in_plane=3)).orientation_map)
    slope = (moved[0].energies - moved[1].energies) * len(rattled) / (2 * step)
    np.testing.assert_allclose(m.force(3, 1), -slope, atol=1e-6)
    assert np.ptp(m.force(3, 1)) > 1e-3


def test_every_point_of_the_map_points_up():
    for direction in np.array([[0, 0, 1], [0, 0, -1], [1, 0, 0], [0.36, -0.48, 0.8]], dtype=float):
        for turn in _to_z(direction, 3):
            np.testing.assert_allclose(turn @ direction, [0, 0, 1], atol=1e-12)
            assert np.linalg.det(turn) == pytest.approx(1)
    for polar, azimuth in ((0, 0), (37.5, 200), (180, 90)):
        np.testing.assert_allclose(rotation_to_z(polar, azimuth) @ direction_of(polar, azimuth), [0, 0, 1], atol=1e-12)


def direction_of(polar, azimuth):
    return Rotation.from_euler("zyz", [0, polar, azimuth], degrees=True).apply([0, 0, 1])


def test_costs_are_counted_and_progress_ends_at_the_total(anisotropic, rattled):
    counted, seen = Counted(anisotropic), []
    settings = RotationSettings(grid="octahedral", n_angles=4, map_polar=3, map_in_plane=2)
    v = rotational_variance(rattled, counted, settings, progress=lambda d, t, **k: seen.append((d, t, k["stage"])))
    assert v.evaluations == counted.evaluations == 24 + 24 + 10 + 12
    assert seen[-1][:2] == (70, 70)
    assert [d for d, *_ in seen] == sorted(d for d, *_ in seen)
    assert list(dict.fromkeys(stage for *_, stage in seen)) == ["rotations", "inversion", "angles", "map"]
    corrected = rotational_variance(
        rattled, correct(anisotropic, Corrections(rotations="tetrahedral")), only("octahedral")
    )
    assert corrected.evaluations == 24 * 12


def test_cancel(anisotropic, rattled):
    def stop(done, total, **values):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        rotational_variance(rattled, anisotropic, progress=stop)


def test_rattling_is_seeded_and_leaves_the_input(anisotropic):
    crystal = bulk("Al", cubic=True)
    first, again, other = (
        rotational_variance(crystal, anisotropic, only("tetrahedral", rattle=0.05, seed=seed)).structure.positions
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01
    np.testing.assert_array_equal(crystal.positions, bulk("Al", cubic=True).positions)


def test_nothing_is_relative_to_vanishing_forces():
    crystal = bulk("Al", cubic=True)
    v = rotational_variance(crystal, PairPotential(crystal, dtype="float64", energy=-10.0), only("octahedral"))
    assert v.forces_relative is None


def test_records_are_kept(tmp_path, anisotropic, rattled):
    settings = RotationSettings(grid="lebedev-3", n_angles=3, map_polar=3, map_in_plane=1)
    v = rotational_variance(rattled, anisotropic, settings, reference=anisotropic)
    records.save(v, tmp_path / "v.npz")
    again = records.load(tmp_path / "v.npz")
    assert again.settings == settings
    assert (again.energy_rot_std, again.floor, again.error_split, again.inversion) == (
        v.energy_rot_std,
        v.floor,
        v.error_split,
        v.inversion,
    )
    np.testing.assert_array_equal(again.scatter.force_deviations, v.scatter.force_deviations)
    np.testing.assert_array_equal(again.orientation_map.forces, v.orientation_map.forces)
    np.testing.assert_array_equal(again.spectrum.forces, v.spectrum.forces)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"grid": "none"}, "more than one"),
        ({"grid": "cubic"}, "choose"),
        ({"rattle": -1}, "rattle"),
        ({"n_angles": 1}, "n_angles"),
        ({"axes": ((0.0, 0.0, 0.0),)}, "axis"),
        ({"map_polar": 2}, "map_polar"),
        ({"map_in_plane": 0}, "map_in_plane"),
    ],
)
def test_settings_that_make_no_sense(wrong, says):
    with pytest.raises(SettingsError, match=says):
        RotationSettings(**wrong)


def test_what_a_correction_buys(tmp_path, anisotropic, legendre_potential, rattled):
    settings = CorrectionCostSettings(grids=("none", "octahedral", "icosahedral", "random-4"), n_probes=4, rattle=0.02)
    seen = []
    cost = correction_cost(
        rattled,
        anisotropic,
        settings,
        reference=legendre_potential({0: 1.0}),
        progress=lambda d, t, **k: seen.append((d, t)),
    )
    points = {p.grid: p for p in cost.points}
    assert [points[name].evaluations for name in settings.grids] == [1, 24, 60, 4]
    assert (
        points["none"].forces_rot_std > points["octahedral"].forces_rot_std > points["icosahedral"].forces_rot_std > 0
    )
    assert points["none"].force_error > points["octahedral"].force_error > points["icosahedral"].force_error
    assert all(p.seconds > 0 for p in cost.points)
    assert seen[-1] == (16, 16)
    records.save(cost, tmp_path / "cost.npz")
    assert records.load(tmp_path / "cost.npz").points == cost.points


@pytest.mark.slow
@pytest.mark.parametrize("forces", ["direct", "conservative"])
def test_the_demo_model_is_above_the_floor_and_corrections_bring_it_down_in_order(forces):
    import torch

    torch.set_num_threads(1)
    model, crystal = load_model("pet-demo", forces=forces), bulk("MgO", "rocksalt", 4.255, cubic=True)
    found = [
        rotational_variance(crystal, correct(model, Corrections(rotations=name)), only("random-12", rattle=0.05))
        for name in ("none", "octahedral", "icosahedral")
    ]
    assert found[0].forces_rot_std > 1000 * found[0].floor.forces_rot_std
    assert found[0].forces_rot_std > 3 * found[1].forces_rot_std > 4 * found[2].forces_rot_std
    assert found[0].energy_rot_std > 3 * found[1].energy_rot_std > 6 * found[2].energy_rot_std
