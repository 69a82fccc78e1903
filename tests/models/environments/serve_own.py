"""A family for tests: a model of this program, in a process of its own, as if it needed one."""

import sys
from pathlib import Path

from served.potential import Potential

sys.path.insert(0, str(Path(__file__).parents[3]))


def load(asked):
    from mlip_core.models import load_model
    from mlip_core.models.model import Counted

    model = load_model(asked.name, forces=asked.forces, dtype=asked.dtype, device=asked.device)

    def predict(structures):
        counted = Counted(model)
        answers = counted.predict(structures)
        assert counted.calls == 1, f"{counted.calls} forward calls for one batch"
        return answers

    return Potential(predict, sorted(model.elements), model.cutoff, model.batch_structures, model.batch_atoms)
