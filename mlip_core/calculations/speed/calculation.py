"""What a step costs: energy and forces of a structure, against its number of atoms."""

import os
from time import perf_counter

from ase import Atoms

from mlip_core.calculations.speed.machine import Load, computing_with, packages_of, processor_name, wait_until_quiet
from mlip_core.calculations.speed.notes import notes_on_load, notes_on_machine, notes_on_sizes
from mlip_core.calculations.speed.record import Speed
from mlip_core.calculations.speed.settings import SpeedSettings
from mlip_core.calculations.speed.sizes import repeated
from mlip_core.calculations.speed.timing import measure
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent


def speed(
    structure: Atoms, model: Model, settings: SpeedSettings | None = None, *, progress: Progress = silent
) -> Speed:
    """Measure the time of a step on a structure repeated to several sizes.

    A step is one prediction: energy and forces, and the stress where the structure has
    one. Structures are rattled, each differently, and asked one by one, as dynamics
    does, and several at once, as phonons do. First calls do not count, and the first waits a
    moment for other processes to come to rest.

    Parameters
    ----------
    structure : Atoms
        A crystal, a slab, or a molecule, which is measured as it is; it is not changed.
    model : Model
        Corrected or not: corrections cost what they cost.
    settings : SpeedSettings, optional
        Sizes, repeats, threads, and the time allowed.
    progress : callable, optional
        Counts calls; reports carry ``stage``.

    Returns
    -------
    Speed
        With what else ran on the machine meanwhile.

    Raises
    ------
    ModelError
        If the model cannot answer.
    """
    settings = settings or SpeedSettings()
    begin = perf_counter()
    wait_until_quiet(settings.patience)
    load = Load()
    with computing_with(settings.threads) as threads:
        timings, left_out = measure(repeated(structure, settings.n_atoms), model, settings, progress)
    others, processor = load.others(), processor_name()
    disturbing = notes_on_load(others, timings, model.device)
    return Speed(
        model=model.name,
        structure=structure.copy(),
        settings=settings,
        timings=tuple(timings),
        processor=processor,
        device=model.device,
        dtype=model.dtype,
        threads=threads,
        omp_num_threads=os.environ.get("OMP_NUM_THREADS", ""),
        packages=packages_of(model),
        others=others,
        disturbed=bool(disturbing),
        notes=(*disturbing, *notes_on_machine(processor, threads, settings), *notes_on_sizes(left_out, settings)),
        seconds=perf_counter() - begin,
    )
