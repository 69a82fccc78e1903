"""A CIF with its space group reads back as the same crystal, with few atoms listed."""

import numpy as np
import pytest
from ase.build import bulk, molecule

from mlip_core.errors import SettingsError, StructureError
from mlip_core.structures import library_structure, read_structure, standardise, symmetry
from mlip_core.structures.symmetrised import symmetrised_cif


@pytest.mark.parametrize(("name", "listed"), [("mgo", 2), ("tio2", 2), ("zno", 2), ("batio3", 3)])
def test_it_lists_one_atom_a_site_and_reads_back(name, listed):
    crystal = library_structure(name)
    text = symmetrised_cif(crystal)
    sites = [line for line in text.splitlines() if line.strip() and line.split()[0] in crystal.get_chemical_symbols()]
    assert len([line for line in sites if len(line.split()) > 5]) == listed
    again = standardise(read_structure(text.encode(), name="a.cif"), symprec=1e-4)
    assert again.get_chemical_formula() == crystal.get_chemical_formula()
    assert symmetry(again, 1e-4).number == symmetry(crystal, 1e-4).number
    assert again.get_volume() == pytest.approx(crystal.get_volume(), rel=1e-6)


def test_noise_within_the_tolerance_is_taken_away():
    noisy = bulk("NaCl", "rocksalt", a=5.64)
    noisy.positions += np.random.default_rng(0).normal(scale=1e-4, size=noisy.positions.shape)
    assert "Fm-3m" in symmetrised_cif(noisy, 1e-2)
    assert "Fm-3m" not in symmetrised_cif(noisy, 1e-6)


def test_what_is_no_crystal_is_refused():
    with pytest.raises(StructureError, match="not periodic"):
        symmetrised_cif(molecule("H2O"))
    with pytest.raises(SettingsError, match="positive"):
        symmetrised_cif(bulk("Al"), 0)
