"""Small tasks that the tests give to a real dispatcher and its real workers."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from ase.calculators.emt import EMT

from mlip_core.calculations import CALCULATIONS, declaration
from mlip_core.calculations.declaration import Asked, Calculation
from mlip_core.errors import StructureError
from mlip_core.jobs.dispatcher import Dispatcher, serve
from mlip_core.models.ase import AseModel


def load(configuration):
    return AseModel(EMT(), name="EMT")


def download(configuration):
    """Load as a hub model does: the weights arrive only now."""
    Path(configuration.model).write_bytes(b"weights from the hub")
    return load(configuration)


def elsewhere(configuration):
    """Load in a worker that has another version of PyYAML installed than the dispatcher."""
    version = declaration.package_version
    declaration.package_version = lambda package: "0" if package == "PyYAML" else version(package)
    return load(configuration)


def count(structure, model, settings, *, progress):
    """Count to ``steps``, and leave a line in ``log`` for each time this is called."""
    with Path(settings["log"]).open("a") as file:
        print(os.getpid(), file=file)
    for step in range(settings["steps"]):
        time.sleep(settings["pause"])
        progress(step + 1, settings["steps"], square=step**2)
    return {"energy": model.predict([structure])[0].energy, "pid": os.getpid()}


def count_elsewhere(structure, model, settings, *, progress):
    return count(structure, model, settings, progress=progress)


def measure(structure, model, settings, *, progress):
    return count(structure, model, settings, progress=progress)


def count_sized(structure, model, settings, *, progress):
    return count(structure, model, settings, progress=progress)


def fail(structure, model, settings, *, progress):
    raise {"person": StructureError, "program": KeyError, "memory": MemoryError}[settings["how"]](settings["text"])


def die(structure, model, settings, *, progress):
    os.kill(os.getpid(), signal.SIGKILL)


def deaf(structure, model, settings, *, progress):
    time.sleep(settings["seconds"])
    return {}


def threads(structure, model, settings, *, progress):
    shared = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}
    return shared | {"niceness": os.nice(0)}


def arrived(structure, model, settings, *, progress):
    return {"energy": 0.0}


def nothing(record):
    return {}


def toy(function, load=load, **others):
    """Declare a function under its own name."""
    given = {"settings": dict, "record": dict, "summary": nothing, "tables": nothing, "files": nothing}
    return Calculation(name=function.__name__, title=function.__name__, function=function, load=load, **given, **others)


TOYS = {function.__name__: toy(function) for function in (count, fail, die, deaf, threads)} | {
    "relaxation": replace(CALCULATIONS["relaxation"], load=load),
    "arrived": toy(arrived, download),
    "measure": toy(measure, alone=True),
    "count_sized": toy(count_sized, asks=lambda subject, settings: (Asked(settings["steps"], len(subject)),)),
    "count_elsewhere": toy(count_elsewhere, elsewhere, packages=("PyYAML",)),
}
COMMAND = (sys.executable, __file__)

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    from toy_tasks import TOYS as BY_REFERENCE  # workers import the functions: those of __main__ they cannot

    home = os.environ["MLIP_DASHBOARD_HOME"]
    sys.exit(serve(Dispatcher(home, calculations=BY_REFERENCE, workers=2, warm=False, linger=1.0, patience=1.0)))
