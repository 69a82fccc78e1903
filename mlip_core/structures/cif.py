"""CIF: what the tags mean."""

import re
from collections.abc import Iterator

import numpy as np
from ase import Atoms
from ase.cell import Cell
from ase.data import chemical_symbols

from mlip_core.errors import StructureError
from mlip_core.structures.cif_formula import disagreement, formula_of
from mlip_core.structures.cif_syntax import Block, Value, blocks_of
from mlip_core.structures.operations import Operations, from_name, from_text, identity, misfit
from mlip_core.structures.species import element_of, element_of_label, is_water, isotope_note
from mlip_core.structures.words import Parsed, integer, number, shown, too_many

_CELL = (
    "_cell_length_a",
    "_cell_length_b",
    "_cell_length_c",
    "_cell_angle_alpha",
    "_cell_angle_beta",
    "_cell_angle_gamma",
)
_FRACTIONAL = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_CARTESIAN = ("_atom_site_cartn_x", "_atom_site_cartn_y", "_atom_site_cartn_z")
_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_NAMES = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_full",
    "_space_group_name_h-m_ref",
)
_HALL = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_NUMBERS = ("_space_group_it_number", "_symmetry_int_tables_number")
_MAGNETIC = ("_space_group_symop_magn_operation_xyz", "_space_group_magn_name_bns", "_space_group_magn_number_bns")
_UNCERTAINTY = re.compile(r"\(\d*\)?$", re.ASCII)
_MOST_NAMED = 8
_SAME_SITE = 0.02
"""Å; images of a site this near are one atom, put at their mean: 0.333 is read as 1/3."""


def read_cif(text: str, max_atoms: int) -> Parsed:
    """Read the last data block that has atoms, and fill its cell by the symmetry operations.

    Parameters
    ----------
    text : str
        The file, CIF 1.1; names of CIF 2 and mmCIF (with a dot) are understood too.
    max_atoms : int
        More are refused, before the cell is filled.

    Returns
    -------
    Parsed
        Periodic in three directions; not at all where there is no cell but Cartesian positions.

    Raises
    ------
    StructureError
        Naming the line, tag or site and what was expected.
    """
    blocks = [
        block for block in blocks_of(text) if block.column("_atom_site_label") or block.column("_atom_site_type_symbol")
    ]
    if not blocks:
        raise StructureError(
            "No data block lists atoms: expected a loop with _atom_site_label and _atom_site_fract_x, _y, _z."
        )
    block = blocks[-1]
    _refuse_magnetic(block)
    stated = block.single("_chemical_formula_sum")
    formula = stated.text if stated is not None and stated.known else ""
    sites = _sites(block, formula_of(formula))
    if len(sites) > max_atoms:
        raise too_many(len(sites), max_atoms, sites[0].where)
    atoms, kinds = _atoms(block, sites, max_atoms)
    notes = _notes_on(sites, block)
    if len(blocks) > 1:
        notes.append(f"of the {len(blocks)} data blocks with atoms the last is read")
    if differs := disagreement(formula, atoms.get_chemical_symbols()):
        notes.append(differs)
    return Parsed(atoms, [sites[k].where for k in kinds], notes)


def _atoms(block: Block, sites: list["_Site"], max_atoms: int) -> tuple[Atoms, list[int]]:
    """All atoms of the cell, and the site of each."""
    if block.single(_CELL[0]) is None and block.column(_CARTESIAN[0]):
        atoms = Atoms([site.z for site in sites], positions=_coordinates(block, _CARTESIAN, sites))
        return atoms, list(range(len(sites)))
    cell = _cell(block)
    operations = _operations(block, cell)
    rows, kinds = _filled(_fractional(block, sites, cell), operations, cell, max_atoms)
    return Atoms([sites[k].z for k in kinds], scaled_positions=rows, cell=cell, pbc=True), kinds


def _notes_on(sites: list["_Site"], block: Block) -> list[str]:
    notes = [isotope_note()] if any(site.isotope for site in sites) else []
    guessed = [f"{shown(site.label)} is read as {chemical_symbols[site.z]}" for site in sites if site.guess]
    if guessed:
        more = f" and {len(guessed) - _MOST_NAMED} more" if len(guessed) > _MOST_NAMED else ""
        notes.append(
            f"labels of sites that have more letters than an element: {', '.join(guessed[:_MOST_NAMED])}{more}"
        )
    if any(site.guess and is_water(site.label) for site in sites) and not any(site.z == 1 for site in sites):
        notes.append("the hydrogen atoms of the water are not in the list of sites")
    if any(value.text.strip("0.") for value in block.column("_atom_site_attached_hydrogens") if value.known):
        notes.append("hydrogen atoms that are only counted (_atom_site_attached_hydrogens) are left out")
    return notes


class _Site:
    """One row of the list of atoms."""

    def __init__(self, label: Value, symbol: Value | None, formula: dict[str, float]) -> None:
        self.label = label.text
        self.where = f"site {label.text if label.text.isalnum() else shown(label.text)}, line {label.line}"
        if symbol and symbol.known:
            named = element_of(symbol.text, f"{self.where}: _atom_site_type_symbol", formula)
        else:
            named = element_of_label(label.text, self.where, formula)
        self.z, self.isotope, self.guess = named


def _sites(block: Block, formula: dict[str, float]) -> list[_Site]:
    symbols, labels = block.column("_atom_site_type_symbol"), block.column("_atom_site_label")
    kinds: list[Value | None] = [*symbols] if symbols else [None] * len(labels)
    sites = [_Site(label, kind, formula) for label, kind in zip(labels or symbols, kinds, strict=True)]
    for site, value in zip(sites, block.column("_atom_site_occupancy"), strict=False):
        occupancy = _number(value, f"{site.where}: _atom_site_occupancy", "an occupancy") if value.known else 1.0
        if abs(occupancy - 1) > 1e-3:
            raise StructureError(
                f"{site.where}: occupancy {occupancy:g}. Partly occupied sites cannot be computed: expected 1. Choose an ordered structure."
            )
    return sites


def _cell(block: Block) -> Cell:
    par = []
    for tag in _CELL:
        value = block.single(tag)
        if value is None or not value.known:
            raise StructureError(
                f"{f'line {value.line}' if value else block.where}: expected {tag}, a number, but there is none."
            )
        par.append(
            _number(value, f"line {value.line}: {tag}", "a length in Å" if "length" in tag else "an angle in degrees")
        )
        if not 0 < par[-1] < (1e4 if "length" in tag else 180):
            raise StructureError(
                f"line {value.line}: {tag}: expected {'a length above 0 Å' if 'length' in tag else 'an angle between 0 and 180°'}, but found {par[-1]:g}."
            )
    a, b, c = np.cos(np.radians(par[3:]))
    if 1 - a * a - b * b - c * c + 2 * a * b * c <= 1e-9:
        raise StructureError(
            f"{block.where}: _cell_angle_alpha, _beta, _gamma: {par[3]:g}, {par[4]:g} and {par[5]:g}° span no cell."
        )
    return Cell.fromcellpar(par)


def _coordinates(block: Block, tags: tuple[str, str, str], sites: list[_Site]) -> np.ndarray:
    columns = [block.column(tag) for tag in tags]
    for tag, column in zip(tags, columns, strict=True):
        if not column:
            raise StructureError(f"{sites[0].where}: expected a column {tag} in the list of atoms, but there is none.")
    return np.array(
        [
            [_number(value, f"{site.where}: {tag}", "a coordinate") for tag, value in zip(tags, row, strict=True)]
            for site, row in zip(sites, zip(*columns, strict=True), strict=True)
        ]
    )


def _fractional(block: Block, sites: list[_Site], cell: Cell) -> np.ndarray:
    if not block.column(_FRACTIONAL[0]) and block.column(_CARTESIAN[0]):
        raise StructureError(
            f"{sites[0].where}: Cartesian positions beside a cell leave its orientation open. Expected _atom_site_fract_x, _y, _z."
        )
    rows = _coordinates(block, _FRACTIONAL, sites)
    for site, row in zip(sites, rows, strict=True):
        if np.abs(row).max() > 1e4:
            raise StructureError(
                f"{site.where}: expected fractional coordinates near 0 to 1, but found {np.abs(row).max():g}."
            )
    return rows


def _operations(block: Block, cell: Cell) -> Operations:
    """Operations of the block: listed, or looked up by the name of the space group."""
    metric = cell.array @ cell.array.T
    listed = next((block.column(tag) for tag in _OPERATIONS if block.column(tag)), [])
    if listed:
        operations = from_text([(value.text, f"line {value.line}") for value in listed])
        if misfit(operations, metric) is not None:
            raise StructureError(
                f"line {listed[0].line}: the symmetry operations from here on do not fit the cell: they would change its lengths or angles."
            )
        return operations
    name, hall, digits = (_first(block, tags) for tags in (_NAMES, _HALL, _NUMBERS))
    stated = name or hall or digits
    if stated is None:
        return identity()
    group = None if digits is None else integer(digits.text, f"line {digits.line}", "the number of a space group")
    return from_name(name and name.text, group, hall and hall.text, metric, f"line {stated.line}")


def _first(block: Block, tags: tuple[str, ...]) -> Value | None:
    values = (block.single(tag) for tag in tags)
    return next((value for value in values if value is not None and value.known), None)


def _refuse_magnetic(block: Block) -> None:
    for tag in _MAGNETIC:
        if column := block.column(tag):
            raise StructureError(
                f"line {column[0].line}: {tag}: magnetic symmetry is not understood. Expected an ordinary CIF."
            )


def _number(value: Value, where: str, what: str) -> float:
    return number(_UNCERTAINTY.sub("", value.text), where, what)


def _filled(sites: np.ndarray, operations: Operations, cell: Cell, max_atoms: int) -> tuple[np.ndarray, list[int]]:
    """Fractional positions of the whole cell, each with the index of its site."""
    rows: list[np.ndarray] = []
    kinds: list[int] = []
    for k, site in enumerate(sites):
        orbit = list(_orbit(site, operations, cell))
        rows += orbit
        kinds += [k] * len(orbit)
        if len(rows) > max_atoms:
            raise StructureError(
                f"The symmetry operations make more than {max_atoms:,} atoms of the {len(sites)} sites. Take a smaller cell."
            )
    return np.array(rows), kinds


def _orbit(site: np.ndarray, operations: Operations, cell: Cell) -> Iterator[np.ndarray]:
    """Positions that are equivalent to a site: first the site as it is listed, the others inside the cell."""
    rotations, translations = operations
    site = site + _mean_of_near(site, rotations @ site + translations, cell)
    images = (rotations @ site + translations) % 1.0
    free = np.ones(len(images), dtype=bool)
    for i in range(len(images)):
        if free[i]:
            yield site if i == 0 else images[i]
            free &= ~_near(images[i], images, cell)


def _near(place: np.ndarray, images: np.ndarray, cell: Cell) -> np.ndarray:
    steps = images - place
    return np.linalg.norm((steps - np.rint(steps)) @ cell.array, axis=1) < _SAME_SITE


def _mean_of_near(site: np.ndarray, images: np.ndarray, cell: Cell) -> np.ndarray:
    steps = images - site
    steps -= np.rint(steps)
    near = np.linalg.norm(steps @ cell.array, axis=1) < _SAME_SITE
    return steps[near].mean(axis=0)
