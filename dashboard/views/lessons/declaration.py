"""The page Lessons as navigation knows it."""

from dashboard.views.declaration import Page

PAGE = Page(
    title="Lessons",
    address="lessons",
    terms=("configuration", "direct", "constraint", "correction", "lambda", "loop", "group", "rattle", "space-group"),
)
