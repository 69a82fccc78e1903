"""What each environment is made of: data."""

from pathlib import Path
from typing import NamedTuple

SERVED = Path(__file__).parent / "served"


class Recipe(NamedTuple):
    """How an environment is made, and who answers in it."""

    name: str
    """Name that ``mlip-dashboard models add`` takes."""
    title: str
    """Name of the family for people."""
    requirements: tuple[str, ...]
    """What is installed, as ``pip`` and ``uv`` take it."""
    package: str
    """Module that the family is, and that holds the weights of ``weights: package``."""
    serves: Path
    """File with the family's ``load``, run in the environment."""
    python: tuple[int, int] = (3, 11)
    """Oldest Python that its packages run on."""
    note: str = ""
    """One sentence more for people."""


UNTESTED = "Untested with real weights, which could not be downloaded where this program was made."
_ALL = (
    Recipe("mace", "MACE", ("torch==2.13.0", "mace-torch==0.3.16", "ase>=3.29"), "mace", SERVED / "mace.py"),
    Recipe("diep", "DIEP", ("torch==2.13.0", "diep==2.0.0", "ase>=3.29"), "diep", SERVED / "diep.py"),
    Recipe("orb", "Orb v3", ("torch==2.13.0", "orb-models==0.7.0"), "orb_models", SERVED / "orb.py", (3, 12), UNTESTED),
    Recipe(
        "mattersim",
        "MatterSim",
        ("torch==2.13.0", "mattersim==1.2.5"),
        "mattersim",
        SERVED / "mattersim.py",
        (3, 12),
        UNTESTED,
    ),
)
RECIPES = {recipe.name: recipe for recipe in _ALL}
