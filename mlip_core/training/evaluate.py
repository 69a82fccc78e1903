"""Measure an exported model beside its teacher and write its card."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.errors import SettingsError
from mlip_core.models import load_model
from mlip_core.models.model import Forces, Model
from mlip_core.progress import Progress, silent
from mlip_core.training import properties
from mlip_core.training.accuracy import SMALL_RATTLE, accuracy, heads_difference
from mlip_core.training.card import bar, data_summary, domain, file_hash, recipe
from mlip_core.training.settings import Crystal, TrainingSettings

HANDFUL = 6
"""Number of test structures, one a crystal, on which the difference of the two heads is stated."""
FORCE_BARS: dict[Forces, float] = {"direct": 0.10, "conservative": 0.13}
"""Bars for the force MAE over the mean force, by crystal."""
BAND_BAR = 0.05
"""Bar for the band MAE over the teacher's highest frequency."""
LATTICE_BAR = 0.005
"""Bar for the relative error of the lattice constant."""
SPEED_BAR = 10.0
"""Bar for the teacher's time over the model's, direct forces, 64 atoms."""


def evaluate(
    settings: TrainingSettings,
    folder: Path,
    exported: Path,
    structures: Sequence[Atoms],
    constants: dict[str, float],
    *,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Measure everything a card says.

    Parameters
    ----------
    settings : TrainingSettings
    folder : path
        Training folder: logs, and the teacher's phonons once they are computed.
    exported : path
        The ``.pt`` file.
    structures : sequence of Atoms
        Every labelled structure, all splits.
    constants : dict
        Teacher's lattice constants, Å.
    progress : callable, optional
        Called after each part of each mode of forces.

    Returns
    -------
    dict
        The card: data, recipe, domain, results by mode of forces, speed, bars.
    """
    models = _modes(exported)
    crystals = settings.data.crystals
    references = properties.teacher_phonons(crystals, constants, settings.teacher, folder)
    test = [atoms for atoms in structures if atoms.info["split"] == "test"]
    modes: dict[str, Any] = {}
    for done, (mode, model) in enumerate(models.items()):
        modes[mode] = {
            "test": accuracy(test, model.predict(test)),
            "crystals": {c.name: properties.lattice_and_bands(c, model, references[c.name]) for c in crystals},
            "rotations": properties.rotations(crystals, constants, model),
            "jacobian_asymmetry": {c.name: properties.rattled_asymmetry(c, constants[c.name], model) for c in crystals},
        }
        progress(done + 1, len(models), mode=mode)
    card = {
        "name": settings.name,
        "sha256": file_hash(exported),
        "data": data_summary(settings, structures, constants),
        "recipe": recipe(settings, folder),
        "domain": domain(structures),
        "units": UNITS,
        "forces": modes,
        "heads": _heads(test, models),
        "speed": force_call_times(models, settings.teacher, crystals[0], constants),
    }
    return card | {"bars": bars(card)}


UNITS = {
    "energy": "meV/atom, nothing removed",
    "force": "meV/Å per component",
    "stress": "GPa per component",
    "relative_mae": "force MAE per component over the mean length of the teacher's force, rattled by up to 0.1 Å",
    "relative_mae_per_component": "the same over the mean absolute component",
    "rotations": "std over 24 generic orientations of 2×2×2 primitive cells rattled by 0.1 Å; meV/atom, meV/Å",
    "jacobian_asymmetry": "λ of the cubic cell rattled by 0.05 Å",
    "band_mae": "THz, corrected force constants, full displacements, 3×3×3 cubic cells, each at its own lattice constant",
    "lattice_constant": "Å",
    "seconds": "median wall time of one force call, 64 atoms, models taking turns in one process",
}


def _modes(exported: Path) -> dict[Forces, Model]:
    """Load the modes of forces a file has: direct, where it has a head for them, and conservative."""
    models: dict[Forces, Model] = {}
    with suppress(SettingsError):
        models["direct"] = load_model(exported, forces="direct", dtype="float32")
    models["conservative"] = load_model(exported, forces="conservative", dtype="float32")
    return models


def handful(test: Sequence[Atoms]) -> list[Atoms]:
    """First clearly but not wildly rattled test structure of each crystal."""
    first: dict[str, Atoms] = {}
    for atoms in sorted(test, key=lambda atoms: atoms.info["id"]):
        if 0.03 <= atoms.info.get("rattle", 0.0) <= SMALL_RATTLE and len(atoms) > 2:
            first.setdefault(atoms.info["crystal"], atoms)
    return list(first.values())


def _heads(test: Sequence[Atoms], models: dict[Forces, Model]) -> dict[str, Any] | None:
    if "direct" not in models:
        return None
    chosen = handful(test)
    difference = heads_difference(chosen, models["direct"], models["conservative"])
    return {"ids": [atoms.info["id"] for atoms in chosen], "force_difference_rms": 1e3 * difference}


def force_call_times(
    models: dict[Forces, Model], teacher: str, crystal: Crystal, constants: dict[str, float]
) -> dict[str, Any]:
    """Seconds a force call on 64 atoms, and ratios to the teacher in its own float32."""
    atoms = properties.crystal_cell(crystal, constants[crystal.name])
    atoms *= (2, 2, 2)
    names = [*models, "teacher"]
    asked = [*models.values(), load_model(teacher, dtype="float32")]
    seconds = dict(zip(names, properties.seconds_a_call(asked, atoms), strict=True))
    ratios = {f"teacher_over_{mode}": seconds["teacher"] / seconds[mode] for mode in models}
    if "direct" in models:
        ratios["conservative_over_direct"] = seconds["conservative"] / seconds["direct"]
    return {"n_atoms": len(atoms), "seconds": seconds, **ratios}


def bars(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Requirements, each with the figure of the worst crystal."""
    found = []
    for mode, result in card["forces"].items():
        errors = {
            name: entry["relative_mae"]
            for name, entry in result["test"]["by_crystal"].items()
            if "relative_mae" in entry
        }
        if errors:
            worst = max(errors, key=errors.__getitem__)
            found.append(
                bar(f"{mode} force MAE over mean force, worst crystal ({worst})", errors[worst], FORCE_BARS[mode])
            )
        found += _crystal_bars(mode, result["crystals"])
        found += _rotation_bars(mode, result, direct="direct" in card["forces"])
    if "direct" in card["forces"]:
        found.append(
            bar("teacher's time over direct forces'", card["speed"]["teacher_over_direct"], SPEED_BAR, at_least=True)
        )
    return found


def _crystal_bars(mode: str, crystals: dict[str, Any]) -> list[dict[str, Any]]:
    bands = {name: entry["band_mae_relative"] for name, entry in crystals.items()}
    errors = {name: entry["lattice_error"] for name, entry in crystals.items()}
    lattice = {name: np.inf if error is None else abs(error) for name, error in errors.items()}
    imaginary = [name for name, entry in crystals.items() if entry["new_imaginary_mode"]]
    worst, furthest = max(bands, key=bands.__getitem__), max(lattice, key=lattice.__getitem__)
    return [
        bar(f"{mode} band MAE over highest frequency, worst crystal ({worst})", bands[worst], BAND_BAR),
        bar(f"{mode} lattice constant error, worst crystal ({furthest})", lattice[furthest], LATTICE_BAR),
        bar(
            f"{mode} crystals with imaginary modes the teacher has not ({', '.join(imaginary) or 'none'})",
            len(imaginary),
            0,
        ),
    ]


def _rotation_bars(mode: str, result: dict[str, Any], *, direct: bool) -> list[dict[str, Any]]:
    """Where rotations were learned their breaking must show, below the force error; elsewhere it must not."""
    spread = [entry["forces_rot_std"] for entry in result["rotations"].values()]
    if not direct:
        return [bar(f"{mode} rotational force std, meV/Å, largest", max(spread), 0.05)]
    error = result["test"]["force_rmse"]
    return [
        bar(f"{mode} rotational force std, meV/Å, mean over crystals", float(np.mean(spread)), 1.0, at_least=True),
        bar(f"{mode} rotational force std over the force RMSE of the test", float(np.mean(spread)) / error, 1.0),
    ]
