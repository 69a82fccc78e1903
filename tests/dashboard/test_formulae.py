"""Formulae of labelled structures as people write them."""

import io

import pandas as pd
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from dashboard.views.force_errors.formulae import with_formulae
from mlip_core.datasets.shelf import Shelf


def test_a_crystal_is_written_by_its_formula_unit_and_a_molecule_whole(tmp_path):
    frames = [bulk("SiC", "zincblende", a=4.36, cubic=True), molecule("C6H6")]
    for atoms in frames:
        atoms.calc = SinglePointCalculator(atoms, forces=0 * atoms.positions, energy=0.0)
    text = io.StringIO()
    write(text, frames, format="extxyz")
    shelf = Shelf(tmp_path)
    data = shelf.open(shelf.bring(text.getvalue().encode(), "both.extxyz"))
    counted = [frame.atoms.get_chemical_formula() for frame in data]
    assert counted == ["C4Si4", "C6H6"]
    table = pd.DataFrame({"structure": [1, 0], "formula": counted[::-1]})
    assert with_formulae(table, data.path)["formula"].tolist() == ["C₆H₆", "SiC"]
