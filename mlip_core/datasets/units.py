"""Units that a person declares for reference data, turned into eV, eV/Å and eV/Å³."""

from dataclasses import dataclass

from mlip_core.errors import DatasetError

UNIT_CHOICES = ("eV/Å", "Ry/bohr", "Hartree/bohr", "kcal/mol/Å", "kJ/mol/Å", "meV/Å")
"""Names for :meth:`Units.named` that a page may offer."""


@dataclass(frozen=True, kw_only=True)
class Units:
    """What the numbers of a file mean. No file is believed to say it: these are declared.

    Raises
    ------
    DatasetError
        If a unit is not known.
    """

    energy: str = "eV"
    """eV, meV, Ry, Hartree, kcal/mol or kJ/mol; total energy of a structure."""
    forces: str = "eV/Å"
    """An energy over Å, bohr or nm."""
    stress: str = "eV/Å³"
    """An energy over a cubed length, or GPa, kbar, Pa."""
    lengths: str = "Å"
    """Å, bohr or nm; of positions and cells."""

    def __post_init__(self) -> None:
        _ = (self.energy_in_ev, self.forces_in_ev_per_a, self.stress_in_ev_per_a3, self.lengths_in_a)

    @classmethod
    def named(cls, name: "str | Units") -> "Units":
        """Units of one force unit throughout: "Ry/bohr" is Ry, Ry/bohr and Ry/bohr³; positions stay in Å."""
        if isinstance(name, Units):
            return name
        energy, length = _ratio(name)
        return cls(energy=energy, forces=name, stress=f"{energy}/{length}³")

    @property
    def energy_in_ev(self) -> float:
        """Factor to eV."""
        return _energy(self.energy)

    @property
    def forces_in_ev_per_a(self) -> float:
        """Factor to eV/Å."""
        energy, length = _ratio(self.forces)
        return _energy(energy) / _length(length)

    @property
    def stress_in_ev_per_a3(self) -> float:
        """Factor to eV/Å³."""
        import ase.units as u

        pressures = {"GPa": u.GPa, "kbar": 1e8 * u.Pascal, "Pa": u.Pascal}
        if self.stress in pressures:
            return pressures[self.stress]
        energy, length = _ratio(self.stress.replace("^3", "³"))
        return _energy(energy) / _length(length.removesuffix("³")) ** 3

    @property
    def lengths_in_a(self) -> float:
        """Factor to Å."""
        return _length(self.lengths)


def _ratio(unit: str) -> tuple[str, str]:
    energy, slash, length = str(unit).strip().rpartition("/")
    if not slash:
        raise DatasetError(
            f"{unit!r} is not a unit of forces or stress: expected an energy over a length, such as {', '.join(UNIT_CHOICES)}."
        )
    return energy, length


def _energy(name: str) -> float:
    import ase.units as u

    energies = {
        "eV": 1.0,
        "meV": 1e-3,
        "Ry": u.Ry,
        "Hartree": u.Hartree,
        "Ha": u.Hartree,
        "kcal/mol": u.kcal / u.mol,
        "kJ/mol": u.kJ / u.mol,
    }
    return _of(energies, name, "energy")


def _length(name: str) -> float:
    import ase.units as u

    return _of(
        {"Å": 1.0, "Angstrom": 1.0, "angstrom": 1.0, "A": 1.0, "bohr": u.Bohr, "Bohr": u.Bohr, "nm": u.nm},
        name,
        "length",
    )


def _of(known: dict[str, float], name: str, what: str) -> float:
    if name not in known:
        raise DatasetError(f"{name!r} is not a known unit of {what}: choose one of {', '.join(known)}.")
    return known[name]
