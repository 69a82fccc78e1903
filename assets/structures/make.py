"""Build the structures of the library: ``python assets/structures/make.py``.

Geometries come from `ase.build` and the lattice constants below, whose sources stand
in ``catalogue.yaml``. Crystals are stored as primitive standard cells.
"""

from pathlib import Path

from ase import Atoms
from ase.build import bulk, fcc111, graphene, molecule
from ase.spacegroup import crystal

from mlip_core.structures import standardise, write_structure

HERE = Path(__file__).parent


def rutile() -> Atoms:
    """TiO2, P4_2/mnm."""
    return crystal(
        ["Ti", "O"], [(0, 0, 0), (0.3053, 0.3053, 0)], spacegroup=136, cellpar=[4.59373, 4.59373, 2.95812, 90, 90, 90]
    )


def perovskite(a_site: str, b_site: str, a: float) -> Atoms:
    """ABO3, Pm-3m, B in the centre."""
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)]
    return crystal([a_site, b_site, "O"], places, spacegroup=221, cellpar=[a, a, a, 90, 90, 90])


def silicon_vacancy() -> Atoms:
    """Return 2 × 2 × 2 conventional cells of Si without one atom."""
    atoms = bulk("Si", "diamond", a=5.431020511, cubic=True).repeat(2)
    del atoms[0]
    return atoms


CRYSTALS = {
    "si": bulk("Si", "diamond", a=5.431020511),
    "diamond": bulk("C", "diamond", a=3.567),
    "ge": bulk("Ge", "diamond", a=5.658),
    "al": bulk("Al", "fcc", a=4.05),
    "cu": bulk("Cu", "fcc", a=3.61),
    "na": bulk("Na", "bcc", a=4.225),
    "mg": bulk("Mg", "hcp", a=3.21, c=5.21),
    "mgo": bulk("MgO", "rocksalt", a=4.2112),
    "nacl": bulk("NaCl", "rocksalt", a=5.64056),
    "lif": bulk("LiF", "rocksalt", a=4.0173),
    "sic": bulk("SiC", "zincblende", a=4.3596),
    "gaas": bulk("GaAs", "zincblende", a=5.6537),
    "zno": bulk("ZnO", "wurtzite", a=3.2495, c=5.2069, u=0.345),
    "caf2": bulk("CaF2", "fluorite", a=5.46295),
    "batio3": perovskite("Ba", "Ti", 4.0118),
    "srtio3": perovskite("Sr", "Ti", 3.9051),
    "tio2": rutile(),
}
OTHERS = {
    "si-vacancy": silicon_vacancy(),
    "al-111": fcc111("Al", size=(1, 1, 7), a=4.05, vacuum=8.0, periodic=False),
    "graphene": graphene(a=2.456, vacuum=8.0),
    "water": molecule("H2O"),
    "co2": molecule("CO2"),
    "benzene": molecule("C6H6"),
}


def main() -> None:
    """Write every file."""
    for name, atoms in {**{name: standardise(atoms) for name, atoms in CRYSTALS.items()}, **OTHERS}.items():
        (HERE / f"{name}.xyz").write_text(write_structure(atoms, "extxyz"), encoding="utf-8")


if __name__ == "__main__":
    main()
