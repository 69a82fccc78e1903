import numpy as np
import pytest
from ase.build import bulk
from scipy.spatial.transform import Rotation

import mlip_core as mlip
from mlip_core.calculations.rotations.resolution import more_directions, resolution, resolved_digits
from mlip_core.calculations.rotations.statistics import rotated_predictions, scatter
from mlip_core.errors import SettingsError
from mlip_core.symmetry.moving import rattled
from mlip_core.symmetry.rotations import grid


@pytest.mark.parametrize(
    ("value", "relative", "text"),
    [
        (0.8003, 0.14, "0.8"),
        (0.8003, 0.019, "0.80"),
        (0.8003, 0.002, "0.800"),
        (0.13, 0.14, "0.13"),
        (0.97, 0.14, "1.0"),
        (22.55, 0.036, "22.6"),
        (27.55, 0.036, "27.6"),
        (38.2, 0.036, "38"),
        (123.4, 0.14, "120"),
        (0.00021, 0.14, "2.1e-04"),
        (0.0009, 0.14, "9e-04"),
        (0.0, 0.14, "0"),
        (3.2, np.inf, "3e+00"),
    ],
)
def test_the_last_digit_is_the_first_of_the_uncertainty(value, relative, text):
    assert resolved_digits(value, relative) == text


@pytest.mark.parametrize("relative", [0.14, 0.036, 0.019, 0.002])
def test_rounding_never_moves_a_value_by_more_than_half_of_the_uncertaintys_first_digit(relative):
    for value in np.random.default_rng(0).uniform(1e-5, 2e3, size=500) ** 2:
        unit = 10.0 ** np.floor(np.log10(value * relative))
        assert abs(float(resolved_digits(value, relative)) - value) <= unit * (0.5 + 1e-9)


@pytest.mark.parametrize("number", [4, 24, 200])
def test_random_rotations_are_as_uncertain_as_samples_of_normal_numbers(number):
    samples = np.random.default_rng(0).normal(size=(20000, number))
    expected = samples.std(axis=1, ddof=1).std()
    assert resolution(f"random-{number}").energy == pytest.approx(expected, rel=0.1)


def test_finer_grids_are_better_and_are_offered():
    grids = ["tetrahedral", "octahedral", "lebedev-5", "lebedev-7", "lebedev-9"]
    for quantity in ("energy", "forces", "stress"):
        values = [getattr(resolution(name), quantity) for name in grids]
        assert values == sorted(values, reverse=True)
    assert [more_directions(name) for name in grids] == ["lebedev-7"] * 3 + [None] * 2
    assert more_directions("random-24") == "lebedev-7"
    assert more_directions("lebedev-15") is None
    with pytest.raises(SettingsError):
        resolution("cubic")


@pytest.mark.slow
def test_the_uncertainties_are_those_of_a_real_model():
    """Against 2,000 random rotations, on one of the structures of the table."""
    model = mlip.load_model("pet-demo", forces="direct")
    structure = rattled(bulk("Si", "diamond", 5.45, cubic=True), 0.05, seed=0)

    def deviations(rotations, weights, **options):
        found = scatter(rotated_predictions(model, structure, rotations), weights, **options)
        return np.array([found.energy_rot_std, found.forces_rot_std, found.stress_rot_std])

    reference = grid("random-2000")
    truth = deviations(reference.rotations, reference.weights, sampled=True)
    frames = Rotation.random(8, rng=np.random.default_rng(5)).as_matrix()
    for name in ("octahedral", "lebedev-7"):
        found = [deviations(grid(name).rotations @ frame, grid(name).weights) / truth - 1 for frame in frames]
        known = resolution(name)
        ratio = np.sqrt(np.mean(np.square(found), axis=0)) / [known.energy, known.forces, known.stress]
        assert (ratio > 1 / 3).all(), (name, ratio)
        assert (ratio < 2).all(), (name, ratio)
