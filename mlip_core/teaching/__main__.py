"""``python -m mlip_core.teaching``: compute the results that come with the program, as far as they are not there.

A result that is there stays as long as its question, the code and the packages do. Goes on where it was stopped: what is
finished lies in the folder that ``--folder`` names, and so does whatever a calculation leaves in a person's own folder.
"""

import argparse
import os
from functools import cache
from pathlib import Path

from mlip_core.configuration import Configuration
from mlip_core.jobs.store import Store
from mlip_core.teaching.examples import example_tasks
from mlip_core.teaching.lessons import lessons
from mlip_core.teaching.shipped import current, pack, read, shipped_folder

LIMIT = 4_000_000
"""Bytes that all results together may take."""


def main() -> None:
    """Compute what the examples and the lessons show, and write it beside the other assets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where finished results are kept in between")
    folder = parser.parse_args().folder.resolve()
    os.environ["MLIP_DASHBOARD_HOME"] = str(folder)
    store, load, before = Store(folder), cache(Configuration.load), current()
    for key, path in before.items():
        if not store.has(key):
            store.put(key, read(path))
    asked = [*example_tasks(), *(task for lesson in lessons() for step in lesson.steps for task in step.tasks)]
    tasks = {task.key(): task for task in asked}
    for key, task in tasks.items():
        if store.get(key) is None:
            print(task.kind, task.configuration.label, flush=True)
            store.put(key, task.run(store=store, load=load))
    size = pack(tasks.values(), store, shipped_folder())
    print(
        f"{len(tasks)} results, {len(before.keys() & tasks)} of them there before, {size / 1e6:.1f} MB (limit {LIMIT / 1e6:g} MB)"
    )
    if size > LIMIT:
        raise SystemExit("That is too much to come with the program.")


if __name__ == "__main__":
    main()
