"""PBE energies, forces and stresses with GPAW, one frame after the other; a run continues where its file ends.

    python3 label.py setups --folder SETUPS  make the PAW setups of MADE, there
    python3 label.py equilibrium             lattice constants from an equation of state -> equilibrium.json
    python3 label.py rattled [--limit N]     rattled.todo.extxyz -> rattled.extxyz
    python3 label.py phonons [--limit N]     phonons.todo.extxyz -> phonons.extxyz
    python3 label.py convergence             one frame of each kind at finer settings -> convergence.json
    python3 label.py cutoff                  MgO and LiF with other setups and cutoffs -> cutoff.json

Needs GPAW with its setups (Debian: gpaw, gpaw-data), not the rest of this project. Settings are in `calculator`;
REF_energy is the free energy, with which the forces are consistent. All but the first need
GPAW_SETUP_PATH=SETUPS:/usr/share/gpaw-setups (or where else gpaw-data lies).
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.eos import EquationOfState
from ase.io import read, write
from gpaw import GPAW, PW, FermiDirac

METALS = {"Al", "Cu"}
DENSITY = {("phonons", "Al"): 2.0} | {(kind, name): 0.5 for kind in ("phonons", "rattled") for name in ("MgO", "LiF")}
"""Times the k-points per axis: more where those of the others were not enough (L of aluminium moved by 1 THz), fewer
where a wide gap needs no more."""
SHIFTED = {"MgO", "LiF"}
"""With Monkhorst and Pack's k-points, which avoid Γ where they are even: 4×4×4 in the primitive cell of MgO give the
force of its TO mode to 0.03 %."""
MADE = {"MgO": {"Mg": "v10", "O": "v6"}, "LiF": {"Li": "v3", "F": "v7"}}
"""Setups made by GPAW's generator with its own parameters, in place of gpaw-data's, v and the number of electrons.
That of Li in gpaw-data keeps 1s in the core, which makes LiF 0.03 Å too large and its TO mode at Γ 1.2 THz too hard."""
CUTOFF = {"MgO": 600, "LiF": 800}
"""eV, where the 400 eV of the others are not enough."""
FINE_CUTOFF = {"MgO": 800, "LiF": 1000}
"""eV, to check them."""
EQUILIBRIUM_CUTOFF = {"MgO": 800, "LiF": 800}
"""eV, of the equations of state; 450 for the others."""
CHECKED_SETUPS = (
    ("MgO", {}, 6, (400, 500, 600, 800, 1000)),
    ("MgO", {"Mg": "2"}, 6, (400, 500, 600, 800, 1000)),
    ("MgO", {"Mg": "v10"}, 5, (600, 800, 1200)),
    ("MgO", {"Mg": "v10", "O": "v6"}, 5, (600, 800, 1200)),
    ("LiF", {}, 6, (400, 500, 600, 800, 1000)),
    ("LiF", {"Li": "v3"}, 5, (600, 800, 1200)),
    ("LiF", {"Li": "v3", "F": "v7"}, 5, (600, 800, 1200)),
)
"""Name, setups in place of the default ones, k-points per axis, cutoffs (eV): what `cutoff` compares."""
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
CHECKED += [("rattled", "LiF"), ("phonons", "LiF"), ("rattled", "NaCl")]
EV_PER_A3_IN_GPA = 160.2176634
EV_PER_AMU_A2 = 9.648533212e27
"""One eV/(u Å²) in 1/s²."""


def kpoints(atoms: Atoms, name: str, density: float = 1.0) -> tuple[int, ...]:
    """K-points of 30 Å (metals) or 20 Å per axis times density."""
    length = density * (30 if name in METALS else 20)
    return tuple(max(1, int(np.ceil(length / x))) for x in atoms.cell.lengths())


def calculator(
    name: str,
    kpts: tuple[int, ...],
    convergence: dict,
    *,
    cutoff: float | None = None,
    width: float = 0.05,
    setups: dict | None = None,
) -> GPAW:
    """PBE, plane waves (eV; those of the material without), k-points, Fermi-Dirac width (eV)."""
    return GPAW(
        mode=PW(cutoff or CUTOFF.get(name, 400)),
        xc="PBE",
        kpts={"size": kpts, "gamma": name not in SHIFTED},
        occupations=FermiDirac(width),
        convergence=convergence,
        setups=MADE.get(name, {}) if setups is None else setups,
        txt=None,
    )


def setups(folder: Path) -> None:
    """Make the setups of MADE, scalar-relativistic PBE, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for element, tag in sorted({pair for made in MADE.values() for pair in made.items()}):
        command = ["gpaw", "dataset", element, "-f", "PBE", "-s", "-w", "-t", tag, "-e", tag.removeprefix("v")]
        subprocess.run(command, cwd=folder, check=True)


def equation_of_state(name: str, cutoff: float) -> dict:
    """Lattice constant, bulk modulus and energy of the primitive cell from five volumes at one cutoff.

    The k-points are those of the middle volume at all five: where their number changes on the way, the energy jumps.
    """
    structure, a = START[name]
    kpts = kpoints(bulk(name, structure, a), name)
    volumes, energies = [], []
    for x in np.linspace(0.97, 1.03, 5):
        atoms = bulk(name, structure, a * x)
        atoms.calc = calculator(name, kpts, {"energy": 1e-6}, cutoff=cutoff)
        energies.append(atoms.get_potential_energy())
        volumes.append(atoms.get_volume())
    v0, e0, modulus = EquationOfState(volumes, energies).fit()
    return {
        "structure": structure,
        "a": float((4 * v0) ** (1 / 3)),
        "bulk_modulus_GPa": float(modulus * EV_PER_A3_IN_GPA),
        "energy_per_cell": float(e0),
        "volumes": [float(volume) for volume in volumes],
        "energies": [float(energy) for energy in energies],
    }


def equilibrium(folder: Path) -> None:
    """Write the lattice constants of all materials."""
    path = folder / "equilibrium.json"
    done = json.loads(path.read_text()) if path.exists() else {}
    for name in START:
        if name not in done:
            done[name] = equation_of_state(name, EQUILIBRIUM_CUTOFF.get(name, 450))
            path.write_text(json.dumps(done, indent=1))


def cutoff(folder: Path) -> None:
    """Write what setups and cutoff do to MgO and LiF: lattice constant, bulk modulus, stress and TO mode at Γ."""
    path = folder / "cutoff.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    done = [(row["name"], row["setups"], row["cutoff"]) for row in rows]
    for name, setups, n_kpoints, cutoffs in CHECKED_SETUPS:
        for energy in cutoffs:
            if (name, setups, energy) not in done:
                rows.append(checked(name, setups, n_kpoints, energy))
                path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
                print(rows[-1], flush=True)


def checked(name: str, setups: dict, n_kpoints: int, energy: float, step: float = 0.02) -> dict:
    """Fit five volumes within ±2 % of START; there also the stress (eV/Å³), and TO (THz) from a cation moved by step (Å)."""
    structure, a = START[name]
    settings = {"cutoff": energy, "setups": setups}
    volumes, energies, stresses = [], [], []
    for x in np.linspace(0.98, 1.02, 5):
        atoms = bulk(name, structure, a * x)
        atoms.calc = calculator(name, (n_kpoints,) * 3, {"energy": 1e-7}, **settings)
        energies.append(atoms.get_potential_energy())
        volumes.append(atoms.get_volume())
        stresses.append(np.trace(atoms.get_stress(voigt=False)) / 3)
    v0, _, modulus = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    atoms = bulk(name, structure, a)
    atoms.positions[0, 0] += step
    atoms.calc = calculator(name, (n_kpoints,) * 3, CONVERGENCE["phonons"], **settings)
    spring = -atoms.get_forces()[0, 0] / step
    to = np.sqrt(spring * np.sum(1 / atoms.get_masses()) * EV_PER_AMU_A2) / (2 * np.pi) * 1e-12
    return {"name": name, **settings, "kpoints": n_kpoints} | {
        "a": round((4 * v0) ** (1 / 3), 4),
        "bulk_modulus_GPa": round(modulus * EV_PER_A3_IN_GPA, 1),
        "stress": round(float(stresses[2]), 4),
        "to_thz": round(float(to), 3),
    }


def results(atoms: Atoms, kind: str, **settings: float) -> tuple[tuple, float, np.ndarray, np.ndarray]:
    """K-points, energy (eV), forces (eV/Å) and stress (eV/Å³) of one frame."""
    work, name = atoms.copy(), str(atoms.info["name"])
    kpts = kpoints(work, name, settings.pop("density", 1.0) * DENSITY.get((kind, name), 1.0))
    work.calc = calculator(name, kpts, CONVERGENCE[kind], **settings)
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
        finer = FINER | ({"cutoff": {"cutoff": FINE_CUTOFF[name]}} if name in FINE_CUTOFF else {})
        for setting, change in finer.items():
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
    parser.add_argument("what", choices=["setups", "equilibrium", "rattled", "phonons", "convergence", "cutoff"])
    parser.add_argument("--limit", type=int, default=10**6, help="stop when the file holds this many frames")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).resolve().parent.parent, help="where the files lie"
    )
    options = parser.parse_args()
    if options.what in CONVERGENCE:
        label(options.folder, options.what, options.limit)
    else:
        actions = {"setups": setups, "equilibrium": equilibrium, "convergence": convergence, "cutoff": cutoff}
        actions[options.what](options.folder)


if __name__ == "__main__":
    main()
