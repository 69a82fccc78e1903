"""The formula that a CIF states, beside what its sites make."""

import re
from collections import Counter, defaultdict

from ase.data import atomic_numbers
from ase.formula import Formula

from mlip_core.structures.words import shown

_WORD = re.compile(r"(?:[A-Z][a-z]?\d*(?:\.\d*)?)+", re.ASCII)
_PART = re.compile(r"([A-Z][a-z]?)(\d*(?:\.\d*)?)", re.ASCII)
_CHARGE = re.compile(r"\d*[+-]\d*", re.ASCII)
_LIKE = 0.02
"""Amounts are compared to 2 %: formulas are often rounded."""


def formula_of(text: str) -> dict[str, float]:
    """Return the amount of each element in a formula such as ``Ca F2 O2``; nothing where it is not written so.

    Deuterium counts as hydrogen, and a charge at the end is left out.
    """
    amounts: dict[str, float] = defaultdict(float)
    for word in text.strip("'\" ").split():
        if _CHARGE.fullmatch(word):
            continue
        if len(word) > 100 or not _WORD.fullmatch(word):
            return {}
        for symbol, digits in _PART.findall(word):
            amounts["H" if symbol in ("D", "T") else symbol] += float(digits) if digits.strip(".") else 1.0
    known = all(symbol in atomic_numbers and symbol != "X" for symbol in amounts)
    return {symbol: amount for symbol, amount in amounts.items() if amount > 0} if known else {}


def disagreement(text: str, symbols: list[str]) -> str | None:
    """Say how the atoms of the filled cell differ from the formula, where they do.

    Parameters
    ----------
    text : str
        The formula as the file has it.
    symbols : list of str
        Of every atom in the cell.

    Returns
    -------
    str or None
        None where the amounts are in proportion, or the formula is not understood.
    """
    stated, found = formula_of(text), Counter(symbols)
    if not stated or _in_proportion(stated, found):
        return None
    made = Formula.from_dict(dict(found)).reduce()[0].format("hill")
    said = f"the formula in the file is {shown(text.strip())}, but its sites make {made}"
    without = {symbol: amount for symbol, amount in stated.items() if symbol != "H"}
    heavy = Counter({symbol: count for symbol, count in found.items() if symbol != "H"})
    if "H" in stated and heavy and _in_proportion(without, heavy):
        scale = sum(heavy.values()) / sum(without.values())
        if found["H"] < stated["H"] * scale:
            return f"{said}: hydrogen atoms are missing in the list of sites"
    return said


def _in_proportion(stated: dict[str, float], found: Counter[str]) -> bool:
    if set(stated) != set(found):
        return False
    ratios = [found[symbol] / amount for symbol, amount in stated.items()]
    return max(ratios) - min(ratios) <= _LIKE * max(ratios)
