import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty data folder of its own."""
    monkeypatch.setenv("MLIP_DASHBOARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
