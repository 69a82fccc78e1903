"""What a phonon calculation costs beyond the model, beside the same phonopy calls in a bare script.

Processor time is compared, because other work on the machine stretches wall time;
the model's answers are remembered, so that none of it is the model's.
"""

import warnings
from time import process_time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import mlip_core as mlip
from mlip_core.calculations.phonons import PhononSettings, phonons

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
    """Make the same calls without this package."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    unitcell = PhonopyAtoms(structure.get_chemical_symbols(), cell=structure.cell[:], positions=structure.positions)
    phonopy = Phonopy(unitcell, np.diag([2, 2, 2]), primitive_matrix="auto")
    phonopy.generate_displacements(distance=SETTINGS.displacement)
    cells = [
        Atoms(cell.symbols, cell=cell.cell, positions=cell.positions, pbc=True)
        for cell in phonopy.supercells_with_displacements
    ]
    answers = model.predict(cells)
    phonopy.forces = [answer.forces for answer in answers]
    phonopy.produce_force_constants(calculate_full_force_constants=False)
    for corrected in (False, True):
        if corrected:
            phonopy.symmetrize_force_constants(use_symfc_projector=True)
        phonopy.run_band_structure(segments)
        phonopy.run_mesh(SETTINGS.mesh, is_gamma_center=True)
        phonopy.run_total_dos()
    phonopy.run_thermal_properties(temperatures=np.arange(0, 1001, 10), exclude_gamma_acoustic=True)


def seconds(run, *arguments):
    begin = process_time()
    run(*arguments)
    return process_time() - begin


@pytest.mark.slow
@pytest.mark.benchmark
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
            ours.append(seconds(phonons, structure, model, SETTINGS))
            bare.append(seconds(bare_script, structure, model, segments))
    ratio = min(ours) / min(bare)
    with capsys.disabled():
        print(
            f"\n{name}, {len(first.supercell)} atoms, CHGNet: model {first.model_seconds:.2f} s (wall), beyond it "
            f"{min(ours):.2f} s, bare phonopy script {min(bare):.2f} s, ratio {ratio:.2f}"
        )
    assert ratio <= 1.3
