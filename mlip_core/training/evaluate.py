"""Measure an exported model beside its teacher and write its card."""

from collections.abc import Mapping, Sequence
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
from mlip_core.training.card import bar, data_summary, domain, file_hash, recipe, start_of
from mlip_core.training.cells import Relaxed, cell_of
from mlip_core.training.settings import TrainingSettings

FORCE_BARS: dict[Forces, float] = {"direct": 0.13, "conservative": 0.10}
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
    cells: Mapping[str, Relaxed],
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
        The labelled structures that were learned, validated and kept for the test.
    cells : mapping
        What the teacher's relaxation gave, by the crystal's name.
    progress : callable, optional
        Called after each part of each mode of forces.

    Returns
    -------
    dict
        The card: data, recipe, domain, results by mode of forces, speed, bars.
    """
    models = _modes(exported)
    crystals = [crystal for crystal in settings.crystals if crystal.bands is not None]
    references = properties.teacher_phonons(crystals, cells, settings.teacher, settings.label_dtype, folder)
    test = [atoms for atoms in structures if atoms.info["split"] == "test"]
    modes: dict[str, Any] = {}
    for done, (mode, model) in enumerate(models.items()):
        modes[mode] = {
            "test": accuracy(test, model.predict(test)),
            "crystals": {
                c.name: properties.lattice_and_bands(c, cells[c.name], model, references[c.name]) for c in crystals
            },
            "rotations": properties.rotations(crystals, cells, model),
            "jacobian_asymmetry": {c.name: properties.rattled_asymmetry(c, cells[c.name], model) for c in crystals},
        }
        progress(done + 1, len(models), mode=mode)
    card = {
        "name": settings.name,
        "sha256": file_hash(exported),
        "data": data_summary(settings, structures, cells),
        "start": start_of(settings),
        "recipe": recipe(settings, folder),
        "domain": domain(structures),
        "units": UNITS,
        "forces": modes,
        "heads": _heads(test, models),
        "speed": force_call_times(models, settings.teacher, cell_of(crystals[0], cells[crystals[0].name], cubic=True)),
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
    "band_mae": "THz, corrected force constants, full displacements, each at its own lattice constant",
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


def force_call_times(models: dict[Forces, Model], teacher: str, cell: Atoms) -> dict[str, Any]:
    """Seconds a force call on 2×2×2 cells, and ratios to the teacher in its own float32."""
    atoms = cell * (2, 2, 2)
    names = [*models, "teacher"]
    asked = [*models.values(), load_model(teacher, dtype="float32")]
    seconds = dict(zip(names, properties.seconds_a_call(asked, atoms), strict=True))
    ratios = {f"teacher_over_{mode}": seconds["teacher"] / seconds[mode] for mode in models}
    if "direct" in models:
        ratios["conservative_over_direct"] = seconds["conservative"] / seconds["direct"]
    return {"n_atoms": len(atoms), "seconds": seconds, **ratios}


def bars(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Requirements, each with the figure of the worst crystal and the names of all that miss it."""
    found = []
    for mode, result in card["forces"].items():
        errors = {
            name: entry["relative_mae"]
            for name, entry in result["test"]["by_crystal"].items()
            if "relative_mae" in entry
        }
        if errors:
            found.append(_worst(f"{mode} force MAE over mean force", errors, FORCE_BARS[mode]))
        found += _crystal_bars(mode, result["crystals"])
        found += _rotation_bars(mode, result, direct="direct" in card["forces"])
    if "direct" in card["forces"]:
        found.append(
            bar("teacher's time over direct forces'", card["speed"]["teacher_over_direct"], SPEED_BAR, at_least=True)
        )
    return found


def _worst(what: str, values: dict[str, float], limit: float) -> dict[str, Any]:
    worst = max(values, key=values.__getitem__)
    missed = [name for name, value in values.items() if value > limit]
    return bar(f"{what}, worst crystal ({worst})", values[worst], limit) | ({"missed": missed} if missed else {})


def _crystal_bars(mode: str, crystals: dict[str, Any]) -> list[dict[str, Any]]:
    bands = {name: entry["band_mae_relative"] for name, entry in crystals.items()}
    errors = {name: entry["lattice_error"] for name, entry in crystals.items()}
    lattice = {name: np.inf if error is None else abs(error) for name, error in errors.items()}
    new = [name for name, entry in crystals.items() if entry["new_imaginary_mode"]]
    lost = [name for name, entry in crystals.items() if entry["lost_imaginary_mode"]]
    return [
        _worst(f"{mode} band MAE over highest frequency", bands, BAND_BAR),
        _worst(f"{mode} lattice constant error", lattice, LATTICE_BAR),
        bar(f"{mode} crystals with imaginary modes the teacher has not ({', '.join(new) or 'none'})", len(new), 0),
        bar(f"{mode} crystals without imaginary modes the teacher has ({', '.join(lost) or 'none'})", len(lost), 0),
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
