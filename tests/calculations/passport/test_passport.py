"""Every law is found broken in its own line and in no other."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.neighborlist import neighbor_list
from vesin import ase_neighbor_list

import mlip_core as mlip
from mlip_core import records
from mlip_core.calculations.conservation.calculation import force_jacobian, jacobian_asymmetry
from mlip_core.calculations.passport.calculation import LAWS, PassportSettings, passport
from mlip_core.calculations.passport.gradient import gradient_error
from mlip_core.calculations.passport.smoothness import choose_line, smoothness
from mlip_core.errors import Cancelled, SettingsError
from mlip_core.models.model import Claims, Counted, Model, Prediction
from mlip_core.symmetry.corrections import Corrections, correct
from mlip_core.symmetry.pair_potential import PairPotential

CUTOFF = 3.2
ALL = Claims(rotation=True, inversion=True, translation=True, conservative=True, smooth=True)


class Pairs(Model):
    """E = Σ (1 − r/r_c)³ over directed pairs, and what a subclass adds: invariant, conservative, smooth."""

    name = "pairs"
    dtype = "float64"
    claims = ALL

    def _forward(self, structures):
        return [self.one(atoms) for atoms in structures]

    def one(self, atoms):
        i, j, arrow = ase_neighbor_list("ijD", atoms, CUTOFF)
        r = np.linalg.norm(arrow, axis=1)
        energy, slope = self.pair(r)
        energy, gradient = np.sum(energy), (slope / r)[:, None] * arrow
        extra, more = self.environment(i, arrow, r, len(atoms))
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, i, gradient + more)
        np.add.at(forces, j, -gradient - more)
        field, pull = self.field(atoms)
        return Prediction(float(energy + extra + field), self.spoil(i, arrow, r, forces + pull), None)

    def pair(self, r):
        gap = 1 - r / CUTOFF
        return gap**3, -3 * gap**2 / CUTOFF

    def environment(self, i, arrow, r, n):
        return 0.0, np.zeros_like(arrow)

    def field(self, atoms):
        return 0.0, np.zeros((len(atoms), 3))

    def spoil(self, i, arrow, r, forces):
        return forces


class Oriented(Pairs):
    """The laboratory has a preferred axis; E stays even."""

    def environment(self, i, arrow, r, n):
        axis, w, dw = np.array([0.36, -0.48, 0.8]), (1 - r / CUTOFF) ** 3, -3 * (1 - r / CUTOFF) ** 2 / CUTOFF
        t = arrow @ axis
        return 0.1 * np.sum(w * t**2), 0.1 * ((dw * t**2 / r)[:, None] * arrow + (2 * w * t)[:, None] * axis)


class Handed(Pairs):
    """Adds a pseudoscalar of each neighbourhood, V₁·(V₂ × V₃) with V = Σ g(r) r."""

    def environment(self, i, arrow, r, n):
        gap = 1 - r / CUTOFF
        weights = [gap**p for p in (3, 4, 5)]
        slopes = [-p * gap ** (p - 1) / CUTOFF for p in (3, 4, 5)]
        v = np.zeros((3, n, 3))
        for k, w in enumerate(weights):
            np.add.at(v[k], i, w[:, None] * arrow)
        turned = [np.cross(v[(k + 1) % 3], v[(k + 2) % 3])[i] for k in range(3)]
        gradient = sum(
            w[:, None] * g + (s * np.sum(g * arrow, axis=1) / r)[:, None] * arrow
            for w, s, g in zip(weights, slopes, turned, strict=True)
        )
        return 50 * np.sum(v[0] * np.cross(v[1], v[2])), 50 * gradient


class Pinned(Pairs):
    """A field that is fixed in the cell, and turns with it."""

    def field(self, atoms):
        inverse = np.linalg.inv(atoms.cell.array)
        s = 2 * np.pi * atoms.positions @ inverse
        return 0.01 * np.sum(np.cos(s)), 0.01 * 2 * np.pi * np.sin(s) @ inverse.T


class Stretched(Pairs):
    """Forces of another energy than the one it gives: λ alone would not notice."""

    def spoil(self, i, arrow, r, forces):
        return 1.02 * forces


class Swirling(Pairs):
    """Adds |V|² V with V = Σ g(r) r, which is no gradient."""

    def spoil(self, i, arrow, r, forces):
        v = np.zeros_like(forces)
        np.add.at(v, i, ((1 - r / CUTOFF) ** 2)[:, None] * arrow)
        return forces + 20 * np.sum(v**2, axis=1)[:, None] * v


class Truncated(Pairs):
    """r⁻⁶, cut off."""

    def pair(self, r):
        return r**-6, -6 * r**-7


class Shifted(Truncated):
    """r⁻⁶ moved to zero at the cutoff: the energy is continuous, the forces jump."""

    def pair(self, r):
        energy, slope = super().pair(r)
        return energy - CUTOFF**-6, slope


class ForceShifted(Truncated):
    """Shifted so that energy and forces vanish at the cutoff (Toxvaerd and Dyre)."""

    def pair(self, r):
        energy, slope = super().pair(r)
        at = 6 * CUTOFF**-7
        return energy - CUTOFF**-6 + at * (r - CUTOFF), slope + at


BROKEN = {
    Pairs: set(),
    ForceShifted: set(),
    Oriented: {"rotation"},
    Handed: {"inversion"},
    Pinned: {"translation"},
    Stretched: {"conservative"},
    Swirling: {"conservative"},
    Truncated: {"smooth"},
    Shifted: {"smooth"},
}


@pytest.fixture
def silicon():
    return bulk("Si", "diamond", 5.43, cubic=True)


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_law_is_found_in_its_own_line_only(silicon, kind):
    found = passport(silicon, kind())
    assert {law.name for law in found.laws if not law.kept} == BROKEN[kind]
    assert {law.name for law in found.laws if not law.agrees} == BROKEN[kind]
    for law in found.laws:
        if law.name in BROKEN[kind]:
            assert any(measure.value > 10 * measure.tolerance for measure in law.measures)


def test_forces_of_another_energy_are_told_from_the_gradient_where_lambda_sees_none(silicon):
    silicon.rattle(0.1, seed=1)
    found = gradient_error(silicon, Stretched(), n_directions=40)
    forces = Pairs().predict([silicon])[0].forces
    assert found.rms == pytest.approx(0.02 * np.sqrt(np.mean(forces**2)), rel=0.35)
    assert jacobian_asymmetry(force_jacobian(silicon, Stretched(), 1e-3)) < 1e-5


class Rippled(Pairs):
    """Conservative, with ripples of 10 mÅ: differences of forces take them for a curl."""

    def pair(self, r):
        energy, slope = super().pair(r)
        wave = 2 * np.pi / 0.01
        return energy + 1e-6 * np.cos(wave * r), slope - 1e-6 * wave * np.sin(wave * r)


def test_ripples_are_not_taken_for_work_out_of_nothing(silicon):
    silicon.rattle(0.1, seed=1)
    found = gradient_error(silicon, Rippled())
    assert found.rms < 3 * found.error
    assert jacobian_asymmetry(force_jacobian(silicon, Rippled(), 1e-2)) > 1e-4


def test_a_force_that_no_energy_knows_has_its_size(silicon):
    class Pushed(Pairs):
        def spoil(self, i, arrow, r, forces):
            return forces + np.array([0.1, 0.0, 0.0])

    found = gradient_error(silicon, Pushed(), n_directions=100)
    assert found.rms == pytest.approx(0.1 / np.sqrt(3), rel=0.25)


def test_a_jump_has_its_size(silicon):
    energy, forces = (m.value for m in passport(silicon, Truncated()).law("smooth").measures)
    assert energy == pytest.approx(2 * CUTOFF**-6, rel=1e-2)
    assert forces == pytest.approx(2 * 6 * CUTOFF**-7, rel=0.5)  # largest component of a vector of this length
    energy, forces = (m.value for m in passport(silicon, Shifted()).law("smooth").measures)
    assert energy < 1e-7
    assert 2 * 6 * CUTOFF**-7 / np.sqrt(3) * 0.99 < forces < 2 * 6 * CUTOFF**-7 * 1.01


def test_the_line_leads_past_every_cutoff_that_it_names(silicon):
    line = choose_line(silicon)
    low, high = line.crossed
    assert low < 3
    assert high == 9
    assert min(line.at(place).get_all_distances(mic=True)[0, 1:].min() for place in line.first[::10]) > 1.5
    np.testing.assert_array_equal(line.at(0.0).positions[1:], line.at(line.length).positions[1:])
    for cutoff in np.linspace(low + 0.05, 8.95, 8):
        ends = [neighbor_list("ij", line.at(place), cutoff) for place in np.linspace(0, line.length, 5)]
        counts = [np.bincount(j[i == 0], minlength=8).tolist() for i, j in ends]
        assert any(count != counts[0] for count in counts)


def test_a_jump_off_a_molecule_is_met():
    water = molecule("H2O")
    water.rattle(0.05, seed=1)
    line = choose_line(water)
    assert line.length > CUTOFF
    jump = smoothness(line, Truncated())
    assert jump.energy == pytest.approx(2 * CUTOFF**-6, rel=1e-2)
    assert np.abs(line.at(jump.where).get_distances(line.atom, [1, 2]) - CUTOFF).min() < 1e-3
    assert smoothness(line, ForceShifted()).energy < 1e-7


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "atoms", [bulk("Al"), bulk("NaCl", "rocksalt", 5.6), molecule("H2O")], ids=["Al", "NaCl", "H2O"]
)
def test_an_exact_potential_keeps_every_law(atoms, dtype):
    found = passport(atoms, PairPotential(atoms, dtype=dtype, energy=-4.0 * len(atoms)))
    assert all(law.kept and law.agrees for law in found.laws)
    assert len(found.structure) >= 8 or not atoms.pbc.any()


def test_what_is_not_claimed_and_does_not_hold_agrees_too(silicon):
    model = Oriented()
    model.claims = Claims(rotation=False, inversion=None, translation=False, conservative=True, smooth=True)
    laws = {law.name: law for law in passport(silicon, model).laws}
    assert laws["rotation"].agrees
    assert laws["inversion"].agrees is None
    assert laws["inversion"].kept
    assert laws["translation"].agrees is False  # better than it says


def test_a_lone_atom_has_no_neighbour_to_lose():
    found = passport(Atoms("Cu"), PairPotential(Atoms("Cu"), dtype="float64", energy=-1.0))
    assert found.law("smooth").kept is None
    assert found.crossed is None
    assert choose_line(Atoms("Cu")) is None


def test_evaluations_are_counted_and_progress_ends_at_the_total(silicon):
    counted, seen = Counted(Pairs()), []
    found = passport(silicon, counted, progress=lambda d, t, **k: seen.append((d, t, k["stage"])))
    assert found.evaluations == counted.evaluations == seen[-1][0] == seen[-1][1]
    assert [d for d, *_ in seen] == sorted(d for d, *_ in seen)
    stages = ["structure", "rotations", "translation", "work", "smoothness"]
    assert list(dict.fromkeys(stage for *_, stage in seen)) == stages


def test_cancel(silicon):
    def stop(done, total, **values):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        passport(silicon, Pairs(), progress=stop)


def test_corrections_change_the_claims_and_what_is_measured(silicon):
    few = PassportSettings(n_directions=1, grid="tetrahedral")
    fixed = correct(Handed(), Corrections(inversion=True))
    found = passport(silicon, fixed, few)
    assert found.law("inversion").claimed
    assert found.law("inversion").kept
    half = passport(silicon, correct(Oriented(), Corrections(rotations="tetrahedral")), few).law("rotation").measures
    assert half[0].kept  # the tetrahedral group is exact to the degree of this energy
    assert not passport(silicon, Oriented(), few).law("rotation").measures[0].kept


def test_records_are_kept(tmp_path, silicon):
    found = passport(silicon, Pairs(), PassportSettings(n_directions=2))
    records.save(found, tmp_path / "p.npz")
    again = records.load(tmp_path / "p.npz")
    assert again.laws == found.laws
    assert (again.settings, again.crossed) == (found.settings, found.crossed)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"grid": "none"}, "more than one"), ({"rattle": 2.0}, "rattle"), ({"n_directions": 0}, "at least 1")],
)
def test_settings_that_make_no_sense(wrong, says):
    with pytest.raises(SettingsError, match=says):
        PassportSettings(**wrong)


REAL = [
    ("pet-demo", {"forces": "direct"}, {"rotation", "inversion", "conservative"}),
    ("pet-demo", {"forces": "conservative", "dtype": "float64"}, {"rotation", "inversion"}),
    ("soap-demo", {}, set()),
    ("chgnet", {}, set()),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options", "broken"), REAL, ids=lambda x: x if isinstance(x, str) else "")
def test_real_models_keep_what_they_claim_and_break_what_they_deny(name, options, broken):
    import torch

    torch.set_num_threads(1)
    found = passport(bulk("Si", "diamond", 5.45), mlip.load_model(name, **options))
    assert {law.name for law in found.laws if not law.kept} == broken
    assert all(law.agrees for law in found.laws)


def test_law_names_are_those_of_the_claims():
    assert set(LAWS) == set(Claims.__dataclass_fields__)


def test_energies_that_cancel_to_nearly_nothing_are_not_called_broken():
    """EMT measures energies from the crystal at rest: terms of electronvolts leave next to nothing, but their rounding."""
    found = passport(bulk("Al", cubic=True), mlip.from_ase(EMT(), name="EMT"))
    kept = {law.name: law.kept for law in found.laws}
    assert kept["rotation"]
    assert kept["inversion"]
    assert kept["translation"]
