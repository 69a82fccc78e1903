"""What the queue, the pages and a person's download need to know about relaxations."""

from collections.abc import Mapping

import pandas as pd
from ase import Atoms

from mlip_core.calculations.declaration import Asked, Calculation, Files, Tables
from mlip_core.calculations.relaxation.calculation import RelaxationResult, RelaxationSettings, relax
from mlip_core.structures import symmetries, symmetry_by_tolerance, write_structure

USUAL_STEPS = 60
"""Steps that a relaxation takes, roughly."""


def summary(result: RelaxationResult) -> Mapping[str, object]:
    """Where it ended, beside where it began."""
    tight, loose = symmetries(result.structure)
    return {
        "converged": result.converged,
        "steps": result.n_steps,
        "energy_change_eV": result.energies[-1] - result.energies[0],
        "work_eV": result.work[-1],
        "fmax_eV_per_A": result.fmax[-1],
        "volume_change": result.start.volume_change,
        "rmsd": result.start.rmsd,
        "space_group_1e-5": result.space_groups[-1],
        "space_group_1e-2": result.space_groups_loose[-1],
        "space_group_number_1e-5": None if tight is None else tight.number,
        "space_group_number_1e-2": None if loose is None else loose.number,
        "evaluations": result.n_evaluations,
        "seconds": result.seconds,
        "reason": result.reason,
    }


def tables(result: RelaxationResult) -> Tables:
    """One row a step; and the space group of the final cell, a row a tolerance."""
    steps = {
        "step": range(result.n_steps + 1),
        "energy_eV": result.energies,
        "fmax_eV_per_A": result.fmax,
        "work_eV": result.work,
        "volume_A3": result.volumes,
        "space_group_1e-5": result.space_groups,
        "space_group_1e-2": result.space_groups_loose,
    }
    sweep = [
        {
            "symprec_A": found.symprec,
            "space_group": found.international,
            "number": found.number,
            "operations": found.n_operations,
        }
        for found in symmetry_by_tolerance(result.structure)
    ]
    return {"steps": pd.DataFrame(steps)} | ({"symmetry": pd.DataFrame(sweep)} if sweep else {})


def files(result: RelaxationResult) -> Files:
    """The relaxed structure and the way there."""
    found = {
        "structure.extxyz": write_structure(result.structure, "extxyz"),
        "trajectory.extxyz": "".join(write_structure(frame, "extxyz") for frame in result.frames),
    }
    if result.structure.pbc.all():
        found["structure.cif"] = write_structure(result.structure, "cif")
    return found


def asks(structure: Atoms, settings: RelaxationSettings) -> tuple[Asked, ...]:
    """As many steps as are usual."""
    return (Asked(min(settings.steps, USUAL_STEPS) + 1, len(structure), at_once=False),)


CALCULATIONS = (
    Calculation(
        name="relaxation",
        title="relaxation",
        function=relax,
        settings=RelaxationSettings,
        record=RelaxationResult,
        summary=summary,
        tables=tables,
        files=files,
        frames=lambda result: result.frames,
        packages=("ase",),
        public=(relax, RelaxationSettings),
        asks=asks,
    ),
)
