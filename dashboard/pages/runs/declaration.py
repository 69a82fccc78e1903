"""The page Runs as navigation knows it."""

from dashboard.pages.declaration import Page

PAGE = Page(title="Runs", address="runs")
