"""What the pages share with the workers: the queue and the stored results."""

import streamlit as st

from mlip_core.home import home
from mlip_core.jobs.queue import Jobs


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Return the one connection of this server to the runs table and the store."""
    queue = Jobs(home())
    queue.ensure_dispatcher()
    return queue
