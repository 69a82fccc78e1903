"""Start serving one family: ``python -I boot.py FAMILY.py MODELS_FOLDER``.

The other interpreter must not see the packages of this one, so that this folder is loaded by
its place instead of by the import path.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent


def load(name: str, path: Path) -> ModuleType:
    """Load a module from its file under a name; a folder's ``__init__.py`` makes a package."""
    places = [str(path.parent)] if path.name == "__init__.py" else None
    spec = spec_from_file_location(name, path, submodule_search_locations=places)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    load("served", FOLDER / "__init__.py")
    server = load("served.server", FOLDER / "server.py")
    server.main(load("served.family", Path(sys.argv[1])), Path(sys.argv[2]))
