"""How the command starts the app."""

import os
from pathlib import Path

import pytest

from dashboard.server import THRIFT, arguments, home_of, own, read


def asked(*words):
    mine, further = read(list(words))
    return arguments([*own(mine), *further])


def test_the_app_is_served_thriftily_to_this_machine_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("MLIP_DASHBOARD_UPLOAD_MB", raising=False)
    given = asked()
    options = dict(zip(given[::2], given[1::2], strict=True))
    assert options["--server.address"] == "localhost"
    assert options["--runner.postScriptGC"] == "false"
    assert options["--server.fileWatcherType"] == "none"
    other = asked("--", "--server.fileWatcherType", "auto", "--runner.postScriptGC=true")
    assert other.count("--server.fileWatcherType") == 1
    assert not any(word == "--runner.postScriptGC" for word in other)


def test_its_own_options_reach_streamlit_in_its_words():
    given = asked("--port", "8600", "--host", "0.0.0.0", "--headless", "--", "--server.enableCORS", "false")
    options = dict(zip(given[::2], given[1::2], strict=True))
    assert (options["--server.port"], options["--server.address"]) == ("8600", "0.0.0.0")
    assert (options["--server.headless"], options["--server.enableCORS"]) == ("true", "false")


def test_streamlit_knows_these_options():
    from streamlit import config

    for name in [*THRIFT, "--server.port", "--server.address", "--server.headless"]:
        assert name.removeprefix("--") in config.get_config_options()


@pytest.mark.parametrize(
    "words", [["--workers", "0"], ["--port", "x"], ["--demo", "--home", "/"], ["--server.port", "1"]]
)
def test_what_makes_no_sense_is_said(words, capsys):
    with pytest.raises(SystemExit) as end:
        read(words)
    assert end.value.code == 2
    assert "mlip-dashboard: error:" in capsys.readouterr().err


def test_help_is_its_own(capsys):
    with pytest.raises(SystemExit) as end:
        read(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--port", "--host", "--home", "--workers", "--demo", "Streamlit"))


def test_a_demonstration_leaves_nothing_behind(monkeypatch):
    monkeypatch.setenv("MLIP_DASHBOARD_HOME", "elsewhere")
    with home_of(read(["--demo"])[0]):
        home = Path(os.environ["MLIP_DASHBOARD_HOME"])
        assert home.is_dir()
        (home / "result").touch()
    assert not home.exists()


def test_another_home_is_told_to_all_parts(monkeypatch, tmp_path):
    monkeypatch.setenv("MLIP_DASHBOARD_HOME", "elsewhere")
    monkeypatch.chdir(tmp_path)
    with home_of(read(["--home", "mine"])[0]):
        assert os.environ["MLIP_DASHBOARD_HOME"] == str(tmp_path / "mine")
