"""Force constants of the reference phonons, for programs without phonopy.

    python force_constants.py      phonons.extxyz -> force_constants.npz

Needs this project. Each material is taken from the largest supercell there is.
"""

from mlip_core.assets import asset
from mlip_core.calculations.phonons.reference_bands import FILE, ReferenceCrystals, stored_crystal
from mlip_core.records import save
from mlip_core.reference.pbe import reference_materials, reference_phonons, reference_supercells


def main() -> None:
    """Write the file."""
    crystals = [
        stored_crystal(reference_phonons(name, supercell=reference_supercells(name)[-1]), name)
        for name in reference_materials()
    ]
    save(ReferenceCrystals(crystals=tuple(crystals)), asset(*FILE))


if __name__ == "__main__":
    main()
