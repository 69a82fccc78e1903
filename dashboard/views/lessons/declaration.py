"""The page Lessons as navigation knows it."""

from dashboard.views.declaration import Page

PAGE = Page(title="Lessons", address="lessons")
