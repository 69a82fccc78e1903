"""What a tolerance hides: the space group of each final cell against the tolerance."""

from collections.abc import Sequence

import plotly.graph_objects as go
from ase import Atoms

from dashboard.views.relaxation.figures import typeset
from dashboard.widgets.theme import DESK, Look, Style
from mlip_core.structures import symmetry_by_tolerance
from mlip_core.structures.crystal import TOLERANCES

APART = 0.09
"""Distance between members at the same space group, in levels."""


def sweep_figure(members: Sequence[tuple[Style, Atoms]], *, look: Look = DESK) -> go.Figure | None:
    """Draw the space group found at each tolerance.

    Parameters
    ----------
    members : sequence of (Style, Atoms)
        Final structures.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure or None
        None where no structure has a space group.
    """
    found = [(mark, sweep) for mark, atoms in members if (sweep := symmetry_by_tolerance(atoms))]
    if not found:
        return None
    names = {info.number: info.international for _, sweep in found for info in sweep}
    levels = {number: level for level, number in enumerate(sorted(names))}
    figure = go.Figure()
    for k, (mark, sweep) in enumerate(found):
        shift = APART * (k - (len(found) - 1) / 2)
        figure.add_scatter(
            x=[info.symprec for info in sweep],
            y=[levels[info.number] + shift for info in sweep],
            customdata=[f"{info.international} ({info.number}), {info.n_operations} operations" for info in sweep],
            mode="lines+markers",
            line=look.line(mark) | {"shape": "hvh"},
            marker={"size": 5, "color": mark.color},
            **mark.group,
            hovertemplate=f"<b>{mark.label}</b><br>%{{x:.1e}} Å: %{{customdata}}<extra></extra>",
        )
    for symprec in TOLERANCES:
        figure.add_vline(symprec, line={**look.guide, "dash": "longdash"})
    figure.update_xaxes(title_text="tolerance (Å)", type="log")
    figure.update_yaxes(
        tickvals=list(levels.values()),
        ticktext=[typeset(f"{names[number]} ({number})") for number in levels],
        range=[-0.5, len(levels) - 0.5],
    )
    return look.finish(figure, height=360, taller=1.25, uirevision="sweep")
