"""What a phonon calculation costs beyond the model, beside the same phonopy calls in a bare script."""

import warnings
from time import perf_counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import mlip_core as mlip
from mlip_core.phonons import PhononSettings, phonons

CRYSTALS = {
    "Si": bulk("Si", "diamond", 5.46, cubic=True),
    "MgO": bulk("MgO", "rocksalt", 4.24, cubic=True),
}
SETTINGS = PhononSettings(supercell_matrix=(2, 2, 2))
TIMES = 3


class Remembered(mlip.Model):
    """CHGNet's answers, kept: the second asking of a structure takes no time."""

    def __init__(self, model):
        self.name, self.model, self.answers = model.name, model, {}

    def _forward(self, structures):
        keys = [atoms.positions.round(9).tobytes() for atoms in structures]
        new = {key: atoms for key, atoms in zip(keys, structures, strict=True) if key not in self.answers}
        self.answers.update(zip(new, self.model.predict(list(new.values())), strict=True))
        return [self.answers[key] for key in keys]


def bare_script(structure, model, segments):
    """Return seconds outside the model."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    begin = perf_counter()
    unitcell = PhonopyAtoms(structure.get_chemical_symbols(), cell=structure.cell[:], positions=structure.positions)
    phonopy = Phonopy(unitcell, np.diag([2, 2, 2]), primitive_matrix="auto")
    phonopy.generate_displacements(distance=SETTINGS.displacement)
    cells = [
        Atoms(cell.symbols, cell=cell.cell, positions=cell.positions, pbc=True)
        for cell in phonopy.supercells_with_displacements
    ]
    asked = perf_counter()
    answers = model.predict(cells)
    answered = perf_counter()
    phonopy.forces = [answer.forces for answer in answers]
    phonopy.produce_force_constants(calculate_full_force_constants=False)
    for corrected in (False, True):
        if corrected:
            phonopy.symmetrize_force_constants(use_symfc_projector=True)
        phonopy.run_band_structure(segments)
        phonopy.run_mesh(SETTINGS.mesh, is_gamma_center=True)
        phonopy.run_total_dos()
    phonopy.run_thermal_properties(temperatures=np.arange(0, 1001, 10), exclude_gamma_acoustic=True)
    return perf_counter() - answered + asked - begin


@pytest.mark.slow
@pytest.mark.benchmark
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", CRYSTALS)
def test_phonon_overhead(name, capsys):
    structure, model = CRYSTALS[name], Remembered(mlip.load_model("chgnet"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = phonons(structure, model, SETTINGS)
        segments = [first.band_structure.qpoints[start:stop] for start, stop in first.band_structure.segments]
        bare_script(structure, model, segments)
        ours, bare = [], []
        for _ in range(TIMES):
            p = phonons(structure, model, SETTINGS)
            ours.append(p.seconds - p.model_seconds)
            bare.append(bare_script(structure, model, segments))
    ratio = min(ours) / min(bare)
    with capsys.disabled():
        print(
            f"\n{name}, {len(first.supercell)} atoms, CHGNet: model {first.model_seconds:.2f} s, beyond it "
            f"{min(ours):.2f} s, bare phonopy script {min(bare):.2f} s, ratio {ratio:.2f}"
        )
    assert ratio <= 1.3
