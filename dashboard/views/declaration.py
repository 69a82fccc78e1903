"""What a page says of itself: all that navigation, Runs, reopening and downloads need to know about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.widgets.figure_page import Figures
from dashboard.widgets.theme import Style
from mlip_core.jobs.task import Task

Named = Sequence[tuple[Style, Any]]
"""Results of one calculation, each with the style of its configuration."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One calculation as a page shows it."""

    widget_values: Callable[[Task], Mapping[str, Any]]
    """From a task what the page's widgets must say for the page to ask the same question: widget key → value.
    The task's structure is taken as it is, so nothing is rattled or standardised again."""
    figures: Callable[[Named], Figures]
    """From finished results the figures that a visitor takes along, by their headings."""
    words: Mapping[str, Callable[[Any, Task], str]] = field(default_factory=dict)
    """How a choice is written in the address where its widget shows it in words: widget key → a function of value and task."""

    def in_words(self, task: Task, values: Mapping[str, Any]) -> dict[str, str]:
        """Return what the address says of those choices about a task that are written in words: widget key → words."""
        return {key: write(values[key], task) for key, write in self.words.items() if key in values}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page, as its folder declares it."""

    title: str
    """In the navigation, in sentence case."""
    address: str
    """Last part of its address; it never changes, so that links stay good."""
    shows: Mapping[str, Shown] = field(default_factory=dict)
    """Name of each calculation that it shows → how."""
    question: str = ""
    """What it answers about a structure; its heading as long as no structure is chosen."""
    terms: tuple[str, ...] = ()
    """Terms that it uses, by their short names in ``assets/glossary.yaml``; it explains them behind "Terms"."""
    gathers: tuple[str, ...] = ()
    """Names of calculations that it asks for and judges together; other pages show them."""
