import numpy as np
import pytest


@pytest.fixture(scope="session")
def assert_same():
    """Hold a data set to the frames that it was written from: structures, energies, forces, and stresses where there are any."""

    def hold(dataset, frames, atol=1e-7):
        assert len(dataset) == len(frames)
        for found, atoms in zip(dataset, frames, strict=True):
            assert (found.atoms.numbers == atoms.numbers).all()
            assert (found.atoms.pbc == atoms.pbc).all()
            np.testing.assert_allclose(found.atoms.positions, atoms.positions, atol=atol)
            np.testing.assert_allclose(found.atoms.cell.array, atoms.cell.array, atol=atol)
            np.testing.assert_allclose(found.forces, atoms.calc.results["forces"], atol=atol)
            assert found.energy == pytest.approx(atoms.calc.results["energy"], abs=atol)
            if "stress" in atoms.calc.results:
                np.testing.assert_allclose(found.stress, atoms.get_stress(voigt=False), atol=atol)
            else:
                assert found.stress is None

    return hold
