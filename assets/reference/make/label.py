"""PBE energies, forces and stresses with GPAW, one frame after the other; a run continues where its file ends.

    python3 label.py equilibrium             lattice constants from an equation of state -> equilibrium.json
    python3 label.py rattled [--limit N]     rattled.todo.extxyz -> rattled.extxyz
    python3 label.py phonons [--limit N]     phonons.todo.extxyz -> phonons.extxyz
    python3 label.py convergence             one frame of each kind at finer settings -> convergence.json
    python3 label.py cutoff                  the equation of state of MgO at higher cutoffs -> cutoff.json

Needs GPAW with its setups (Debian: gpaw, gpaw-data), not the rest of this project. Settings are in `calculator`;
REF_energy is the free energy, with which the forces are consistent.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.eos import EquationOfState
from ase.io import read, write
from gpaw import GPAW, PW, FermiDirac

METALS = {"Al", "Cu"}
DENSER = {("phonons", "Al"): 2.0}
"""Times the k-points per axis where those of the others were not enough: L of aluminium moved by 1 THz."""
START = {
    "Si": ("diamond", 5.47),
    "C": ("diamond", 3.57),
    "SiC": ("zincblende", 4.38),
    "Al": ("fcc", 4.04),
    "Cu": ("fcc", 3.64),
    "MgO": ("rocksalt", 4.26),
    "NaCl": ("rocksalt", 5.70),
    "LiF": ("rocksalt", 4.07),
}
CONVERGENCE = {
    "rattled": {"forces": 1e-3, "energy": 1e-6, "density": 1e-5},
    "phonons": {"forces": 2e-4, "energy": 1e-6, "density": 1e-6},
}
FINER = {"cutoff": {"cutoff": 600}, "k-points": {"density": 1.5}, "smearing": {"width": 0.025}}
CHECKED = [(kind, name) for name in ("Si", "MgO", "Al") for kind in CONVERGENCE]
CHECKED += [("rattled", "LiF"), ("rattled", "NaCl")]
EV_PER_A3_IN_GPA = 160.2176634
EV_PER_AMU_A2 = 9.648533212e27
"""One eV/(u Å²) in 1/s²."""


def calculator(
    atoms: Atoms, metal: bool, convergence: dict, *, cutoff: float = 400, density: float = 1.0, width: float = 0.05
) -> tuple[tuple, GPAW]:
    """PBE, plane waves (eV), Γ-centred k-points of 30 Å (metals) or 20 Å per axis times density, Fermi-Dirac width (eV)."""
    length = density * (30 if metal else 20)
    kpts = tuple(max(1, int(np.ceil(length / x))) for x in atoms.cell.lengths())
    return kpts, GPAW(
        mode=PW(cutoff),
        xc="PBE",
        kpts={"size": kpts, "gamma": True},
        occupations=FermiDirac(width),
        convergence=convergence,
        txt=None,
    )


def equation_of_state(name: str, cutoff: float) -> dict:
    """Lattice constant, bulk modulus and energy of the primitive cell from five volumes at one cutoff."""
    structure, a = START[name]
    volumes, energies = [], []
    for x in np.linspace(0.97, 1.03, 5):
        atoms = bulk(name, structure, a * x)
        _, atoms.calc = calculator(atoms, name in METALS, {"energy": 1e-6}, cutoff=cutoff)
        energies.append(atoms.get_potential_energy())
        volumes.append(atoms.get_volume())
    v0, e0, modulus = EquationOfState(volumes, energies).fit()
    return {
        "structure": structure,
        "a": float((4 * v0) ** (1 / 3)),
        "bulk_modulus_GPa": float(modulus * EV_PER_A3_IN_GPA),
        "energy_per_cell": float(e0),
    }


def equilibrium(folder: Path) -> None:
    """Write the lattice constants of all materials."""
    path = folder / "equilibrium.json"
    done = json.loads(path.read_text()) if path.exists() else {}
    for name in START:
        if name not in done:
            done[name] = equation_of_state(name, 450)
            path.write_text(json.dumps(done, indent=1))


def cutoff(folder: Path) -> None:
    """Write what the cutoff does to MgO: lattice constant, bulk modulus, stress there, and the TO mode at Γ."""
    path = folder / "cutoff.json"
    done = json.loads(path.read_text()) if path.exists() else {}
    for energy in (400, 450, 600, 800):
        if str(energy) not in done:
            start = time.time()
            row = equation_of_state("MgO", energy)
            done[str(energy)] = row | at_equilibrium(row["a"], energy)
            path.write_text(json.dumps(done, indent=1))
            print("cutoff", energy, done[str(energy)], f"{time.time() - start:.0f} s", flush=True)


def at_equilibrium(a: float, energy: float, step: float = 0.02) -> dict:
    """Stress of the undisplaced primitive cell of MgO (eV/Å³), and its TO frequency from one displacement (THz)."""
    atoms = bulk("MgO", "rocksalt", a)
    _, atoms.calc = calculator(atoms, False, CONVERGENCE["rattled"], cutoff=energy)
    stress = float(np.trace(atoms.get_stress(voigt=False)) / 3)
    atoms.positions[0, 0] += step
    _, atoms.calc = calculator(atoms, False, CONVERGENCE["phonons"], cutoff=energy)
    spring = -atoms.get_forces()[0, 0] / step
    mass = 1 / np.sum(1 / atoms.get_masses())
    to = np.sqrt(spring / mass * EV_PER_AMU_A2) / (2 * np.pi) * 1e-12
    return {"stress": stress, "to_thz": float(to)}


def results(atoms: Atoms, kind: str, **settings: float) -> tuple[tuple, float, np.ndarray, np.ndarray]:
    """K-points, energy (eV), forces (eV/Å) and stress (eV/Å³) of one frame."""
    work, name = atoms.copy(), str(atoms.info["name"])
    settings["density"] = settings.get("density", 1.0) * DENSER.get((kind, name), 1.0)
    kpts, work.calc = calculator(work, name in METALS, CONVERGENCE[kind], **settings)
    energy = float(work.get_potential_energy(force_consistent=True))
    return kpts, energy, work.get_forces(), work.get_stress(voigt=False)


def label(folder: Path, kind: str, limit: int) -> None:
    """Append the frames of the list that are not labelled yet, those with few k-points and electrons first."""
    path = folder / f"{kind}.extxyz"
    done = read(path, ":") if path.exists() else []
    have = {frame_name(atoms): atoms for atoms in done}
    todo = read(folder / f"{kind}.todo.extxyz", ":")
    for atoms in todo:
        old = have.get(frame_name(atoms))
        if old is not None and not np.allclose(old.positions, atoms.positions, atol=1e-6):
            raise SystemExit(
                f"{path}: {frame_name(atoms)} is not that of the list. Start a new file or restore the list."
            )
    missing = [atoms for atoms in todo if frame_name(atoms) not in have]
    missing.sort(key=lambda atoms: (atoms.info["name"] in METALS, atoms.info["name"] == "Cu"))
    for atoms in missing[: max(0, limit - len(done))]:
        start = time.time()
        kpts, atoms.info["REF_energy"], atoms.arrays["REF_forces"], stress = results(atoms, kind)
        atoms.info["REF_stress"] = stress.ravel()
        atoms.info["kpoints"] = " ".join(map(str, kpts))
        write(path, atoms, append=True, format="extxyz")
        print(*frame_name(atoms), len(atoms), kpts, f"{time.time() - start:.0f} s", flush=True)


def frame_name(atoms: Atoms) -> tuple:
    """What tells one frame of a list from the others."""
    return str(atoms.info["name"]), int(atoms.info.get("round", atoms.info.get("index", 0)))


def convergence(folder: Path) -> None:
    """Write the forces and the energy of the first labelled frame of each kind and material at finer settings."""
    path = folder / "convergence.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    done = {(row["kind"], row["name"], row["setting"]) for row in rows}
    for kind, name in CHECKED:
        frame = next(atoms for atoms in read(folder / f"{kind}.extxyz", ":") if frame_name(atoms) == (name, 0))
        for setting, change in FINER.items():
            if (kind, name, setting) in done:
                continue
            start = time.time()
            kpts, energy, forces, _ = results(frame, kind, **change)
            row = {"kind": kind, "name": name, "setting": setting, **change, "kpoints": list(kpts)}
            rows.append(row | {"energy": energy, "forces": np.round(forces, 6).tolist()})
            path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
            moved = 1e3 * np.abs(forces - frame.arrays["REF_forces"]).max()
            print(kind, name, setting, kpts, f"{moved:.2f} meV/Å, {time.time() - start:.0f} s", flush=True)


def main() -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["equilibrium", "rattled", "phonons", "convergence", "cutoff"])
    parser.add_argument("--limit", type=int, default=10**6, help="stop when the file holds this many frames")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).resolve().parent.parent, help="where the files lie"
    )
    options = parser.parse_args()
    if options.what in CONVERGENCE:
        label(options.folder, options.what, options.limit)
    else:
        {"equilibrium": equilibrium, "convergence": convergence, "cutoff": cutoff}[options.what](options.folder)


if __name__ == "__main__":
    main()
