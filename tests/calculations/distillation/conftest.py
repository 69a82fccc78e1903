import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from mlip_core.models.ase import AseModel


class Teacher(AseModel):
    """EMT, which counts what it is asked, and can be told for what to fail."""

    def __init__(self, fails=lambda atoms: False):
        super().__init__(EMT(), name="EMT")
        self.identity = "EMT"
        self.fails = fails
        self.asked = 0

    def _forward(self, structures):
        self.asked += len(structures)
        if any(self.fails(atoms) for atoms in structures):
            raise RuntimeError("the neighbour list overflowed")
        return super()._forward(structures)


@pytest.fixture
def teacher():
    return Teacher()


@pytest.fixture
def copper():
    return bulk("Cu", a=3.65)
