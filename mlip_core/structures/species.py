"""Names of species: which element a type, symbol or label of a file means, or why none."""

import re
from collections.abc import Collection
from typing import NamedTuple

from ase.data import atomic_numbers, chemical_symbols

from mlip_core.errors import StructureError
from mlip_core.structures.words import shown

_TYPE = re.compile(r"([A-Za-z]{1,3})(\d*)((?:\.\d*)?(?:\++\d*\.?\d*|-+\d*\.?\d*)?)", re.ASCII)
_LABEL = re.compile(r"([A-Za-z]+)(.*)", re.ASCII | re.DOTALL)
_ANOTHER = re.compile(r"[/,+&]\s*[A-Z]")
_WATER = {"wat": "O", "ow": "O", "hw": "H"}
_ISOTOPES = ("D", "T")
_COMMON = frozenset(chemical_symbols[1:99])
"""Up to californium. What follows was never a crystal: a site called Og2 is an oxygen, and NH4+ is ammonium."""


class Named(NamedTuple):
    """The element that a name means."""

    z: int
    """Atomic number."""
    isotope: bool = False
    """Whether the name was that of deuterium or tritium."""
    guess: bool = False
    """Whether the name has more letters than the element, such as Ow for an oxygen of water."""


def isotope_note() -> str:
    """What is said where a file names deuterium or tritium."""
    return "deuterium and tritium are read as hydrogen of natural mass"


def element_of(name: str, where: str, formula: Collection[str] = ()) -> Named:
    """Find the element of a symbol or type, such as ``Fe``, ``fe``, ``Fe3+``, ``O2-``, ``Ca2`` or ``D``.

    Parameters
    ----------
    name : str
        A symbol, in any case; a charge and a number may follow.
    where : str
        Where the file has it, for messages.
    formula : collection of str
        Elements of the formula that the file states, if it does.

    Returns
    -------
    Named

    Raises
    ------
    StructureError
        If what is left without charge and number is no element (``Wat``), if it is a group
        of atoms (``CO3``, ``NH4+``), or if it is only a number.
    """
    if name.isdecimal():
        raise StructureError(
            f"{where}: expected the symbol of an element, but found the number {shown(name)}. It may be a type (LAMMPS) or an "
            "atomic number: write symbols, or, for atomic numbers in extended XYZ, call the column Z:I:1 in Properties."
        )
    match = _TYPE.fullmatch(name)
    if match is None:
        raise _no_element(name, where)
    stem, digits, charge = match.groups()
    if stem.upper() == "D" or (stem.upper() == "T" and not digits):
        return Named(1, isotope=True)
    z = atomic_numbers.get(stem.capitalize(), 0)
    if z == 0 or (stem.capitalize() not in _COMMON and name != chemical_symbols[z]):
        raise _no_element(name, where)
    if stem != chemical_symbols[z] and chemical_symbols[z] not in formula and _is_group(stem, digits, charge):
        raise StructureError(
            f"{where}: expected the symbol of one element, but {shown(name)} may be a group of atoms. "
            f"If {chemical_symbols[z]} is meant, write it so; else list the atoms."
        )
    return Named(z)


def _is_group(stem: str, digits: str, charge: str) -> bool:
    """Whether two letters that are not written as a symbol may be two elements, as in CO3 or PO3-."""
    if len(stem) != 2 or not all(letter.upper() in atomic_numbers for letter in stem):
        return False
    counted = digits not in ("", "0", "1") and not charge
    return counted or (charge.startswith("-") and stem[1].upper() in "OH")


def _no_element(name: str, where: str) -> StructureError:
    return StructureError(f"{where}: expected the symbol of an element, such as Si, but found {shown(name)}.")


def element_of_label(label: str, where: str, formula: Collection[str] = ()) -> Named:
    """Find the element of a site's label in a CIF that has no type symbols, such as ``Si1``, ``O1A`` or ``Wat2``.

    Parameters
    ----------
    label : str
        What the file calls the site.
    where : str
        Where the file has it, for messages.
    formula : collection of str
        Elements of the formula that the file states; empty where it states none.

    Returns
    -------
    Named

    Raises
    ------
    StructureError
        If the label fits none or several elements, or only one that the formula does not have.
    """
    match = _LABEL.match(label)
    stem, rest = match.groups() if match else ("", "")
    if _ANOTHER.match(rest.lstrip("0123456789.")):
        raise StructureError(f"{where}: {shown(label)} names more than one element. Choose an ordered structure.")
    options = _options(stem, formula)
    fitting = [symbol for symbol in options if not formula or _of_nature(symbol) in formula]
    if options and not fitting:
        raise StructureError(
            f"{where}: {shown(label)} would be {' or '.join(options)}, but the formula of the file has no such element. "
            "Add a column _atom_site_type_symbol."
        )
    if not options:
        raise StructureError(
            f"{where}: _atom_site_label: expected a label that begins with the symbol of an element, such as Si1, but found "
            f"{shown(label)}. Add a column _atom_site_type_symbol."
        )
    if len(fitting) > 1:
        raise StructureError(
            f"{where}: _atom_site_label: {shown(label)} may be {' or '.join(fitting)}. "
            "Expected a column _atom_site_type_symbol that says which."
        )
    symbol = fitting[0]
    return Named(atomic_numbers[_of_nature(symbol)], symbol in _ISOTOPES, len(stem) > len(symbol))


def is_water(label: str) -> bool:
    """Whether a label names an oxygen of water, such as Wat1 or Ow2."""
    match = _LABEL.match(label)
    return match is not None and _WATER.get(match[1].lower()) == "O"


def _of_nature(symbol: str) -> str:
    return "H" if symbol in _ISOTOPES else symbol


def _options(stem: str, formula: Collection[str]) -> list[str]:
    """Symbols that the letters of a label may stand for, the likeliest first."""
    if water := _WATER.get(stem.lower()):
        return [water]
    two, one = stem[:2].capitalize(), stem[:1].upper()
    known = [symbol for symbol in dict.fromkeys((two, one)) if symbol in _COMMON]
    if not stem[:2].isupper():
        known = known[:1]  # Si1 is silicon, not sulphur
    if one == "D" and two not in known:
        known.append("D")
    if not formula:  # a word such as Vac is not V; where there is a formula, it decides
        known = [symbol for symbol in known if _may_follow(stem, symbol, two)]
    if stem[:2].isupper() and two in atomic_numbers and one in known:  # NO3, CO2: one atom, or a group
        known = [two, *known]
        if one in formula and two not in formula:
            known.append(stem[1].upper())
    return list(dict.fromkeys(known))


def _may_follow(stem: str, symbol: str, two: str) -> bool:
    """Whether the letters after a symbol may be those of a site, as in Ow, SiT or OBR."""
    more = stem[len(symbol) :]
    return len(more) <= 1 or (more[0].isupper() and (not stem.isupper() or (stem[0] in "CHNO" and two not in _COMMON)))
