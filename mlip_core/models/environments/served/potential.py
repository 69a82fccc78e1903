"""What a family gives the server, and what several families need for it."""

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import numpy as np
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress

from .wire import Answer


class Refused(Exception):
    """Something a person can change; the message says what."""


@dataclass(frozen=True)
class Asked:
    """Which model a family is asked to load."""

    name: str
    """Name in the catalogue."""
    file: str | None
    """Path of its weights; None where its package knows them by name, or is to download them."""
    forces: str
    """"conservative" or "direct"."""
    dtype: str
    """"float32" or "float64"."""
    device: str
    """As torch names it: "cpu", "cuda", …"""


@dataclass(frozen=True)
class Potential:
    """A loaded model: what a family's ``load(asked)`` returns."""

    predict: Callable[[list[Atoms]], Sequence[Answer]]
    """Energy, forces and stress of every structure, evaluated together where the family can."""
    elements: Sequence[int] | None = None
    """Atomic numbers it covers; None where it does not say."""
    cutoff: float | None = None
    """Distance up to which two atoms are neighbours, Å; None where it is not known."""
    batch_structures: int = 1
    """The most structures that go into one call."""
    batch_atoms: int = 2048
    """The most atoms that go into one call, unless one structure has more."""


def one_by_one(calculator: Any) -> Callable[[list[Atoms]], list[Answer]]:
    """Make of an ASE calculator what evaluates a list, one structure after the other."""

    def predict(structures: list[Atoms]) -> list[Answer]:
        return [_answer(atoms, calculator) for atoms in structures]

    return predict


def check_device(device: str) -> None:
    """Raise Refused unless torch can compute on this device here."""
    import torch

    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise Refused(f"Device {device!r} cannot be used here: {error}. Take device='cpu'.") from error


def need_network(name: str, url: str, instead: str, *, patience: float = 5.0) -> None:
    """Raise Refused where nobody answers, before a package waits for minutes.

    Parameters
    ----------
    name : str
        Name of the model.
    url : str
        Where it is downloaded from.
    instead : str
        What a person without a network does.
    patience : float
        Seconds until nobody is believed to answer.
    """
    place = urlsplit(getproxies().get("https") or url)
    address = place.hostname, place.port or (80 if place.scheme == "http" else 443)
    answered = threading.Event()

    def knock() -> None:
        try:
            socket.create_connection(address, timeout=patience).close()
        except OSError:
            return
        answered.set()

    thread = threading.Thread(target=knock, daemon=True)  # asking for the address may hang, and knows no time limit
    thread.start()
    thread.join(patience)
    if not answered.is_set():
        host = urlsplit(url).hostname
        raise Refused(f"{name} is to be downloaded from {host}, which does not answer. Without a network, {instead}.")


def _answer(atoms: Atoms, calculator: Any) -> Answer:
    atoms.calc = calculator
    energy, forces = float(atoms.get_potential_energy()), np.array(atoms.get_forces(), dtype=float)
    stress = voigt_6_to_full_3x3_stress(np.asarray(atoms.get_stress(), dtype=float)) if atoms.pbc.all() else None
    atoms.calc = None
    return energy, forces, stress
