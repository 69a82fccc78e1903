import warnings

import numpy as np
import phonopy
import pytest
from ase.build import bulk

from mlip_core.calculations.phonons import NonAnalytical, PhononSettings, phonons
from mlip_core.calculations.phonons.export import force_constants_text, phonopy_params


@pytest.mark.parametrize("displacements", ["reduced", "full"])
def test_phonopy_reads_its_files_back(magnesia, tmp_path, displacements):
    conventional, springs = magnesia
    structure = bulk("MgO", "rocksalt", conventional.cell[0, 0])
    settings = PhononSettings(supercell_matrix=(2, 2, 2), displacements=displacements, mesh=(2, 2, 2), n_qpoints=20)
    p = phonons(structure, springs, settings)
    (tmp_path / "phonopy_params.yaml").write_text(phonopy_params(p))
    (tmp_path / "FORCE_CONSTANTS").write_text(force_constants_text(p))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = phonopy.load(
            tmp_path / "phonopy_params.yaml", symmetrize_fc=False, is_symmetry=displacements == "reduced", log_level=0
        )
        corrected = phonopy.load(
            tmp_path / "phonopy_params.yaml", force_constants_filename=tmp_path / "FORCE_CONSTANTS", log_level=0
        )
    qpoints = p.band_structure.qpoints[1:]
    assert np.allclose(raw.run_qpoints(qpoints).frequencies, p.raw_band_structure.frequencies[1:], atol=1e-5)
    assert np.allclose(corrected.run_qpoints(qpoints).frequencies, p.band_structure.frequencies[1:], atol=1e-5)


def test_born_charges_go_along(magnesia, tmp_path):
    conventional, springs = magnesia
    charges = [1.9 * np.eye(3) * (1 if symbol == "Mg" else -1) for symbol in conventional.get_chemical_symbols()]
    nac = NonAnalytical(born_charges=charges, dielectric=3 * np.eye(3))
    p = phonons(
        conventional, springs, PhononSettings(supercell_matrix=(1, 1, 1), mesh=(2, 2, 2), n_qpoints=20, nac=nac)
    )
    (tmp_path / "phonopy_params.yaml").write_text(phonopy_params(p))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = phonopy.load(tmp_path / "phonopy_params.yaml", symmetrize_fc=False, log_level=0)
    assert np.allclose(loaded.nac_params["born"][0], 1.9 * np.eye(3))
    q = p.band_structure.qpoints[2:3]
    assert np.allclose(loaded.run_qpoints(q).frequencies, p.raw_band_structure.frequencies[2:3], atol=1e-5)
