"""What a student learns from, and for how long."""

from dataclasses import dataclass, field

from mlip_core.assets import asset
from mlip_core.errors import SettingsError
from mlip_core.models.files import sha256
from mlip_core.records import record

START = "pet-demo"
"""Name of the bundled model whose weights a student begins with."""
FEWEST_STRUCTURES, MOST_STRUCTURES = 4, 2000
MOST_EPOCHS = 500


def start_weights() -> str:
    """Return the first digits of the hash of the weights that a student begins with; "" where they are not here."""
    path = asset("models", f"{START}.pt")
    return sha256(path)[:12] if path.is_file() else ""


@record("DistillationSettings")
@dataclass(frozen=True, kw_only=True)
class DistillationSettings:
    """What a student learns from, and for how long.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    n_structures: int = 150
    """Number of variants to learn from, 4 to 2,000; validation and test take some more."""
    epochs: int = 24
    """How often each of them is learned, 1 to 500. With more and all else the same, learning goes on from where it was."""
    augmentation: bool = True
    """Whether each variant is turned at random whenever it is learned; without, the student never sees another orientation."""
    rattle: float = 0.1
    """Largest standard deviation of the atoms' random displacements by component, 0.01 to 0.2 Å."""
    strain: float = 0.03
    """Largest entry of the strain tensor, 0.001 to 0.1; a pure number."""
    seed: int = 1
    """Seed of every random number."""
    start: str = field(default_factory=start_weights)
    """First digits of the hash of the weights that the student begins with: others give another student."""

    def __post_init__(self) -> None:
        _check("n_structures", self.n_structures, FEWEST_STRUCTURES, MOST_STRUCTURES)
        _check("epochs", self.epochs, 1, MOST_EPOCHS)
        _check("seed", self.seed, 0, 2**31)
        if not 0.01 <= self.rattle <= 0.2:
            raise SettingsError(
                f"rattle must be from 0.01 to 0.2 Å, not {self.rattle}: larger ones push hard crystals out of all that a model knows."
            )
        if not 0.001 <= self.strain <= 0.1:
            raise SettingsError(f"strain must be from 0.001 to 0.1, not {self.strain}.")


def n_validation(settings: DistillationSettings) -> int:
    """Variants that are watched while the student learns."""
    return max(4, settings.n_structures // 10)


def n_test(settings: DistillationSettings) -> int:
    """Variants that the student meets at the end."""
    return max(5, settings.n_structures // 7)


def _check(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most:,}, not {value!r}.")
