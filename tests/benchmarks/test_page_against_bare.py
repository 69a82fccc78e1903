"""What each question of the pages costs the default line-up on Si, beside the bare evaluations that it counts.

Bare is what the model takes by itself: structures that could be asked together are asked again in the largest
batches that fit. The steps of a relaxation and of dynamics follow one from another; they count as they were asked.
Processor time is compared, as other work on the machine stretches wall time, and summed over the line-up, whose
members share what does not depend on the model. Force errors have a benchmark of their own.
"""

import gc
from functools import cache
from time import process_time

import pytest

import mlip_core as mlip
from dashboard.state import START
from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.conservation.calculation import ConservationSettings
from mlip_core.calculations.passport.calculation import PassportSettings
from mlip_core.calculations.phonons import PhononSettings
from mlip_core.calculations.phonons.supercells import suggested_supercell
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.calculations.rotations.variance import RotationSettings
from mlip_core.configuration import Configuration
from mlip_core.progress import silent
from mlip_core.structures import library_structure, standardise

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

BAR = 1.5
LARGEST = 30.0
"""Seconds of processor time for a question up to which it is asked twice; the smaller figure counts."""


class Watched(mlip.Model):
    """Another model, what it was asked, and the processor time of its answers to single structures."""

    def __init__(self, model):
        for name in mlip.Model.__annotations__:
            setattr(self, name, getattr(model, name))
        self.model, self.together, self.evaluations, self.alone = model, [], 0, 0.0

    def _forward(self, structures):
        self.evaluations += len(structures)
        begin = process_time()
        answers = self.model._forward(structures)
        if len(structures) == 1:
            self.alone += process_time() - begin
        else:
            self.together += [atoms.copy() for atoms in structures]
        return answers


@cache
def questions():
    """Subject and settings of each calculation as its page asks it of silicon."""
    silicon = library_structure("si")
    primitive = standardise(silicon)
    matrix = tuple(tuple(int(entry) for entry in row) for row in suggested_supercell(primitive))
    return {
        "relaxation": (silicon, RelaxationSettings(fmax=1e-2, steps=300, cell="full")),
        "phonons": (
            primitive,
            PhononSettings(supercell_matrix=matrix, displacement=0.03, displacements="full"),
        ),
        "rotational_variance": (silicon, RotationSettings(rattle=0.05)),
        "conservation": (silicon, ConservationSettings(rattle=0.05)),
        "passport": (silicon, PassportSettings()),
    }


def seconds(work, *arguments, **options):
    begin = process_time()
    work(*arguments, **options)
    return process_time() - begin


def once(kind, model):
    """Processor time of a question and of its evaluations, s, and their number."""
    watched, (subject, settings) = Watched(model), questions()[kind]
    whole = seconds(CALCULATIONS[kind].function, subject, watched, settings, progress=silent)
    return whole, watched.alone + seconds(model.predict, watched.together), watched.evaluations


def measured(kind, code):
    """The same for a member of the line-up, warm."""
    model = Configuration.from_code(code).load()
    for _ in range(3):
        model.predict([questions()[kind][0]] * 2)
    first = once(kind, model)
    times = [first] if first[0] > LARGEST else [first, once(kind, model)]
    whole, bare, evaluations = (min(column) for column in zip(*times, strict=True))
    del model
    gc.collect()
    return whole, bare, evaluations


@pytest.mark.parametrize("kind", list(questions()))
def test_a_page_of_the_default_line_up_costs_little_more_than_its_evaluations(kind, capsys):
    found = {code: measured(kind, code) for code in START}
    whole, bare = (sum(values[column] for values in found.values()) for column in (0, 1))
    with capsys.disabled():
        print(f"\n{kind}, processor time of the question and of its bare evaluations")
        for code, (mine, alone, evaluations) in found.items():
            print(f"  {code:22s} {mine:7.2f} s {alone:7.2f} s {mine / alone:6.2f}   ({evaluations} evaluations)")
        print(f"  {'line-up':22s} {whole:7.2f} s {bare:7.2f} s {whole / bare:6.2f}   (bar: {BAR})")
    assert whole <= BAR * bare
