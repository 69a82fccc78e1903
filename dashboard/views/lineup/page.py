"""Line-up: which configurations are compared, and what each obeys by construction."""

from html import escape

import streamlit as st

from dashboard import state
from dashboard.views.lineup.fitting import knows, offer_fitting
from dashboard.views.lineup.passport import MEASURED, laws
from dashboard.widgets.cost import Cost, costs
from dashboard.widgets.frame import chip, header, panes, plain, warn
from dashboard.widgets.model_card import model_card
from dashboard.widgets.model_download import model_download
from dashboard.widgets.navigation import link
from dashboard.widgets.numbers import power
from dashboard.widgets.style import style_of
from dashboard.widgets.work import Work, live, start_button
from mlip_core.calculations.passport.calculation import Passport, PassportSettings
from mlip_core.configuration import Configuration
from mlip_core.errors import SettingsError
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import Entry, catalogue, entry
from mlip_core.symmetry.corrections import RANDOM_FRAME, Corrections, corrected_claims

ROTATIONS = {
    "none": "none",
    "tetrahedral": "tetrahedral group (12)",
    "octahedral": "octahedral group (24)",
    "icosahedral": "icosahedral group (60)",
    "lebedev-5": "Lebedev, degree 5 (84)",
    "random-32": "32 random orientations",
    RANDOM_FRAME: "a random frame each step (1), for dynamics",
}


def main() -> None:
    """Lay the page out: add a configuration; measure; a card for each member."""
    header()
    add, cards = panes()
    members = state.lineup()
    warn(members)
    with add:
        offer(members)
        tasks = measure(members) if members else []
    with cards:
        if not members:
            st.subheader("No models chosen yet")
            st.markdown("Add two to six configurations on the left. Each keeps its colour on every page.")
        elif tasks:
            live(tasks, draw)
        else:
            show(members, [None] * len(members))
        if members:
            link("relaxation", "Next: relax with the whole line-up")


def measure(members: tuple[Configuration, ...]) -> list[Task]:
    """Offer to measure on the chosen structure what every member claims; none without a structure."""
    st.divider()
    structure = state.structure()
    if structure is None:
        st.caption("To test these claims, choose a structure first.")
        link("structure", "Choose a structure")
        return []
    tasks = [
        Task(kind="passport", subject=structure, configuration=member, settings=PassportSettings())
        for member in members
        if knows(member, structure)
    ]
    if tasks:
        start_button("Test these claims", tasks, key="passport")
    offer_fitting(structure)
    return tasks


def draw(works: list[Work]) -> None:
    """Show the cards with what was measured so far."""
    found = {work.member: work.result for work in works}
    members = state.lineup()
    show(members, [found.get(member) for member in members])
    if any(work.result is not None for work in works):
        st.caption(MEASURED)


def show(members: tuple[Configuration, ...], found: list[Passport | None]) -> None:
    """Show the cards, three a row, and the way to the costs that are missing."""
    structure = state.structure()
    found_costs = costs(structure, 64 if structure is None else len(structure), members)
    for start in range(0, len(members), 3):
        for column, position in zip(st.columns(3), range(start, min(start + 3, len(members))), strict=False):
            with column:
                card(members, position, found[position], found_costs.get(members[position]))
    if len(found_costs) < len(members):
        link("speed", "Measure the cost that is missing")


def offer(members: tuple[Configuration, ...]) -> None:
    """Offer a model with its forces, precision and corrections."""
    models = {
        item.name: item for item in sorted(catalogue(), key=lambda item: (not item.available(), item.title.lower()))
    }
    name = st.selectbox("Model", list(models), format_func=lambda key: _title(models[key]), key="add-model")
    model = models[name]
    forces = st.segmented_control(
        "Forces", model.forces, default=model.default_forces, key=f"add-forces-{name}", required=True
    )
    dtype = st.segmented_control(
        "Precision", model.dtypes, default=model.default_dtype, key=f"add-dtype-{name}", required=True
    )
    corrections = choose_corrections()
    st.caption(_facts(model))
    if not model.available():
        model_download(model, key="offer")
    member = Configuration(
        model=name,
        forces=forces if forces != model.default_forces else None,
        dtype=dtype if dtype != model.default_dtype else None,
        corrections=corrections,
    )
    if member in members:
        st.caption("This configuration is in the line-up already.")
    elif len(members) >= state.MAX_MEMBERS:
        st.caption(
            f"The line-up is full: {state.MAX_MEMBERS} configurations are what one figure can tell apart. Remove one first."
        )
    elif st.button("Add to the line-up", type="primary", icon=":material/add:", width="stretch"):
        state.add_member(member)
        st.rerun()
    if members != state.start_lineup() and st.button("Reset line-up", type="tertiary"):
        state.open_lineup(state.start_lineup())
        st.rerun()


def choose_corrections() -> Corrections:
    """Offer the corrections at inference time."""
    with st.expander("Corrections"):
        rotations = st.selectbox(
            "Average over rotations",
            list(ROTATIONS),
            format_func=ROTATIONS.__getitem__,
            help="Each prediction is averaged over a grid of rotated copies: equivariant up to the grid's degree, at the cost of as many evaluations (in brackets).",
        )
        if rotations == RANDOM_FRAME:
            st.caption(
                "One evaluation in an orientation that is new for every geometry: right on average over a run at constant energy, noisy in each step. "
                "Phonons, the optimizers BFGS and LBFGS, λ and loops compare the forces of neighbouring geometries and refuse it."
            )
        inversion = st.toggle("… and inversion", disabled=rotations == "none")
        space_group = st.toggle(
            "Project onto the space group",
            help="Forces and stress keep the crystal's own symmetry exactly, at no cost.",
        )
        symprec = (
            st.select_slider("Tolerance (Å)", [1e-5, 1e-4, 1e-3, 1e-2], format_func=power(0)) if space_group else 1e-5
        )
        net_force = st.toggle("Remove the net force")
    try:
        return Corrections(
            rotations=rotations,
            inversion=inversion and rotations != "none",
            space_group=space_group,
            symprec=symprec,
            net_force=net_force,
        )
    except SettingsError as error:
        st.error(str(error))
        return Corrections()


def card(members: tuple[Configuration, ...], position: int, found: Passport | None, cost: Cost | None) -> None:
    """Show what one member is, what it obeys by construction, what was measured, and what a step costs."""
    member = members[position]
    model = entry(member.model)
    mark = style_of(member, state.color(member, position))
    with st.container(border=True, key=f"card-{position}"):
        st.html(
            f"<div style='border-top:5px solid {mark.color};margin:-.2rem 0 .4rem'></div><div style='font-size:1.15rem;font-weight:600'>{chip(mark).replace('nowrap', 'normal')}</div>"
        )
        st.html(laws(corrected_claims(model.claims(member.forces), member.corrections), found))
        if (structure := state.structure()) is not None and not knows(member, structure):
            unknown = ", ".join(model.unknown(structure.get_chemical_symbols()))
            st.caption(f":material/block: Not trained on {unknown}: will be skipped.")
        st.caption("**Cost** not measured yet" if cost is None else f"**Cost** {cost.step} ({plain(cost.whence)})")
        st.caption(_facts(model))
        model_card(member.model, member.forces or model.default_forces)
        if not model.available():
            model_download(model, key=f"card-{position}")
        if st.button("Remove", key=f"remove-{position}", type="tertiary", icon=":material/close:"):
            state.set_lineup([*members[:position], *members[position + 1 :]])
            st.rerun()


def _title(model: Entry) -> str:
    """Title in the list; the same before and after a download, or the browser would lose what was chosen."""
    if model.weights == "hub":
        return f"{model.title}  (from the hub)"
    return f"{model.title}  ({needed})" if (needed := model.needs()) else model.title


def _facts(model: Entry) -> str:
    elements = "all elements it was trained on" if not model.elements else _elements(model)
    parts = [model.functional, elements, f"weights: {model.licence}", model.citation]
    if model.environment is not None:
        parts.append(model.environment.recipe.note)
    return escape(" · ".join(filter(None, parts)), quote=False)


def _elements(model: Entry) -> str:
    return ", ".join(model.elements) if len(model.elements) <= 12 else f"{len(model.elements)} elements"


if __name__ == "__main__":
    main()
