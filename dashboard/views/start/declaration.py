"""The page Start as navigation knows it."""

from dashboard.views.declaration import Page

PAGE = Page(title="Start", address="start")
