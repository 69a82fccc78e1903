"""The pages: one folder a question, each with a ``declaration.py`` and a ``page.py``.

A new page is a folder and its name in :data:`FOLDERS`. The folder of all is not called
pages: Streamlit takes that name beside the script for its older kind of application with
several pages, and then does not find the page of a link when it is the first that a server
is asked for.
"""

from importlib import import_module

from dashboard.views.declaration import Page

FOLDERS = (
    "start",
    "structure",
    "lineup",
    "distillation",
    "summary",
    "relaxation",
    "phonons",
    "equation_of_state",
    "force_errors",
    "rotations",
    "conservation",
    "speed",
    "lessons",
    "runs",
)
"""In the order of the navigation; the first is the one that opens."""
PAGES: dict[str, Page] = {folder: import_module(f"{__name__}.{folder}.declaration").PAGE for folder in FOLDERS}
"""Every page by its folder."""


def page_of(calculation: str) -> str | None:
    """Return the folder of the page that shows a calculation; None where none does."""
    return next((folder for folder, page in PAGES.items() if calculation in page.shows), None)
