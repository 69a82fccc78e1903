"""The page Structure as navigation knows it."""

from dashboard.views.declaration import Page

PAGE = Page(title="Structure", address="structure")
