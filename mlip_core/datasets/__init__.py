"""Labelled structures: read from what other programs write, kept on disk in one form, handed out in chunks."""

from mlip_core.datasets.dataset import Dataset, Frame, SetAside, open_dataset
from mlip_core.datasets.deepmd import TypeMapError
from mlip_core.datasets.labels import QUANTITIES
from mlip_core.datasets.read import read_dataset
from mlip_core.datasets.units import UNIT_CHOICES, Units

__all__ = [
    "QUANTITIES",
    "UNIT_CHOICES",
    "Dataset",
    "Frame",
    "SetAside",
    "TypeMapError",
    "Units",
    "open_dataset",
    "read_dataset",
]
