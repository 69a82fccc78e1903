"""Orb v3: direct and conservative models by the names of its package. One structure after the other.

Not tested with real weights, which no package brings along.
"""

import inspect

from .potential import Asked, Potential, check_device, need_network, one_by_one

PRECISION = {"float32": "float32-highest", "float64": "float64"}


def load(asked: Asked) -> Potential:
    """Load weights, which the package downloads where they are not here."""
    check_device(asked.device)
    from orb_models.forcefield.inference.calculator import ORBCalculator
    from orb_models.forcefield.pretrained import ORB_PRETRAINED_MODELS

    make = ORB_PRETRAINED_MODELS[asked.name]
    if not _downloaded(url := inspect.signature(make).parameters["weights_path"].default):
        need_network(asked.name, url, "its package cannot be given the file")
    network, adapter = make(device=asked.device, precision=PRECISION[asked.dtype], compile=False)
    calculator = ORBCalculator(network, atoms_adapter=adapter, device=asked.device)
    return Potential(predict=one_by_one(calculator), cutoff=float(adapter.radius))


def _downloaded(url: str) -> bool:
    from cached_path import get_cache_dir
    from cached_path.cache_file import find_latest_cached

    return find_latest_cached(url, get_cache_dir()) is not None
