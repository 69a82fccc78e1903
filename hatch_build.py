"""Fetch the library of the 3D viewer while the package is built; the build goes on without it.

Also runs by itself: ``python hatch_build.py``.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # by itself, outside of a build
    BuildHookInterface = object


def fetcher() -> ModuleType:
    """Load the fetching module from its file: the package itself is not importable during its build."""
    path = Path(__file__).parent / "mlip_core" / "viewing" / "fetch.py"
    spec = importlib.util.spec_from_file_location("viewer_fetch", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FetchViewer(BuildHookInterface):
    """Hatchling's hook for wheels, editable ones too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch before files are collected."""
        if self.target_name == "wheel":
            fetch_quietly()


def fetch_quietly() -> None:
    """Fetch, or say in the build's log what is missing and how to get it later."""
    try:
        module = fetcher()
        module.fetch()
    except Exception as error:
        print(
            f"The 3D viewer will show no structures yet, because 3Dmol.js could not be fetched: {error}\n"
            "Everything else works. Later: python -m mlip_core.viewing.fetch",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(fetcher().main())
