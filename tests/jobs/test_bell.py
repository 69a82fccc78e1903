"""The dispatcher sleeps until somebody rings."""

import threading
import time

from mlip_core.jobs.bell import Bell, ring


def test_a_ring_from_outside_or_inside_wakes_at_once_and_many_count_once(tmp_path):
    bell = Bell(tmp_path)
    try:
        for caller in (lambda: ring(tmp_path), bell.ring):
            threading.Timer(0.05, caller).start()
            start = time.monotonic()
            assert bell.wait(30)
            assert time.monotonic() - start < 10
        for _ in range(5):
            ring(tmp_path)
        assert bell.wait(1)
        assert not bell.wait(0)
    finally:
        bell.close()


def test_without_a_bell_nothing_happens(tmp_path):
    ring(tmp_path)
    (tmp_path / "dispatcher.port").write_text("not a port")
    ring(tmp_path)
