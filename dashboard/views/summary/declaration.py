"""The page Summary as navigation knows it: it gathers what other pages show."""

from dashboard.views.declaration import Page
from mlip_core.summary.questions import KINDS

PAGE = Page(title="Summary", address="summary", gathers=KINDS)
