"""``vasprun.xml``: every whole ionic step that was computed ab initio."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from ase import Atoms
from ase.units import GPa

from mlip_core.datasets.dataset import SetAside
from mlip_core.datasets.formats import Raw, Remark, attach
from mlip_core.errors import DatasetError, StructureError
from mlip_core.structures.species import element_of
from mlip_core.structures.words import is_number, shown

_BLOCK = 1 << 20
_DEEPEST = 60
_BULKY = {"eigenvalues", "dos", "projected", "dielectricfunction", "dynmat", "kpoints"}
"""Parts that are not needed and may be most of the file."""
_SYMBOLS = {"X": "Xe", "r": "Zr"}
"""What VASP writes for elements whose POTCAR names it cannot cut to two letters."""
ENERGIES = (
    "The energy (results/energy) is VASP's energy extrapolated to zero smearing (e_0_energy); forces belong to its free "
    "energy (results/free_energy, e_fr_energy); e_wo_entrp is the energy without the electrons' entropy."
)


class _Damaged(Exception):
    """What is amiss in a step, in words."""


class _Head(NamedTuple):
    """What stands before the steps."""

    numbers: np.ndarray
    """Atomic numbers."""
    pstress: float
    """External pressure PSTRESS, kbar."""


def read_vasprun_steps(path: Path, label: str) -> Iterator[Raw | SetAside | Remark]:
    """Read the steps one after the other.

    A step of VASP's machine-learned force field stands outside ``<calculation>``, or has no
    electronic step in it: these are counted, and are no labels. A file that breaks off gives
    the steps before.

    Parameters
    ----------
    path : path
    label : str
        How the file is called in messages.

    Yields
    ------
    Raw, SetAside or Remark

    Raises
    ------
    DatasetError
        If there is not one element list, or not one step of either kind.
    """
    steps = _Steps()
    frame = n_read = 0
    for frame, element in enumerate(steps.read(path), start=1):
        where = f"{label}, ionic step {frame - 1}"
        try:
            raw = Raw(_atoms(element, steps.head(label)), where)
        except _Damaged as error:
            yield SetAside(where, f"this step is damaged ({error})")
            continue
        if n_read == 0:
            yield Remark(ENERGIES)
        n_read += 1
        yield raw
    if steps.cut:
        yield SetAside(f"{label}, ionic step {frame}", f"the file breaks off within this step ({steps.problem})")
    if steps.n_force_field:
        yield SetAside(
            f"{label}, outside <calculation>",
            "steps of VASP's machine-learned force field (ML_LMLFF), no ab-initio labels",
            steps.n_force_field,
        )
    if frame == 0 and not steps.n_force_field and not steps.cut:
        raise DatasetError(
            f"{label}: there is no ionic step (<calculation>) in it ({steps.problem or 'the file is whole'})."
        )


class _Steps:
    """Elements of the ab-initio steps, and what was met on the way."""

    def __init__(self) -> None:
        self.n_force_field = 0
        self.problem = ""
        """Why the file could not be read to its end."""
        self.cut = False
        """It ended within a step."""
        self._stack: list[ET.Element] = []
        self._bulky = 0
        self._symbols: list[str] = []
        self._force_field = False
        self._pstress = 0.0

    def head(self, label: str) -> _Head:
        """Return elements and external pressure.

        Raises
        ------
        DatasetError
            If the elements are missing, or not elements.
        """
        if not self._symbols:
            raise DatasetError(f"{label}: expected the list of atoms (<atominfo>) before the first step.")
        try:
            named = [element_of(_SYMBOLS.get(s, s), f"atom {i + 1}") for i, s in enumerate(self._symbols)]
        except StructureError as error:
            raise DatasetError(f"{label}: {error}") from error
        return _Head(np.array([name.z for name in named]), self._pstress)

    def read(self, path: Path) -> Iterator[ET.Element]:
        """Yield each ``<calculation>`` with an electronic step, or of a run without a force field."""
        parser: ET.XMLPullParser = ET.XMLPullParser(("start", "end"))
        with path.open("rb") as file:
            while not self.problem and (block := file.read(_BLOCK)):
                try:
                    parser.feed(block)
                    yield from self._events(parser)
                except (ET.ParseError, LookupError) as error:
                    self.problem = str(error)
        if not self.problem and self._stack:
            self.problem = "the run was stopped, or the copy is not complete"
        self.cut = any(element.tag == "calculation" for element in self._stack)

    def _events(self, parser: ET.XMLPullParser) -> Iterator[ET.Element]:
        events = cast("Iterator[tuple[str, ET.Element]]", parser.read_events())
        for event, element in events:
            if event == "start":
                if len(self._stack) >= _DEEPEST:
                    self.problem = "elements are nested too deeply"
                    return
                self._stack.append(element)
                self._bulky += element.tag in _BULKY
                continue
            self._stack.pop()
            if self._bulky:
                self._bulky -= element.tag in _BULKY
            elif len(self._stack) != 1:
                continue
            elif self._direct_child(element):
                yield element
            if self._stack:
                self._stack[-1].remove(element)

    def _direct_child(self, element: ET.Element) -> bool:
        """Take in what is a child of <modeling>; tell whether it is a step to be used."""
        if element.tag == "atominfo":
            self._symbols = [
                (entry[0].text or "").strip() for entry in element.iterfind("array[@name='atoms']/set/rc") if len(entry)
            ]
        elif element.tag in ("incar", "parameters"):
            pressure = element.find(".//i[@name='PSTRESS']")
            text = "" if pressure is None else (pressure.text or "").strip()
            self._pstress = float(text) if is_number(text) else self._pstress
        if element.tag == "incar":
            flag = element.find("i[@name='ML_LMLFF']")
            self._force_field = flag is not None and (flag.text or "").strip().upper().startswith(("T", ".T"))
        elif element.tag == "calculation":
            ab_initio = not self._force_field or element.find("scstep") is not None
            self.n_force_field += not ab_initio
            return ab_initio
        elif element.tag == "varray" and element.get("name") == "forces":
            self.n_force_field += 1
        return False


def _atoms(step: ET.Element, head: _Head) -> Atoms:
    """Structure and results of one step; energies in eV, forces in eV/Å, stress from kbar."""
    cell = _rows(step, "structure/crystal/varray[@name='basis']", 3)
    scaled = _rows(step, "structure/varray[@name='positions']", len(head.numbers))
    atoms = Atoms(numbers=head.numbers, cell=cell, scaled_positions=scaled, pbc=True)
    work = head.pstress * 0.1 * GPa * atoms.get_volume()  # p V is part of e_fr_energy in the summary of a step
    energy, free_energy, without_entropy = (None if e is None else e - work for e in _energies(step))
    results = {"energy": energy, "free_energy": free_energy}
    if step.find("varray[@name='forces']") is not None:
        results["forces"] = _rows(step, "varray[@name='forces']", len(head.numbers))
    if step.find("varray[@name='stress']") is not None:
        pressure = _rows(step, "varray[@name='stress']", 3)
        results["stress"] = (
            -0.1 * GPa * pressure[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
        )  # kbar, positive under pressure
    attach(atoms, {name: value for name, value in results.items() if value is not None})
    if without_entropy is not None:
        atoms.info["e_wo_entrp"] = without_entropy
    return atoms


def _rows(step: ET.Element, path: str, n: int) -> np.ndarray:
    found = step.find(path)
    if found is None:
        raise _Damaged(f"{path.rpartition('/')[2]} is missing")
    words = [(row.text or "").split() for row in found.iterfind("v")]
    if odd := next((word for row in words for word in row if not is_number(word)), None):
        raise _Damaged(f"{path.rpartition('/')[2]}: {shown(odd)} is no number")
    if len({len(row) for row in words}) > 1:
        raise _Damaged(f"{path.rpartition('/')[2]}: its rows differ in length")
    rows = np.array([[float(word) for word in row] for row in words])
    if rows.shape != (n, 3):
        raise _Damaged(f"{path.rpartition('/')[2]} has {len(rows)} rows, expected {n} of three numbers")
    return rows


def _energies(step: ET.Element) -> tuple[float | None, float | None, float | None]:
    """Return e_0_energy, e_fr_energy and e_wo_entrp of a step.

    In the summary at the end of a step some versions of VASP write e_0_energy wrongly, while in
    the last electronic step van der Waals corrections are missing: the differences of the last
    electronic step are added to e_fr_energy of the summary.
    """
    names = ("e_0_energy", "e_fr_energy", "e_wo_entrp")
    zero, free, without = (_number(step.find(f"energy/i[@name='{name}']")) for name in names)
    electronic = step.findall("scstep/energy")
    if free is None or not electronic:
        return zero, free, without
    last = {name: _number(electronic[-1].find(f"i[@name='{name}']")) for name in names}
    start = last["e_fr_energy"]
    if start is not None:
        if (value := last["e_0_energy"]) is not None:
            zero = free + (value - start)
        if (value := last["e_wo_entrp"]) is not None:
            without = free + (value - start)
    return zero, free, without


def _number(element: ET.Element | None) -> float | None:
    text = "" if element is None else (element.text or "").strip()
    if text and not is_number(text):
        raise _Damaged(f"{shown(text)} is no number")
    return float(text) if text else None
