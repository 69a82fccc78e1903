"""Conversion factors. Results hold eV, Å, eV/Å, eV/Å³ and THz; only pages convert.

Exact SI (2019) constants, so each factor follows from e, h, c and k_B alone.
"""

EV_PER_A3_IN_GPA = 160.2176634
"""One eV/Å³ in GPa (e × 1e21)."""

THZ_IN_CM1 = 33.35640951981521
"""One THz in cm⁻¹ (1e10 / c)."""

THZ_IN_MEV = 4.135667696923859
"""One THz in meV (h / e × 1e15)."""

THZ_IN_KELVIN = 47.99243073366221
"""One THz in K (h / k_B × 1e12)."""

EV_IN_KJ_PER_MOL = 96.48533212331002
"""One eV per particle in kJ/mol (e × N_A / 1000)."""
