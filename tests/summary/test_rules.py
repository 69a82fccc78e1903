"""What is concluded from numbers, and from the results of models whose virtues are known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

import mlip_core as mlip
from mlip_core.models.model import Claims
from mlip_core.summary import verdicts
from mlip_core.summary.facts import Evidence, Facts, facts
from mlip_core.summary.rules import RULES, level_of, worst
from mlip_core.summary.verdicts import COLUMNS, judge
from mlip_core.symmetry.moving import large_enough

GOOD = Facts(
    unconverged=0.0,
    symmetry_lost=0.0,
    work_gap=0.01,
    imaginary=0.0,
    acoustic=0.001,
    splitting=0.001,
    band_share=2.0,
    force_share=5.0,
    noise=1e-4,
    curl=0.0,
    loop=0.0,
    drift=0.0,
    failed_run=0.0,
    laws_broken=(),
    laws_measured=5,
    gradient=0.0,
    jumps=0.0,
)
"""A model that keeps everything."""
PAIRS = {"epsilon": 0.4, "sigma": 2.6, "rc": 6.5, "ro": 5.2, "smooth": True}
"""A Lennard-Jones potential with which aluminium's lattice is near its minimum."""


def sentence(monkeypatch, averaged=False, **changes):
    """What is concluded from the facts of a good model with some changed."""
    monkeypatch.setattr(verdicts, "facts", lambda evidence: replace(GOOD, **changes))
    return judge(Evidence(averaged=averaged)).sentence


def test_every_rule_has_limits_in_order_and_a_reason():
    for rule in RULES:
        assert rule.kept <= rule.broken
        assert rule.column in COLUMNS
        assert rule.measure in Facts.__dataclass_fields__
        assert rule.reason.endswith(".")
        assert rule.says.format(value=1.0)
    assert len({rule.measure for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.measure)
def test_a_number_at_its_limit_is_kept_and_above_the_other_is_broken(rule):
    assert level_of(rule, Facts()) is None
    assert level_of(rule, Facts(**{rule.measure: rule.kept})) == "kept"
    if np.isfinite(rule.broken):
        assert level_of(rule, Facts(**{rule.measure: 1.001 * rule.broken + 1e-9})) == "broken"
        assert level_of(rule, Facts(**{rule.measure: rule.broken})) == (
            "kept" if rule.kept == rule.broken else "doubtful"
        )
    else:
        assert level_of(rule, Facts(**{rule.measure: 1e9})) == "doubtful"


def test_the_worst_of_a_column_colours_it():
    assert worst([None, "kept", "doubtful", None]) == "doubtful"
    assert worst(["doubtful", "broken", "kept"]) == "broken"
    assert worst([None]) is None


def test_a_good_model_may_be_used_for_everything(monkeypatch):
    assert sentence(monkeypatch) == "Relax: yes. Constant-energy dynamics: yes. Phonons: yes."


def test_an_unconstrained_model_is_mended_where_a_correction_helps(monkeypatch):
    direct = {
        "unconverged": 1.0,
        "symmetry_lost": 2.0,
        "work_gap": 14.8,
        "acoustic": 0.22,
        "splitting": 0.37,
        "curl": 3.0,
        "noise": 3.3,
    }
    assert sentence(monkeypatch, **direct) == (
        "Relax: only with an average over rotations. Constant-energy dynamics: no (the forces are no gradient). "
        "Phonons: only with corrected force constants."
    )
    assert "Relax: no (it does not converge)." in sentence(monkeypatch, averaged=True, **direct)


def test_what_no_correction_mends_is_said_first(monkeypatch):
    said = sentence(monkeypatch, band_share=16.4, acoustic=0.5)
    assert said.endswith("Phonons: no (the bands differ by 16 % from the reference).")
    assert "with care (it loses the space group)" in sentence(monkeypatch, symmetry_lost=1.0)
    assert "with care (its energy is not what the forces lower)" in sentence(monkeypatch, work_gap=0.5)


def test_nothing_is_concluded_from_nothing():
    verdict = judge(Evidence())
    assert verdict.sentence == ""
    assert set(verdict.levels.values()) == {None}


@pytest.fixture(scope="module")
def aluminium():
    return bulk("Al", a=4.0)


@pytest.fixture(scope="module")
def measured(aluminium):
    """Everything about a smooth potential of pairs: all laws are kept."""
    return evidence_of(aluminium, mlip.from_ase(LennardJones(**PAIRS), name="pairs"))


def evidence_of(structure, model):
    large = large_enough(structure)
    relaxed = mlip.relax(structure, model, mlip.RelaxationSettings(cell="full", fmax=1e-4))
    settings = mlip.PhononSettings(supercell_matrix=(2, 2, 2), displacements="full", mesh=(3, 3, 3), n_qpoints=20)
    return Evidence(
        relaxation=relaxed,
        rotations=mlip.rotational_variance(large, model, mlip.RotationSettings(rattle=0.05, n_angles=0)),
        conservation=mlip.conservation(large, model, mlip.ConservationSettings(rattle=0.05, n_random_loops=0)),
        phonons=mlip.phonons(relaxed.structure, model, settings),
        passport=mlip.passport(structure, model, mlip.PassportSettings(n_directions=1)),
        claims=Claims(True, True, True, True, True),
    )


def test_a_potential_of_pairs_keeps_all_laws(measured):
    verdict = judge(measured)
    assert verdict.sentence == "Relax: yes. Constant-energy dynamics: yes. Phonons: yes."
    assert {verdict.levels[column] for column in ("relaxes", "symmetry", "noise", "drift", "laws", "raw")} == {"kept"}
    assert [verdict.levels[column] for column in ("bands", "forces", "cost")] == [None] * 3
    assert verdict.facts.laws_measured == 5
    assert verdict.facts.drift_bound is None or verdict.facts.drift == 0


class Swirling(LennardJones):
    """Lennard-Jones with forces that have a curl: each atom is pushed sideways, in proportion to where it is."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        push = np.cross([0.0, 0.0, 1.0], self.atoms.positions - self.atoms.positions.mean(axis=0))
        self.results["forces"] = self.results["forces"] + push


def test_forces_with_a_curl_are_found_out(aluminium):
    model = mlip.from_ase(Swirling(**PAIRS), name="swirl")
    large = large_enough(aluminium)
    settings = mlip.ConservationSettings(rattle=0.05, n_random_loops=0, picoseconds=0)
    evidence = Evidence(conservation=mlip.conservation(large, model, settings))
    found = facts(evidence)
    assert found.curl > 1.0
    assert "no gradient" in judge(evidence).uses["Constant-energy dynamics"]
    assert judge(evidence).levels["drift"] == "broken"


def test_a_drift_that_is_not_resolved_counts_as_none_and_gives_a_bound():
    run = SimpleNamespace(stopped=None, drift=0.004, drift_error=0.02, resolved=False)
    found = facts(Evidence(conservation=SimpleNamespace(jacobian_asymmetry=None, loop=None, run=run)))
    assert found.drift == 0
    assert found.drift_bound == pytest.approx(4 + 60)
    run = SimpleNamespace(stopped=None, drift=-0.004, drift_error=0.001, resolved=True)
    found = facts(Evidence(conservation=SimpleNamespace(jacobian_asymmetry=None, loop=None, run=run)))
    assert (found.drift, found.drift_bound) == (pytest.approx(4), None)


def test_lambda_within_three_of_its_errors_counts_as_none():
    measured = {"jacobian_floor": 1e-7, "loop": None, "run": None}
    within = SimpleNamespace(jacobian_asymmetry=2.9e-3, jacobian_error=1e-3, **measured)
    beyond = SimpleNamespace(jacobian_asymmetry=3.1e-3, jacobian_error=1e-3, **measured)
    assert facts(Evidence(conservation=within)).curl == 0
    assert facts(Evidence(conservation=beyond)).curl == pytest.approx(0.31)


def test_forces_are_judged_on_the_material_alone(labelled):
    """The forces of the data are a tenth too large, so that the error is a tenth of them, in every part."""
    errors = mlip.force_errors(labelled, mlip.from_ase(EMT(), name="EMT"))
    assert facts(Evidence(errors=errors)).force_share == pytest.approx(100 * 0.1 / 1.1)
    named = errors.by_structure.assign(**{"tag:name": errors.by_structure["tag:half"]})
    part = facts(Evidence(errors=replace(errors, by_structure=named), material="second"))
    second = errors.by_structure[errors.by_structure["tag:half"] == "second"]
    assert part.force_mae == pytest.approx(1000 * np.average(second["mae"], weights=second["n_atoms"]))
    assert facts(Evidence(errors=replace(errors, by_structure=named), material="third")).force_mae is None
    assert isinstance(errors.by_structure, pd.DataFrame)
