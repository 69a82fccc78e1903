"""Fits against other programs' and against equations written down by hand."""

from typing import get_args

import numpy as np
import pytest
from pymatgen.analysis.eos import EOS

from mlip_core.calculations.equation_of_state.fit import (
    finite_difference_pressures,
    fit_equation,
    vanishing_pressure,
)
from mlip_core.calculations.equation_of_state.settings import Equation
from mlip_core.errors import CalculationError
from mlip_core.units import EV_PER_A3_IN_GPA as GPA

V0, E0, B0, SLOPE = 20.0, -7.5, 140.0, 5.3
"""Å³, eV, GPa, and B₀′ of the energies that tests start from."""
PYMATGEN = {"birchmurnaghan": "birch_murnaghan", "pouriertarantola": "pourier_tarantola"}


def by_hand(equation, volumes, *, v0=V0, e0=E0):
    """Energies (eV) with these B₀ and B₀′, from the pressures in closed form, integrated numerically from V₀."""
    x = lambda v: (v0 / v) ** (1 / 3)  # noqa: E731
    pressure = {
        "birchmurnaghan": lambda v: 1.5 * (x(v) ** 7 - x(v) ** 5) * (1 + 0.75 * (SLOPE - 4) * (x(v) ** 2 - 1)),
        "vinet": lambda v: 3 * x(v) ** 2 * (1 - 1 / x(v)) * np.exp(1.5 * (SLOPE - 1) * (1 - 1 / x(v))),
        "murnaghan": lambda v: ((v0 / v) ** SLOPE - 1) / SLOPE,
        "pouriertarantola": lambda v: (v0 / v) * (np.log(v0 / v) + (SLOPE - 2) / 2 * np.log(v0 / v) ** 2),
    }[equation]
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = (volumes - v0) / 2
    work = half * np.sum(weights * pressure(v0 + half[:, None] * (1 + nodes)), axis=1)
    return e0 - B0 / GPA * work, B0 * pressure(volumes)


@pytest.mark.parametrize("equation", ["birchmurnaghan", "vinet", "murnaghan", "pouriertarantola"])
@pytest.mark.parametrize(("v0", "e0"), [(V0, E0), (2000.0, -1e5), (9.0, 0.0)])
def test_an_equation_in_closed_form_gives_back_what_was_put_in(equation, v0, e0):
    volumes = v0 * np.linspace(0.93, 1.05, 9)
    energies, pressures = by_hand(equation, volumes, v0=v0, e0=e0)
    fit = fit_equation(volumes, energies, equation)
    assert fit.volume == pytest.approx(v0, rel=1e-8)
    assert fit.energy == pytest.approx(e0, abs=1e-8)
    assert fit.bulk_modulus == pytest.approx(B0, rel=1e-6)
    assert fit.bulk_modulus_derivative == pytest.approx(SLOPE, abs=1e-4)
    assert np.allclose(fit.pressures, pressures, atol=1e-4)
    assert np.allclose(fit.energies, energies, atol=1e-8)
    assert fit.rms < 1e-8
    assert fit.bulk_modulus_derivative != pytest.approx(4.0, abs=1)  # ASE starts from 4


@pytest.mark.parametrize("equation", ["birchmurnaghan", "vinet", "murnaghan", "pouriertarantola"])
def test_pymatgen_fits_the_same(equation):
    volumes = np.linspace(17, 22, 11)
    energies = E0 + 0.02 * (volumes - 19.3) ** 2 - 0.0011 * (volumes - 19.3) ** 3 + 1e-4 * np.cos(3 * volumes)
    fit = fit_equation(volumes, energies, equation)
    theirs = EOS(eos_name=PYMATGEN.get(equation, equation)).fit(volumes, energies)
    assert fit.volume == pytest.approx(theirs.v0, rel=1e-5)
    assert fit.energy == pytest.approx(theirs.e0, abs=1e-6)
    assert fit.bulk_modulus == pytest.approx(float(theirs.b0_GPa), rel=1e-4)
    assert fit.bulk_modulus_derivative == pytest.approx(theirs.b1, rel=1e-3)


@pytest.mark.parametrize("equation", get_args(Equation))
def test_modulus_and_its_derivative_are_those_of_the_curve(equation):
    volumes = V0 * np.linspace(0.94, 1.06, 9)
    fit = fit_equation(volumes, by_hand("vinet", volumes)[0], equation, at=V0 * np.linspace(0.99, 1.01, 1001))
    place, pressures = V0 * np.linspace(0.99, 1.01, 1001), fit.pressures
    modulus = -place * np.gradient(pressures, place)
    assert np.interp(fit.volume, place, pressures) == pytest.approx(0, abs=0.01)
    assert np.interp(fit.volume, place, fit.energies) == pytest.approx(fit.energy, abs=1e-7)
    assert np.interp(fit.volume, place, modulus) == pytest.approx(fit.bulk_modulus, rel=1e-4)
    slope = np.polyfit(pressures[1:-1], modulus[1:-1], 2)[1]
    assert slope == pytest.approx(fit.bulk_modulus_derivative, rel=5e-3)
    assert np.allclose(-np.gradient(fit.energies, place, edge_order=2) * GPA, pressures, atol=1e-3)


def test_polynomials_by_hand():
    volumes = np.linspace(18, 22, 9)
    energies = 3 - 0.8 * volumes + 0.03 * volumes**2 - 3e-4 * volumes**3
    fit = fit_equation(volumes, energies, "p3")
    lowest = min(np.roots([-9e-4, 0.06, -0.8]))
    assert fit.volume == pytest.approx(lowest, rel=1e-6)
    second, third = 0.06 - 18e-4 * lowest, -18e-4
    assert fit.bulk_modulus == pytest.approx(lowest * second * GPA, rel=1e-5)
    assert fit.bulk_modulus_derivative == pytest.approx(-1 - lowest * third / second, rel=1e-4)
    with_taylor = fit_equation(volumes, energies, "taylor")  # the same cubic about its minimum
    assert with_taylor.bulk_modulus_derivative == pytest.approx(fit.bulk_modulus_derivative, rel=1e-3)


def test_the_drawn_curve_reaches_an_outside_minimum():
    volumes = V0 * np.linspace(1.01, 1.07, 7)
    fit = fit_equation(volumes, by_hand("birchmurnaghan", volumes)[0])
    assert fit.volume == pytest.approx(V0, rel=1e-4)
    assert fit.curve_volumes[0] == pytest.approx(fit.volume)
    assert fit.curve_volumes[-1] == pytest.approx(volumes[-1])
    assert fit.curve_energies.min() == pytest.approx(E0, abs=1e-6)
    assert np.allclose(fit.curve_pressures, by_hand("birchmurnaghan", fit.curve_volumes)[1], atol=0.01)


@pytest.mark.parametrize(
    "energies",
    [
        lambda v: 0.1 * v,  # falls all the way
        lambda v: -((v - 20) ** 2),  # a maximum
        lambda v: 1 / v,  # the minimum is at infinity
        np.zeros_like,
    ],
)
@pytest.mark.parametrize("equation", get_args(Equation))
def test_no_minimum_is_said(energies, equation):
    volumes = np.linspace(18, 22, 9)
    with pytest.raises(CalculationError, match=r"no minimum .*18 to 22 Å³.*volume_range"):
        fit_equation(volumes, energies(volumes), equation)


def test_too_few_points():
    with pytest.raises(CalculationError, match=r"4 volumes only; .* needs 5"):
        fit_equation(np.arange(1.0, 5), np.arange(4.0) ** 2)


def test_slopes_are_exact_for_polynomials_at_uneven_volumes():
    volumes = np.array([17.0, 17.9, 18.3, 19.4, 20.0, 20.2, 21.7])
    quartic = np.poly1d([1e-4, -2e-3, 0.03, -0.7, 2.0])
    slopes = finite_difference_pressures(volumes, quartic(volumes), n_points=5)
    assert np.allclose(slopes, -quartic.deriv()(volumes) * GPA, rtol=1e-9)
    assert not np.allclose(finite_difference_pressures(volumes, volumes**5, n_points=5), -5 * volumes**4 * GPA)


def test_slopes_converge_with_the_fourth_power_of_the_spacing():
    errors = []
    for n in (9, 17):
        volumes = V0 * np.linspace(0.9, 1.1, n)
        energies, pressures = by_hand("vinet", volumes)
        error = np.abs(finite_difference_pressures(volumes, energies, n_points=5) - pressures)
        assert error[2:-2].max() < error.max() / 4  # neighbours on both sides are better than on one
        errors.append(error.max())
    assert 10 < errors[0] / errors[1] < 25


def test_where_a_pressure_vanishes():
    volumes = np.linspace(1, 3, 9)
    assert vanishing_pressure(volumes, (volumes - 1.7) ** 3 + 2 * (volumes - 1.7)) == pytest.approx(1.7)
    assert vanishing_pressure(volumes, volumes) is None
    assert vanishing_pressure(volumes, (volumes - 1.2) * (volumes - 2.1)) is None
