"""A family for tests: EMT, in a process of its own."""

import os
import time

from ase.calculators.emt import EMT, parameters
from ase.data import atomic_numbers
from served.potential import Potential, Refused, one_by_one


def load(asked):
    print("EMT greets on the standard output, as packages do")
    answer = one_by_one(EMT())
    actions = {
        "emt": answer,
        "emt-that-dies": lambda _: os._exit(3),
        "emt-that-fails": lambda _: 1 / 0,
        "emt-without-memory": lambda _: no_memory(),
        "emt-that-sleeps": lambda structures: (time.sleep(60), answer(structures)),
    }
    if asked.name == "emt-that-refuses":
        raise Refused("EMT does not want to. Ask it kindly.")
    elements = [atomic_numbers[symbol] for symbol in parameters]
    return Potential(actions.get(asked.name, answer), elements=elements)


def no_memory():
    raise MemoryError
