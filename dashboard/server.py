"""The command ``mlip-dashboard``: serves the app on this machine and opens the browser."""

import sys
from pathlib import Path

from streamlit.web import cli

APP = Path(__file__).with_name("app.py")


def main() -> None:
    """Start the app; further arguments go to ``streamlit run`` (``--server.port 8600``, …)."""
    arguments = sys.argv[1:]
    if "--server.address" not in " ".join(arguments):
        arguments += ["--server.address", "localhost"]
    sys.argv = ["streamlit", "run", str(APP), *arguments]
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
