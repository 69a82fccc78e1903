"""``python -m mlip_core.jobs``: serve the runs of ``MLIP_DASHBOARD_HOME``."""

import sys

from mlip_core.home import home
from mlip_core.jobs.dispatcher import Dispatcher, serve

if __name__ == "__main__":
    sys.exit(serve(Dispatcher(home())))
