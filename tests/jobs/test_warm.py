"""Two threads of a process that build syntax trees at a time do not disturb each other."""

import ast
import gc
import time
from contextlib import suppress
from pathlib import Path

from mlip_core import keys
from mlip_core.jobs import warm, worker


def test_a_task_starts_when_its_worker_has_imported_everything(monkeypatch, tmp_path):
    order = []

    def imports():
        time.sleep(0.2)
        order.append("imported")

    monkeypatch.setattr(warm, "_import_all", imports)
    monkeypatch.setattr(worker, "_answer", lambda *_: order.append("computed"))
    warm.dask_setup(None)
    assert worker.execute(str(tmp_path), "run", {}).status == "done"
    assert order == ["imported", "computed"]


def test_the_digest_of_code_survives_another_tree_being_built_meanwhile():
    """The collector runs Python in the midst of a tree, as it does in a Dask worker."""
    path = Path(keys.__file__)
    expected = ast.dump(ast.parse(path.read_text(encoding="utf-8")))
    interruptions = []

    def interrupt(phase, _):
        if len(interruptions) < 3:
            interruptions.append(phase)
            with suppress(SystemError):
                ast.parse("f(x + 1)")

    keys._tree.cache_clear()
    usual = gc.get_threshold()
    gc.callbacks.append(interrupt)
    gc.set_threshold(50)
    try:
        tree = keys._tree(path)
    finally:
        gc.set_threshold(*usual)
        gc.callbacks.remove(interrupt)
    assert interruptions
    assert ast.dump(tree) == expected
