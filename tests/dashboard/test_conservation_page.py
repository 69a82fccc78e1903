"""Conservation leads with a verdict, and a number that is not resolved counts against nobody."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from dashboard.views.conservation.verdict import VERDICT, numbers, verdict, with_error
from mlip_core.calculations.conservation import ConservationSettings, Loop
from mlip_core.calculations.conservation.calculation import Conservation
from mlip_core.calculations.conservation.closed_loops import LoopWork
from mlip_core.calculations.conservation.dynamics import ConstantEnergyRun
from mlip_core.configuration import Configuration
from mlip_core.symmetry.moving import large_enough

EXACT, LEANING = Configuration(model="chgnet"), Configuration(model="pet-demo", forces="direct")


def run(drift, error):
    times = np.linspace(0, 0.5, 501)
    return ConstantEnergyRun(times, drift * times, np.full(501, 300.0), 1.0, drift, error, None)


def record(curl=3e-5, curl_error=1e-5, work=1e-9, drift=0.0):
    loop = LoopWork(Loop(atom_a=0, atom_b=1), np.linspace(0, work, 25), work, 1e-7, 1e-3)
    return Conservation(
        model="toy", structure=large_enough(bulk("Si")), settings=ConservationSettings(), jacobian_asymmetry=curl,
        jacobian_error=curl_error, jacobian_floor=1e-5, loop=loop, random_loops=None, heads=None, net_force=0.0,
        net_torque=None, run=run(drift, 1e-5), evaluations=1, seconds=1.0,
    )  # fmt: skip


UNRESOLVED, DIRECT = record(curl=0.0293, curl_error=0.0254), record(curl=0.0093, curl_error=2e-4, work=5e-5)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.0093, 2e-4, "9.3×10⁻³ ± 2×10⁻⁴"), (-0.27, 0.01, "−0.27 ± 0.01"), (0.3, 0.1, "≤ 0.60, not resolved"),
     (0.301, 0.1, "0.30 ± 0.1"), (0.3, None, "0.30, too short to tell"), (None, None, "–")],
)  # fmt: skip
def test_a_number_within_three_errors_is_a_bound(value, error, text):
    assert with_error(value, error) == text


def test_a_curl_that_is_not_resolved_ranks_nobody_below_one_that_is():
    assert numbers(UNRESOLVED)["λ of ∂F/∂x"] == "≤ 0.076, not resolved"
    assert verdict(UNRESOLVED, EXACT) == ("kept", "yes")
    assert verdict(DIRECT, LEANING) == ("doubtful", "with care (the forces are no gradient)")
    assert verdict(record(curl=0.03, curl_error=2e-4), LEANING) == ("broken", "no (the forces are no gradient)")


def test_a_noisy_run_alone_says_nothing():
    alone = replace(record(), jacobian_asymmetry=None, loop=None, run=run(0.01, 0.01))
    assert verdict(alone, LEANING) == (None, "not resolved")
    assert verdict(replace(alone, run=run(0.02, 1e-3)), LEANING) == ("broken", "no (the energy drifts)")


def test_the_page_leads_with_the_verdict(visitor):
    app = visitor.open("conservation", structure="si", lineup=f"{LEANING.code},{EXACT.code}")
    answers = {LEANING.label: DIRECT, EXACT.label: UNRESOLVED}
    for asked in visitor.start(app):
        visitor.answer(asked, answers[asked.label])
    visitor.run(app)
    table = app.table[0]
    assert list(table.value.columns) == [
        VERDICT,
        "Drift (meV/atom/ps)",
        "Work around the loop (meV/atom)",
        "λ of ∂F/∂x",
    ]
    said = dict(zip(table.value.index, table.value[VERDICT], strict=True))
    assert said == {LEANING.label: "○ with care (the forces are no gradient)", EXACT.label: "✓ yes"}
