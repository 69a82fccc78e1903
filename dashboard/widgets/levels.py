"""How kept, doubtful and broken look: colours that read on white and on black, and never without a sign."""

from mlip_core.summary.rules import Level

COLORS: dict[Level | None, str] = {
    "kept": "rgba(0,158,115,.25)",
    "doubtful": "rgba(230,159,0,.3)",
    "broken": "rgba(213,94,0,.25)",
    None: "rgba(128,128,128,.15)",
}
"""Background of a cell; None where nothing can be said."""
SIGNS: dict[Level | None, str] = {"kept": "✓", "doubtful": "○", "broken": "✗", None: "–"}
"""What stands before the words."""
