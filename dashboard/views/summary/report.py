"""What a visitor takes along of the whole comparison."""

from collections.abc import Sequence

from dashboard.views.summary.gathering import Comparison
from dashboard.views.summary.table import Row
from dashboard.widgets.work import Work


def offer_report(found: Comparison, works: Sequence[Work], rows: Sequence[Row]) -> None:
    """Offer it."""
