"""The finished examples of the start page: which page each opens, and what was computed for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from mlip_core.assets import asset
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure
from mlip_core.summary.questions import questions


@dataclass(frozen=True, kw_only=True)
class Example:
    """One card of the start page."""

    title: str
    """Whom it is for: a verb."""
    question: str
    """What that person asks."""
    shows: str
    """What the example shows, one sentence."""
    button: str
    """Words of the way to it."""
    page: str
    """Folder of the page that it opens."""
    address: Mapping[str, str]
    """What a link to that page carries, by the names of the address."""


@lru_cache(maxsize=1)
def examples() -> tuple[Example, ...]:
    """Return the examples, in the order of the cards."""
    rows: list[dict[str, Any]] = yaml.safe_load(asset("examples", "examples.yaml").read_text(encoding="utf-8"))
    return tuple(Example(**row) for row in rows)


def example_tasks() -> list[Task]:
    """Return everything that a full comparison asks of the examples' structures, but what depends on a data set or the clock."""
    found: list[Task] = []
    seen = set()
    for example in examples():
        asked = example.address["structure"], example.address["lineup"]
        if asked in seen:
            continue
        seen.add(asked)
        codes = (Configuration.from_code(code) for code in asked[1].split(","))
        members = [member for member in codes if member is not None]
        by_kind = questions(library_structure(asked[0]), members)
        found += [task for kind, tasks in by_kind.items() if kind != "speed" for task in tasks.values()]
    return found
