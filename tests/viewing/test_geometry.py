import numpy as np
from ase.cell import Cell

from mlip_core.viewing.geometry import edges


def test_a_cell_has_twelve_edges_four_along_each_vector():
    cell = np.array(Cell.fromcellpar([3, 4, 5, 70, 80, 100]))
    found = edges(cell)
    assert found.shape == (12, 2, 3)
    for vector in cell:
        along = np.isclose(found[:, 1] - found[:, 0], vector).all(axis=1)
        assert along.sum() == 4
    ends, counts = np.unique(np.round(found.reshape(-1, 3), 9), axis=0, return_counts=True)
    assert len(ends) == 8  # corners, where three edges meet
    assert set(counts) == {3}
    assert np.allclose(found.mean(axis=(0, 1)), cell.sum(axis=0) / 2)
