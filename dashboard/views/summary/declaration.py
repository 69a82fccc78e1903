"""The page Summary as navigation knows it: it gathers what other pages show."""

from dashboard.views.declaration import Page
from mlip_core.summary.questions import KINDS

PAGE = Page(
    title="Summary",
    question="What may each model be used for, on your structure?",
    address="summary",
    terms=(
        "configuration",
        "direct",
        "constraint",
        "correction",
        "imaginary",
        "drift",
        "lambda",
        "floor",
        "space-group",
    ),
    gathers=KINDS,
)
