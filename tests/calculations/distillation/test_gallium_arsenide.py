"""A student of gallium arsenide, which the bundled model never saw, is good enough to be compared with its teacher."""

import numpy as np
import pytest
import torch

import mlip_core as mlip
from mlip_core.configuration import Configuration
from mlip_core.structures import library_structure

SUPERCELL = (3, 3, 3)
SOFT = -0.05
"""THz; frequencies below it count as imaginary."""


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_gallium_arsenide_is_learned_from_sevennet_in_four_minutes_of_one_core():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        teacher = Configuration(model="sevennet-0").load()
        found = mlip.distill(library_structure("gaas"), teacher)
    finally:
        torch.set_num_threads(threads)
    assert found.processor_seconds < 240
    assert found.direct.met
    assert found.conservative.met
    assert found.history.direct_rotational[-1] < 0.5 * found.history.direct_rotational[0]

    exact = mlip.load_model("sevennet-0", dtype="float64")
    settings = mlip.RelaxationSettings(fmax=1e-3, cell="full", fix_symmetry=True, optimizer="LBFGS")
    crystal = mlip.relax(found.structure, exact, settings).structure
    wanted = mlip.phonons(crystal, exact, mlip.PhononSettings(supercell_matrix=SUPERCELL)).band_structure.frequencies
    for forces in ("direct", "conservative"):
        student = mlip.load_model(found.model, forces=forces, dtype="float64")
        phonons = mlip.PhononSettings(supercell_matrix=SUPERCELL, displacements="full")
        bands = mlip.phonons(crystal, student, phonons).band_structure.frequencies
        assert np.abs(bands - wanted).mean() < 0.05 * wanted.max()
        assert bands.min() > SOFT, "gallium arsenide is stable"
    relaxed = mlip.relax(crystal, student, settings)
    assert relaxed.converged
    np.testing.assert_allclose(relaxed.structure.cell.lengths(), crystal.cell.lengths(), rtol=5e-3)
