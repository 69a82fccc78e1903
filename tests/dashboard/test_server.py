"""How the command starts the app."""

from dashboard.server import THRIFT, arguments


def test_the_app_is_served_thriftily_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("MLIP_DASHBOARD_UPLOAD_MB", raising=False)
    given = arguments([])
    asked = dict(zip(given[::2], given[1::2], strict=True))
    assert asked["--server.address"] == "localhost"
    assert asked["--runner.postScriptGC"] == "false"
    assert asked["--server.fileWatcherType"] == "none"
    other = arguments(["--server.fileWatcherType", "auto", "--runner.postScriptGC=true"])
    assert other.count("--server.fileWatcherType") == 1
    assert not any(word == "--runner.postScriptGC" for word in other)


def test_streamlit_knows_these_options():
    from streamlit import config

    for name in THRIFT:
        assert name.removeprefix("--") in config.get_config_options()
