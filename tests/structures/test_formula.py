"""Formulae are written as chemists write them."""

import pytest
from ase import Atoms
from ase.build import bulk, molecule

from mlip_core.structures import formula, library, library_structure

WRITTEN = ["TiO2", "SiC", "SrTiO3", "BaTiO3", "GaAs", "ZnO", "CaF2", "LiF", "AlN", "NaCl", "CeO2", "UO2", "LaB6", "XeF2", "HgCdTe", "Li7La3Zr2O12", "BN", "PbTe", "H2O", "NH3", "CH4", "CO2", "HF", "CsPbI3"]  # fmt: skip


@pytest.mark.parametrize("usual", WRITTEN)
def test_the_usual_order_of_elements(usual):
    atoms = Atoms(usual)
    atoms = atoms[atoms.numbers.argsort()]
    plain = formula(atoms).translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
    assert plain == usual


def test_a_crystal_is_named_by_its_unit_and_a_molecule_by_all_its_atoms():
    assert formula(bulk("Si", cubic=True)) == "Si"
    assert formula(bulk("Si", cubic=True), whole=True) == "Si₈"
    assert formula(molecule("C6H6")) == "C₆H₆"
    assert formula(molecule("H2O2")) == "H₂O₂"


def test_the_librarys_formulae():
    found = {item.id: formula(library_structure(item.id)) for item in library()}
    assert (found["tio2"], found["sic"], found["srtio3"], found["benzene"]) == ("TiO₂", "SiC", "SrTiO₃", "C₆H₆")
