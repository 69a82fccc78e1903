"""The command ``mlip-dashboard``: serves the app on this machine and opens the browser."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from streamlit.web import cli

from mlip_core.errors import SettingsError
from mlip_core.home import upload_limit_mb
from mlip_core.models.environments.__main__ import main as models

APP = Path(__file__).with_name("app.py")
THRIFT = {
    "--runner.postScriptGC": "false",
    "--server.fileWatcherType": "none",
    "--runner.magicEnabled": "false",
}
"""Streamlit would search the whole memory for garbage after every click and every look at work under way, which
costs several times what the answer does, look every second whether the app's own code has changed, and rewrite every
page's code before its first drawing so that bare expressions are shown."""


def main() -> None:
    """Read the command line, and serve the app until it is stopped; ``models …`` is a command of its own."""
    if sys.argv[1:2] == ["models"]:
        sys.exit(models(sys.argv[2:]))
    asked, further = read(sys.argv[1:])
    with home_of(asked):
        if asked.workers is not None:
            os.environ["MLIP_DASHBOARD_WORKERS"] = str(asked.workers)
        try:
            sys.argv = ["streamlit", "run", str(APP), *arguments([*own(asked), *further])]
        except SettingsError as error:
            sys.exit(str(error))
        sys.exit(cli.main())


def read(words: list[str]) -> tuple[Namespace, list[str]]:
    """Split the command line into what is the app's own and, after ``--``, what is Streamlit's.

    Parameters
    ----------
    words : list of str
        Without the name of the command.

    Returns
    -------
    Namespace
        ``port``, ``host``, ``home``, ``workers``, ``demo`` and ``headless``.
    list of str
        For Streamlit.
    """
    parser = ArgumentParser(
        prog="mlip-dashboard",
        description="Put machine-learned interatomic potentials side by side on your own structure, in the browser.",
        epilog="What follows -- goes to Streamlit: mlip-dashboard --port 8600 -- --server.enableCORS false. "
        "mlip-dashboard models --help: model families in environments of their own.",
    )
    parser.add_argument("--port", type=int, help="where the app is served (8501, or the next that is free)")
    parser.add_argument(
        "--host", default="localhost", help="name or address it listens on (localhost: this machine only)"
    )
    parser.add_argument("--home", type=Path, help="folder of results, structures and models (MLIP_DASHBOARD_HOME)")
    parser.add_argument(
        "--workers", type=_at_least_one, help="calculations at a time (MLIP_DASHBOARD_WORKERS; one a core)"
    )
    parser.add_argument("--demo", action="store_true", help="start with an empty folder that is deleted at the end")
    parser.add_argument("--headless", action="store_true", help="do not open the browser")
    cut = words.index("--") if "--" in words else len(words)
    asked = parser.parse_args(words[:cut])
    if asked.demo and asked.home:
        parser.error("--demo has a folder of its own: leave out --home")
    return asked, words[cut + 1 :]


@contextmanager
def home_of(asked: Namespace) -> Iterator[None]:
    """Say to all parts of the app where its folder is; that of a demonstration goes at the end."""
    with (
        TemporaryDirectory(prefix="mlip-dashboard-", ignore_cleanup_errors=True) if asked.demo else nullcontext() as own
    ):
        if folder := own or asked.home:
            os.environ["MLIP_DASHBOARD_HOME"] = str(Path(folder).absolute())
        yield


def own(asked: Namespace) -> list[str]:
    """Say in Streamlit's words what the app's own options ask of it."""
    port = [] if asked.port is None else ["--server.port", str(asked.port)]
    headless = ["--server.headless", "true"] if asked.headless else []
    return ["--server.address", asked.host, *port, *headless]


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{number} is not at least 1")
    return number


def arguments(given: list[str]) -> list[str]:
    """Add to what was given what is not: the limit of uploads, and thrift.

    Raises
    ------
    SettingsError
        If ``MLIP_DASHBOARD_UPLOAD_MB`` is no number of megabytes.
    """
    defaults = {"--server.maxUploadSize": str(upload_limit_mb()), **THRIFT}
    missing = {name: value for name, value in defaults.items() if not any(word.startswith(name) for word in given)}
    return [*given, *(word for pair in missing.items() for word in pair)]


if __name__ == "__main__":
    main()
