"""The page Structure as navigation knows it."""

from dashboard.pages.declaration import Page

PAGE = Page(title="Structure", address="structure")
