"""The command ``mlip-dashboard``: serves the app on this machine and opens the browser."""

import sys
from pathlib import Path

from streamlit.web import cli

from mlip_core.errors import SettingsError
from mlip_core.home import upload_limit_mb
from mlip_core.models.environments.__main__ import main as models

APP = Path(__file__).with_name("app.py")
THRIFT = {"--runner.postScriptGC": "false", "--server.fileWatcherType": "none"}
"""Streamlit would search the whole memory for garbage after every click and every look at work under way, which
costs several times what the answer does, and look every second whether the app's own code has changed."""


def main() -> None:
    """Start the app; further arguments go to ``streamlit run`` (``--server.port 8600``, …), all after ``models`` elsewhere."""
    if sys.argv[1:2] == ["models"]:
        sys.exit(models(sys.argv[2:]))
    try:
        sys.argv = ["streamlit", "run", str(APP), *arguments(sys.argv[1:])]
    except SettingsError as error:
        sys.exit(str(error))
    sys.exit(cli.main())


def arguments(given: list[str]) -> list[str]:
    """Add to what was given what is not: this machine only, the limit of uploads, and thrift.

    Raises
    ------
    SettingsError
        If ``MLIP_DASHBOARD_UPLOAD_MB`` is no number of megabytes.
    """
    defaults = {"--server.address": "localhost", "--server.maxUploadSize": str(upload_limit_mb()), **THRIFT}
    missing = {name: value for name, value in defaults.items() if not any(word.startswith(name) for word in given)}
    return [*given, *(word for pair in missing.items() for word in pair)]


if __name__ == "__main__":
    main()
