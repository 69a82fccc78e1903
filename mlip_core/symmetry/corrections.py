"""Corrections at inference time: a corrected model is a model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from ase import Atoms
from scipy.spatial.transform import Rotation

from mlip_core.errors import SettingsError
from mlip_core.models.model import Claims, Counted, Model, Prediction
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.symmetry.averaging import Spread, average
from mlip_core.symmetry.rotations import check_name, grid, rotate, rotate_back
from mlip_core.symmetry.space_group import space_group

RANDOM_FRAME = "random-frame"
"""Name of the correction that asks once, in a random orientation that is another one for every geometry."""


@record("Corrections")
@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Which corrections are applied to every prediction. All are off by default."""

    rotations: str = "none"
    """"none", "tetrahedral", "octahedral", "icosahedral", "lebedev-<degree>", "random-<number>", or "random-frame":
    one evaluation in a random orientation that is new for every geometry, for molecular dynamics."""
    inversion: bool = False
    """Average over inversion, x → −x, too; with "random-frame", half of the frames are mirrored."""
    space_group: bool = False
    """Project forces and stress onto the structure's own space group."""
    symprec: float = 1e-5
    """Tolerance with which the space group is found, Å."""
    net_force: bool = False
    """Remove the mean force, so that the forces sum to zero."""
    net_torque: bool = False
    """Remove the net torque; only for structures without a periodic direction."""
    batch_size: int | None = None
    """Largest number of orientations in one forward call; None takes the model's own limits."""
    frame_seed: int = 0
    """Seed of "random-frame": orientations follow from it and the geometry alone, so that results can be repeated."""

    def __post_init__(self) -> None:
        if self.rotations != RANDOM_FRAME:
            check_name(self.rotations)
        if not (np.isfinite(self.symprec) and self.symprec > 0):
            raise SettingsError(f"symprec must be a positive length in Å, not {self.symprec}")
        if self.batch_size is not None and self.batch_size < 1:
            raise SettingsError(
                f"batch_size must be at least 1, or None for the model's own limits, not {self.batch_size}"
            )

    @property
    def averages(self) -> bool:
        """Whether predictions are averaged over orientations."""
        return self.rotations != "none" or self.inversion

    @property
    def label(self) -> str:
        """Short text for people, such as "octahedral + inversion + no net force"; empty without corrections."""
        parts = [
            self.rotations * (self.rotations != "none"),
            "inversion" * self.inversion,
            "space group" * self.space_group,
            "no net force" * self.net_force,
            "no net torque" * self.net_torque,
        ]
        return " + ".join(part for part in parts if part)


def correct(model: Model, corrections: Corrections) -> "CorrectedModel":
    """Put corrections over a model; the result is a model like any other.

    Parameters
    ----------
    model : Model
        Of any family. Its own state is not touched.
    corrections : Corrections
        Applied in this order: average over orientations (on the grid aligned with the
        laboratory's axes), space group, net force, net torque.

    Returns
    -------
    CorrectedModel
        Costs as many evaluations as there are orientations not equivalent under the
        structure's own symmetry, one in a random frame; projections cost none.
    """
    return CorrectedModel(model, corrections)


class CorrectedModel(Model):
    """A model whose predictions are averaged over orientations and projected.

    It keeps nothing between calls, so it may be reused across structures.

    Attributes
    ----------
    model : Model
        The model beneath.
    corrections : Corrections
        What is done to its predictions.
    """

    def __init__(self, model: Model, corrections: Corrections) -> None:
        self.model = model
        self.corrections = corrections
        self.name = f"{model.name} + {corrections.label}" if corrections.label else model.name
        self.forces, self.dtype, self.device, self.elements = model.forces, model.dtype, model.device, model.elements
        self.batch_structures, self.batch_atoms, self.cutoff = model.batch_structures, model.batch_atoms, model.cutoff
        self.claims = corrected_claims(model.claims, corrections)

    def predict(self, structures: Iterable[Atoms], *, progress: Progress = silent) -> list[Prediction]:
        """Energy, forces and stress of every structure, corrected (see :meth:`Model.predict`)."""
        return [prediction for prediction, _ in self.predict_with_spread(structures, progress=progress)]

    def predict_with_spread(
        self, structures: Iterable[Atoms], *, progress: Progress = silent
    ) -> list[tuple[Prediction, Spread]]:
        """Corrected predictions and, on the side, how far the averaged ones scattered.

        Parameters
        ----------
        structures : list of Atoms
        progress : callable, optional
            Called with the number of structures done after each batch of orientations.

        Returns
        -------
        list of (Prediction, Spread)
            The spread is that of the uncorrected model on the aligned grid. On a crystal
            whose point group holds the grid it is zero for any model: to judge a model,
            use :func:`mlip_core.calculations.rotations.variance`.
        """
        structures = list(structures)
        results: list[tuple[Prediction, Spread]] = []

        def tick(done: int, total: int | None, **values: object) -> None:
            progress(len(results), len(structures))

        for result in self._corrected(structures, tick):
            results.append(result)
        progress(len(results), len(structures))
        return results

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        return [prediction for prediction, _ in self._corrected(structures, silent)]

    def _corrected(self, structures: list[Atoms], progress: Progress) -> Iterator[tuple[Prediction, Spread]]:
        c = self.corrections
        if c.rotations == RANDOM_FRAME:
            averaged = iter(self._framed(structures, progress))
        else:
            orientations = grid(c.rotations, inversion=c.inversion)
            averaged = average(self.model, structures, orientations, batch_size=c.batch_size, progress=progress)
        for atoms, (prediction, spread) in zip(structures, averaged, strict=True):
            yield self._project(atoms, prediction), spread

    def _framed(self, structures: list[Atoms], progress: Progress) -> list[tuple[Prediction, Spread]]:
        c = self.corrections
        frames = [random_frame(atoms, seed=c.frame_seed, inversion=c.inversion) for atoms in structures]
        rotated = [rotate(atoms, frame) for atoms, frame in zip(structures, frames, strict=True)]
        answers = self.model.predict(rotated, progress=progress)
        alone = Spread(None, None, None, 1)
        return [(rotate_back(answer, frame), alone) for answer, frame in zip(answers, frames, strict=True)]

    def _project(self, atoms: Atoms, prediction: Prediction) -> Prediction:
        c = self.corrections
        forces, stress = prediction.forces, prediction.stress
        if c.space_group:
            group = space_group(atoms, symprec=c.symprec)
            forces = group.project_forces(forces)
            stress = None if stress is None else group.project_stress(stress)
        if c.net_force:
            forces = forces - forces.mean(axis=0)
        if c.net_torque and not atoms.pbc.any():
            forces = without_torque(atoms.positions, forces)
        return Prediction(prediction.energy, forces, stress)


def random_frame(structure: Atoms, *, seed: int, inversion: bool = False) -> np.ndarray:
    """Return the orientation in which a structure is asked under "random-frame".

    Parameters
    ----------
    structure : Atoms
    seed : int
    inversion : bool
        Half of the geometries are mirrored too.

    Returns
    -------
    (3, 3) array
        Haar-random over geometries and seeds, the same for the same geometry and seed.
    """
    parts = (structure.positions, structure.cell.array, structure.numbers, structure.pbc)
    geometry = blake2b(b"".join(np.ascontiguousarray(part).tobytes() for part in parts), digest_size=16)
    rng = np.random.default_rng([seed, int.from_bytes(geometry.digest(), "little")])
    frame = Rotation.random(rng=rng).as_matrix()
    return -frame if inversion and rng.random() < 0.5 else frame


def refuse_random_frame(model: Model, what: str) -> None:
    """Raise a SettingsError if a model is asked in a random frame for every geometry.

    Parameters
    ----------
    model : Model
    what : str
        What needs answers that are a function of the positions, for the message.
    """
    if isinstance(model, CorrectedModel):
        if model.corrections.rotations == RANDOM_FRAME:
            raise SettingsError(
                f"{what} compares neighbouring geometries, and with a random frame each has its own orientation. "
                "Take a fixed grid (octahedral), or no average; a random frame is for molecular dynamics."
            )
        refuse_random_frame(model.model, what)


def count_beneath(model: Model) -> tuple[Model, Counted]:
    """Return the model with a counter under its corrections: what a corrected model costs, counted.

    Parameters
    ----------
    model : Model
        Corrected or not.

    Returns
    -------
    model : Model
        Predicts the same.
    counter : Counted
        The model that is really evaluated.
    """
    if isinstance(model, CorrectedModel):
        beneath, counter = count_beneath(model.model)
        return CorrectedModel(beneath, model.corrections), counter
    counter = Counted(model)
    return counter, counter


def without_torque(positions: np.ndarray, forces: np.ndarray) -> np.ndarray:
    """Remove the net torque by the smallest change of the forces, which leaves the net force.

    Parameters
    ----------
    positions : (n, 3) array
        Å.
    forces : (n, 3) array
        eV/Å.

    Returns
    -------
    (n, 3) array
        F − α × (r − r̄) with I α = Σ (r − r̄) × F and I the inertia of unit masses,
        inverted without the axis of a linear molecule.
    """
    arms = positions - positions.mean(axis=0)
    inertia = np.sum(arms**2) * np.eye(3) - arms.T @ arms
    alpha = np.linalg.pinv(inertia, rcond=1e-8, hermitian=True) @ np.cross(arms, forces).sum(axis=0)
    return forces - np.cross(alpha, arms)


def corrected_claims(claims: Claims, corrections: Corrections) -> Claims:
    """Say what holds by construction under corrections.

    Parameters
    ----------
    claims : Claims
        Of the model beneath.
    corrections : Corrections

    Returns
    -------
    Claims
        Inversion holds where it is averaged over; projected forces are no gradient unless
        they were symmetric anyway. An average over a grid makes no rotation exact, and a
        random frame leaves no law but for the average.
    """
    changes_forces = (
        (corrections.space_group and not (claims.rotation and claims.inversion))
        or (corrections.net_force and not claims.translation)
        or (corrections.net_torque and not claims.rotation)
    )
    if corrections.rotations == RANDOM_FRAME and not (
        claims.rotation and (claims.inversion or not corrections.inversion)
    ):
        return Claims(rotation=False, inversion=False, translation=False, conservative=False, smooth=False)
    return replace(
        claims,
        inversion=True if corrections.inversion else claims.inversion,
        conservative=False if changes_forces else claims.conservative,
    )
