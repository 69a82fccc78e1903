"""What names of columns mean, and that another quantity is never taken for a reference."""

import io

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from mlip_core.datasets import read_dataset
from mlip_core.datasets.meaning import Rank, meaning
from mlip_core.errors import DatasetError

REFERENCES = {
    "forces": "REF_forces REF_force dft_forces DFT_forces DFT_force forces_dft dft_force vasp_force qm_forces forces_ref "
    "ref_f DFTforces pbeForces true_forces target_forces mtt::forces r2scan_forces reference_force",
    "energy": "REF_energy dft_energy DFT_Energy energy_dft vasp_energy reference_energy energy_ref mtt::energy "
    "uncorrected_total_energy REF_E qm_energy dftEnergy wb97x_energy",
    "stress": "REF_stress dft_virial DFT_virials stress_dft mtt::stress",
}
PLAIN = {
    "forces": "forces force Forces Force FORCES f F frc atomic_forces",
    "energy": "energy Energy energies E e total_energy TotEnergy totalEnergy potential_energy free_energy etot E_tot epot "
    "e_0_energy e_fr_energy e_wo_entrp",
    "stress": "stress virial virials Virial Stress stress_tensor virial_stress",
}
NAMED = {"forces": "my_forces forces_2", "energy": "corrected_total_energy my_energy", "stress": "my_stress"}
PREDICTIONS = {
    "forces": "MACE_forces mace_force forces_mace nequip_forces ml_forces predicted_forces forces_pred gap_force "
    "chgnetForces MACEForces mace_mp_0_forces non_conservative_forces dp_forces mlff_forces 7net_forces NEP_force",
    "energy": "mace_energy energy_mace MACE_energy pred_energy energy_predicted m3gnet_energy dp_energy",
    "stress": "MACE_stress ml_virial stress_pred",
}
OTHERS = {
    "forces": "velocity velocities velo vel v momenta momentum dipoles dipole magmoms initial_magmoms spin displacement "
    "positions pos coords forces_std force_error forces_sigma force_weights dispersion_forces forces_diff born_charges "
    "electric_field torque delta_forces_diff mace_forces_std",
    "energy": "energy_per_atom formation_energy energy_sigma energy_error energy_std energy_uncertainty config_energy_weight "
    "kinetic_energy energy_pa peratom_energy atomic_energy cohesive_energy binding_energy e_above_hull dispersion_energy "
    "e_per_atom formation_energy_per_atom energyPerAtom energy_cutoff dft_energy_per_atom DFT_energy_error fermi_energy "
    "relative_energy mace_energy_std adsorption_energy zpe_energy",
    "stress": "stress_error virial_weight stress_weight kinetic_stress stress_std",
}


def cases(table, rank):
    return [(quantity, key, rank) for quantity, keys in table.items() for key in keys.split()]


@pytest.mark.parametrize(
    ("quantity", "key", "rank"),
    [
        *cases(REFERENCES, Rank.REFERENCE),
        *cases(PLAIN, Rank.PLAIN),
        *cases(NAMED, Rank.NAMED),
        *cases(PREDICTIONS, Rank.PREDICTION),
        *cases(OTHERS, Rank.OTHER),
    ],
)
def test_meaning_of_a_name(quantity, key, rank):
    found = meaning(quantity, key)
    assert found.rank is rank, found
    assert bool(found.why) == (rank > Rank.NAMED)


def emt_file(columns, *, comment="", n=6):
    """Rattled copper as extended XYZ; ``columns``: name → (EMT's forces, random) → array."""
    out = io.StringIO()
    rng = np.random.default_rng(7)
    for seed in range(n):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.08, seed=seed)
        atoms.calc = EMT()
        forces, energy = atoms.get_forces(), atoms.get_potential_energy()
        noise = rng.normal(0, 0.05, forces.shape)
        table = np.hstack([atoms.positions, *(column(forces, noise) for column in columns.values())])
        properties = "".join(f":{name}:R:3" for name in columns)
        lattice = " ".join(map(str, atoms.cell.array.ravel()))
        out.write(f'4\nLattice="{lattice}" Properties=species:S:1:pos:R:3{properties} ')
        out.write(comment.format(e=energy, e_pa=energy / 4) + "\n")
        out.writelines("Cu " + " ".join(f"{x:.10f}" for x in row) + "\n" for row in table)
    return out.getvalue().encode()


def true(forces, noise):
    return forces


def other(forces, noise):
    return noise


def forces_of_emt(dataset):
    for frame in dataset:
        atoms = frame.atoms.copy()
        atoms.calc = EMT()
        yield frame.forces, atoms.get_forces()


@pytest.mark.parametrize(
    ("columns", "taken"),
    [
        (("momenta", "forces"), "results/forces"),
        (("velocity", "Force"), "Force"),
        (("velo", "vasp_force"), "vasp_force"),
        (("dipoles", "Forces"), "Forces"),
        (("MACE_forces", "forces_dft"), "forces_dft"),
        (("mace_force", "force"), "force"),
        (("velocities", "forces_sigma", "my_forces"), "my_forces"),
        (("MACE_forces", "mtt::forces"), "mtt::forces"),
    ],
)
def test_the_forces_are_taken_wherever_they_stand(columns, taken):
    """EMT's own forces: the error must be zero, and nothing is doubted."""
    content = emt_file({name: true if name in taken else other for name in columns})
    dataset = read_dataset(content, "md.extxyz")
    assert dataset.keys["forces"] == {taken: 6}
    for found, right in forces_of_emt(dataset):
        np.testing.assert_allclose(found, right, atol=1e-7)
    assert dataset.notes() == []
    left = set(columns) - {taken.removeprefix("results/")}
    assert set(dataset.others["forces"]) == left
    table = dataset.keys_table().set_index("key")
    assert table.loc[taken, "n_frames"] == 6
    assert all(table.loc[name, "why_not"].startswith("by its name") for name in left)


@pytest.mark.parametrize("name", ["velocity", "velo", "dipoles", "momenta"])
def test_another_quantity_alone_is_no_force(name):
    with pytest.raises(DatasetError, match=rf"no forces \({name} is by its name"):
        read_dataset(emt_file({name: other}), "md.extxyz")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("MACE_forces",), r'MACE_forces is by its name a model\'s prediction.*forces_key="MACE_forces"'),
        (("arrows",), r'arrows is three numbers an atom, but not by its name forces.*forces_key="arrows"'),
        (("forces_a", "forces_b"), r"forces_a, forces_b could be the reference.*forces_key="),
    ],
)
def test_what_is_not_clear_is_asked(columns, message):
    content = emt_file({name: true if k == 0 else other for k, name in enumerate(columns)})
    with pytest.raises(DatasetError, match=message):
        read_dataset(content, "md.extxyz")
    chosen = read_dataset(content, "md.extxyz", forces_key=columns[0])
    for found, right in forces_of_emt(chosen):
        np.testing.assert_allclose(found, right, atol=1e-7)
    bare = read_dataset(content, "md.extxyz", labelled=False)
    assert bare.unclear["forces"] == columns
    assert bare.notes()[0].startswith("No forces were taken: " + columns[0])


def test_equal_columns_need_no_choice():
    dataset = read_dataset(emt_file({"forces_a": true, "forces_b": true}), "md.extxyz")
    assert dataset.keys["forces"] == {"forces_a": 6}
    assert dataset.notes() == []


@pytest.mark.parametrize(
    ("comment", "taken"),
    [
        ("energy_per_atom={e_pa} energy={e}", "results/energy"),
        ("formation_energy=-0.1 Energy={e}", "Energy"),
        ("mace_energy=-3.0 TotEnergy={e}", "TotEnergy"),
        ("energy_sigma=0.1 final_energy={e}", "final_energy"),
        ("E={e} energy_error=0.3 config_energy_weight=1.0", "E"),
        ("free_energy={e}", "results/free_energy"),
    ],
)
def test_the_energy_is_the_total_one(comment, taken):
    dataset = read_dataset(emt_file({"forces": true}, comment=comment), "md.extxyz")
    assert dataset.keys["energy"] == {taken: 6}
    for frame in dataset:
        atoms = frame.atoms.copy()
        atoms.calc = EMT()
        assert frame.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-7)
    assert not any("another calculation" in note for note in dataset.notes())


@pytest.mark.parametrize(
    ("comment", "why"),
    [
        ("energy_per_atom={e_pa}", "energy_per_atom is by its name an energy per atom"),
        ("mace_energy={e}", "mace_energy is by its name a model's prediction"),
        ("formation_energy={e} energy_std=0.1", "formation_energy is by its name a difference of energies"),
        ("energy_a={e} energy_b=1.5", "energy_a could be it; energy_b could be it"),
    ],
)
def test_no_energy_is_better_than_another_one(comment, why):
    dataset = read_dataset(emt_file({"forces": true}, comment=comment), "md.extxyz")
    assert dataset.n_energies == 0
    assert any(note.startswith("No energy was taken: ") and why in note for note in dataset.notes())


@pytest.mark.parametrize(
    ("column", "comment"),
    [
        ("forces", 'energy={e} virial="1 0 0 0 1 0 0 0 1"'),
        ("forces", 'energy={e} virials="1 0 0 0 1 0 0 0 1"'),
        ("force", 'energy={e} stress="1 0 0 0 1 0 0 0 1"'),
        ("force", 'free_energy={e} virial="1 0 0 0 1 0 0 0 1"'),
        ("DFT_force", 'DFT_energy={e} DFT_virials="1 0 0 0 1 0 0 0 1"'),
        ("Forces", "TotEnergy={e}"),
    ],
)
def test_no_false_doubts(column, comment):
    dataset = read_dataset(emt_file({column: true}, comment=comment), "md.extxyz")
    assert dataset.n_energies == 6
    assert dataset.n_stresses == (6 if "1 0 0" in comment else 0)
    assert dataset.notes() == []


def test_forces_that_do_not_add_up_to_zero_are_doubted():
    dataset = read_dataset(emt_file({"my_forces": other}), "md.extxyz")
    (note,) = dataset.notes()
    assert "(my_forces) do not add up to zero in 6 of 6" in note


def test_forces_that_repeat_a_prediction_are_doubted():
    dataset = read_dataset(emt_file({"forces": true, "MACE_forces": true}), "md.extxyz")
    (note,) = dataset.notes()
    assert "(forces) are the same numbers as MACE_forces, which is by its name a model's prediction" in note
    apart = read_dataset(emt_file({"forces": true, "MACE_forces": other}), "md.extxyz")
    assert apart.notes() == []


def test_a_second_reference_that_differs_is_told():
    differing = emt_file({"forces": true, "dft_forces": other}, comment="energy={e} dft_energy=-1.0")
    notes = read_dataset(differing, "md.extxyz").notes()
    assert "Other forces that could be the reference are there, and differ: dft_forces (6)." in notes
    assert "Other energy that could be the reference are there, and differ: dft_energy (6)." in notes
    same = emt_file({"forces": true, "dft_forces": true}, comment="energy={e} dft_energy={e}")
    assert read_dataset(same, "md.extxyz").notes() == []


def test_nothing_is_said_of_what_a_person_decided():
    content = emt_file({"forces": true, "dft_forces": other}, comment='energy={e} stress="1 0 0 0 1 0 0 0 1"')
    chosen = read_dataset(content, "md.extxyz", forces_key="results/forces", energy_key="results/energy", stress_key="")
    assert chosen.notes() == []
    assert chosen.unclear == {}
    assert chosen.left_out == ("stress",)
