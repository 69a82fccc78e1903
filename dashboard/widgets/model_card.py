"""What a bundled model is worth: the figures of its card, as the evaluate command wrote them."""

from functools import lru_cache
from typing import Any

import pandas as pd
import streamlit as st
import yaml
from ase import Atoms
from ase.formula import Formula

from dashboard.widgets.table import show_table
from mlip_core.assets import asset
from mlip_core.home import models_folder
from mlip_core.models.catalogue import card_beside, entry
from mlip_core.models.model import Forces


def model_card(name: str, forces: Forces) -> None:
    """Show the card of a bundled model; nothing for the others.

    Parameters
    ----------
    name : str
        Name in the catalogue.
    forces : "conservative" or "direct"
        Whose figures are shown.
    """
    card = _card(name)
    if card is not None and "student" in card:
        student_card(card, forces)
    if card is None or forces not in card.get("forces", ()):
        return
    measured, data = card["forces"][forces], card["data"]
    test = measured["test"]
    with st.expander("How accurate it is"):
        st.caption(
            f"A teaching model: it learned {data['structures']['train']} structures from {data['teacher']}, and is good for these crystals only. "
            f"On {test['n_structures']} structures it never saw: energy {test['energy_mae']:.1f} meV/atom, forces {test['force_mae']:.0f} meV/Å (mean absolute errors against the teacher)."
        )
        number = st.column_config.NumberColumn
        show_table(pd.DataFrame([_row(measured, crystal) for crystal in measured["crystals"]]), hide_index=True, column_config={
            "forces": number("force error (%)", format="%.1f", help="Mean absolute error of a component over the mean length of the teacher's force, rattled by up to 0.1 Å."),
            "bands": number("band error (%)", format="%.1f", help="Mean absolute error over the teacher's highest frequency, corrected force constants."),
            "a": number("lattice constant (%)", format="%.2f", help="Relaxed, against the teacher's."),
            "rotations": number("rotational std (meV/Å)", format="%.1f", help="Forces, generic orientations, rattled by 0.1 Å."),
            "λ": number("λ", format="%.1e"),
        })  # fmt: skip


def student_card(card: dict[str, Any], forces: Forces) -> None:
    """Show what a model that learned one structure is worth, and that it is good for nothing else."""
    errors, settings = card["errors"][forces], card["settings"]
    turned = "" if settings["augmentation"] else " It never saw its training data turned."
    with st.expander("How accurate it is"):
        st.caption(f"{card['entry']['note']}{turned}")
        st.caption(
            f"Learned in {card['epochs']} epochs from {card['structures']} variants, beginning with {card['start']['model']}. On "
            f"variants it never met: forces {100 * errors['relative']:.1f} % of the mean force "
            f"({1000 * errors['force_mae']:.0f} meV/Å, turned {1000 * errors['turned_force_mae']:.0f}), "
            f"rotational error {100 * errors['rotational']:.1f} %, energy {1000 * errors['energy_mae']:.1f} meV/atom."
        )


def outside(name: str, structure: Atoms) -> str:
    """Say why a model should not be trusted, or asked, about a structure.

    Parameters
    ----------
    name : str
        Name in the catalogue.
    structure : Atoms
        What it would be asked about.

    Returns
    -------
    str
        Empty where nothing speaks against it. Densities are compared with those of the
        training structures of the same elements, or of all, with a tenth to spare.
    """
    model = entry(name)
    present = set(structure.get_chemical_symbols())
    if unknown := model.unknown(present):
        return f"{model.title} is not trained on {', '.join(unknown)}: will be skipped."
    card = _card(name)
    if card is None or not structure.pbc.all():
        return ""
    domain = card["domain"]
    same = [
        ends
        for crystal, ends in domain["atoms_per_volume_by_crystal"].items()
        if set(Formula(crystal).count()) == present
    ]
    low, high = same[0] if same else domain["atoms_per_volume"]
    density = len(structure) / structure.get_volume()
    if 0.9 * low <= density <= 1.1 * high:
        return "" if same else f"{model.title} never saw this combination of elements."
    return f"{model.title} learned from {low:.3f} to {high:.3f} atoms per Å³; this structure has {density:.3f}. Do not trust its answer."


def _row(measured: dict[str, Any], crystal: str) -> dict[str, object]:
    found = measured["crystals"][crystal]
    return {
        "crystal": crystal,
        "forces": 100 * measured["test"]["by_crystal"][crystal]["relative_mae"],
        "bands": 100 * found["band_mae_relative"],
        "a": 100 * found["lattice_error"],
        "rotations": measured["rotations"][crystal]["forces_rot_std"],
        "λ": measured["jacobian_asymmetry"][crystal],
    }


def _card(name: str) -> dict[str, Any] | None:
    """Card of a bundled model, or of one that learned a structure here."""
    beside = card_beside(models_folder() / f"{name}.pt")
    return _bundled(name) if beside is None or "student" not in beside else beside


@lru_cache(maxsize=8)
def _bundled(name: str) -> dict[str, Any] | None:
    path = asset("models", f"{name}.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
