"""The one contract that every potential in this package keeps."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.data import chemical_symbols
from ase.stress import full_3x3_to_voigt_6_stress

from mlip_core.errors import ModelError
from mlip_core.progress import Progress, silent
from mlip_core.records import record

Forces = Literal["conservative", "direct"]


class Prediction(NamedTuple):
    """What a model says about one structure."""

    energy: float
    """Total energy, eV."""
    forces: np.ndarray
    """(n_atoms, 3), forces as the model gave them, net forces not removed, eV/Å."""
    stress: np.ndarray | None
    """(3, 3), stress with ASE's sign, positive under tension, eV/Å³; None without a 3D cell."""


@record("Claims")
@dataclass(frozen=True)
class Claims:
    """What a model obeys by construction; None where its makers do not say."""

    rotation: bool | None
    """Whether energies are invariant and forces equivariant under every proper rotation."""
    inversion: bool | None
    """Whether energies are invariant and forces equivariant under x → −x."""
    translation: bool | None
    """Whether predictions stay the same when the whole structure is moved."""
    conservative: bool | None
    """Whether forces are −∂E/∂x of the energy."""
    smooth: bool | None = None
    """Whether the energy is without a jump where a neighbour crosses the cutoff."""


class Model(ABC):
    """A potential with its settings chosen: structures in, energies, forces and stresses out.

    An adapter sets the attributes and writes :meth:`_forward`; everything else is here.

    Attributes
    ----------
    name : str
        Short name shown to people.
    forces : "conservative" or "direct"
        Whether forces are −∂E/∂x or come from a head of their own.
    dtype : "float32" or "float64"
        Arithmetic inside the model.
    device : str
        "cpu", "cuda", …
    elements : frozenset of int or None
        Atomic numbers the model covers; None where it covers all or does not say.
    claims : Claims
        What it obeys by construction.
    batch_structures, batch_atoms : int
        The most that goes into one forward call.
    cutoff : float or None
        Distance up to which two atoms are neighbours, Å; None where it is not known. Layers of message
        passing reach further.
    identity : str or None
        Everything that may change a prediction (weights, code, packages, settings) in one word; None for a
        model that was made by hand.
    versions : mapping of str to str, or None
        Versions of the distributions that compute, where these are installed elsewhere than here; else None.
    """

    name: str
    forces: Forces = "conservative"
    dtype: str = "float64"
    device: str = "cpu"
    elements: frozenset[int] | None = None
    claims: Claims = Claims(None, None, None, None)
    batch_structures: int = 32
    batch_atoms: int = 2048
    cutoff: float | None = None
    identity: str | None = None
    versions: Mapping[str, str] | None = None

    @abstractmethod
    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        """Evaluate one batch; the caller has checked elements and size."""

    def predict(self, structures: Iterable[Atoms], *, progress: Progress = silent) -> list[Prediction]:
        """Energy, forces and stress of every structure.

        Parameters
        ----------
        structures : list of Atoms
            Any sizes and elements the model covers, in any mixture.
        progress : callable, optional
            Called after each batch with the number of structures done.

        Returns
        -------
        list of Prediction
            In the order given.

        Raises
        ------
        ModelError
            If an element is not covered, or the model answers with something not finite.
        """
        structures = list(structures)
        if reason := next(filter(None, map(self.refusal, structures)), ""):
            raise ModelError(reason)
        predictions: list[Prediction] = []
        for batch in self._batches(structures):
            answers = self._forward(batch)
            for atoms, answer in zip(batch, answers, strict=True):
                _check_answer(self.name, atoms, answer)
            predictions += answers
            progress(len(predictions), len(structures))
        return predictions

    def calculator(self) -> "ModelCalculator":
        """Return an ASE calculator over this model, safe to reuse across structures."""
        return ModelCalculator(self)

    def _batches(self, structures: list[Atoms]) -> Iterable[list[Atoms]]:
        batch: list[Atoms] = []
        atoms_in_batch = 0
        for atoms in structures:
            if batch and (len(batch) >= self.batch_structures or atoms_in_batch + len(atoms) > self.batch_atoms):
                yield batch
                batch, atoms_in_batch = [], 0
            batch.append(atoms)
            atoms_in_batch += len(atoms)
        if batch:
            yield batch

    def refusal(self, atoms: Atoms) -> str:
        """Say why this model cannot be asked about a structure, without asking; "" where it can."""
        covered = frozenset(range(len(chemical_symbols))) if self.elements is None else self.elements
        missing = {int(z) for z in np.unique(atoms.numbers)} - covered
        if not missing:
            return ""
        names = ", ".join(chemical_symbols[z] for z in sorted(missing))
        known = ", ".join(chemical_symbols[z] for z in sorted(covered))
        known = known if len(covered) <= 20 else f"{len(covered)} elements"
        return f"{self.name} does not cover {names} (it covers {known}). Choose another model or structure."


def _check_answer(name: str, atoms: Atoms, answer: Prediction) -> None:
    finite = (
        np.isfinite(answer.energy)
        and np.isfinite(answer.forces).all()
        and (answer.stress is None or np.isfinite(answer.stress).all())
    )
    if not finite:
        raise ModelError(
            f"{name} gave an energy, force or stress that is not finite for {atoms.get_chemical_formula()}. Are atoms too close, or the cell far from a material's?"
        )


class ModelCalculator(Calculator):
    """ASE calculator over any :class:`Model`."""

    implemented_properties: ClassVar = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """What changed since the last answer, as ASE finds it; at once where that is nothing, to the last bit, or plain."""
        last = self.atoms
        if last is not None and _same_bytes(last, atoms):
            return []
        if last is not None and len(last) == len(atoms) and np.abs(last.positions - atoms.positions).max() > tol:
            return ["positions"]
        return super().check_state(atoms, tol)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill ``results`` from one prediction (ASE's interface)."""
        super().calculate(atoms, properties, system_changes)
        answer = self.model.predict([self.atoms])[0]
        self.results = {"energy": answer.energy, "free_energy": answer.energy, "forces": np.array(answer.forces)}
        if answer.stress is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(answer.stress)
        elif "stress" in properties:
            raise PropertyNotImplementedError("stress needs a cell that is periodic in three directions")


def _same_bytes(one: Atoms, other: Atoms) -> bool:
    arrays, others = one.arrays, other.arrays
    return (
        arrays.keys() == others.keys()
        and one.cell.array.tobytes() == other.cell.array.tobytes()
        and one.pbc.tobytes() == other.pbc.tobytes()
        and all(array.tobytes() == others[name].tobytes() for name, array in arrays.items())
    )


class Counted(Model):
    """A model that counts what it is asked: figures of cost come from here, never from a formula.

    Attributes
    ----------
    evaluations : int
        Structures evaluated.
    calls : int
        Forward calls (batches).
    seconds : float
        Wall time inside the model.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        for name in (*Model.__annotations__,):
            setattr(self, name, getattr(model, name))
        self.evaluations = 0
        self.calls = 0
        self.seconds = 0.0

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        start = perf_counter()
        answers = self._model._forward(structures)
        self.seconds += perf_counter() - start
        self.calls += 1
        self.evaluations += len(structures)
        return answers
