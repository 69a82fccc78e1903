"""Whether a model was made for the functional that the reference was computed with."""

import re
from collections.abc import Iterable

_HUBBARD = {"Co", "Cr", "Fe", "Mn", "Mo", "Ni", "V", "W"}
"""Metals to which the Materials Project adds a U in oxides and fluorides (pymatgen's MPRelaxSet)."""
_WITH_U = {"O", "F"}
_NAME = re.compile(r"^\s*([A-Za-zωΩ0-9]+(?:-[A-Z0-9]+)?(?:\+MBD)?)(\(\+U\)|\+U)?")


def functional_note(model: str, reference: str, elements: Iterable[str]) -> str:
    """Say what a difference of functionals does to a comparison.

    Parameters
    ----------
    model : str
        Functional of the model's training data, as the catalogue states it.
    reference : str
        Level of theory of the labels, as declared.
    elements : iterable of str
        Symbols that occur in the data.

    Returns
    -------
    str
        Empty where both are the same; else one sentence.
    """
    if "not stated" in (model, reference):
        who = "the data" if reference == "not stated" else "the model"
        return f"The functional of {who} is not stated: part of the error may be a difference of functionals."
    (ours, u), (theirs, their_u) = _name(model), _name(reference)
    if ours.lower() != theirs.lower():
        return f"The model learned {ours}, the data are {theirs}: part of the error is the difference of functionals."
    present = set(elements)
    if (u != "") != (their_u != "") and present & _HUBBARD and present & _WITH_U:
        return f"{ours}+U against {theirs} without U matters for {', '.join(sorted(present & _HUBBARD))} with O or F."
    return ""


def _name(text: str) -> tuple[str, str]:
    found = _NAME.match(text)
    return (found[1], found[2] or "") if found else (text, "")
