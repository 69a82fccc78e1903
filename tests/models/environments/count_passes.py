"""Load a model in its environment and tell how often its network runs for a list of three structures."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from ase.build import bulk

FOLDER, FAMILY, NAME, FILE = sys.argv[1:]
spec = spec_from_file_location("boot", Path(FOLDER, "boot.py"))  # its folder on the path would hide the real packages
boot = module_from_spec(spec)
spec.loader.exec_module(boot)
boot.load("served", Path(FOLDER, "__init__.py"))
family = boot.load("served.family", Path(FOLDER, FAMILY))
asked = sys.modules["served.potential"].Asked(
    name=NAME, file=FILE or None, forces="conservative", dtype="float32", device="cpu"
)
model = family.load(asked)
passes = []
model.predict.network.register_forward_hook(lambda *_: passes.append(1))
answers = model.predict([bulk("Al"), bulk("Cu", cubic=True), bulk("Al", cubic=True)])
print(len(answers), len(passes))
