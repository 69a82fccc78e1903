"""The page Runs as navigation knows it."""

from dashboard.views.declaration import Page

PAGE = Page(title="Runs", address="runs")
