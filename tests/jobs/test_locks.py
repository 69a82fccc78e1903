import subprocess
import sys
import threading

from mlip_core.jobs.locks import drop_abandoned, is_held, taken

HOLD = "import sys; from mlip_core.jobs.locks import taken; lock = taken(sys.argv[1], patience=0); print('held', flush=True); sys.stdin.read()"


def test_a_lock_has_one_holder(tmp_path):
    first = taken(tmp_path / "lock", patience=0)
    assert first is not None
    assert taken(tmp_path / "lock", patience=0.1) is None
    assert is_held(tmp_path / "lock")
    first.release()
    assert not is_held(tmp_path / "lock")


def test_any_thread_may_release(tmp_path):
    lock = taken(tmp_path / "lock", patience=0)
    other = threading.Thread(target=lock.release)
    other.start()
    other.join()
    assert not is_held(tmp_path / "lock")


def test_a_process_that_is_killed_lets_go(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert is_held(tmp_path / "lock")
        holder.kill()
        holder.wait(10)
        assert not is_held(tmp_path / "lock")


def test_abandoned_locks_are_removed_and_held_ones_counted(tmp_path):
    held, left = taken(tmp_path / "clients" / "held", patience=0), taken(tmp_path / "clients" / "left", patience=0)
    left.release()
    (tmp_path / "clients" / "left").touch()  # on Windows a released file is gone
    assert drop_abandoned(tmp_path / "clients") == 1
    assert [path.name for path in (tmp_path / "clients").iterdir()] == ["held"]
    held.release()
    assert drop_abandoned(tmp_path / "nowhere") == 0
