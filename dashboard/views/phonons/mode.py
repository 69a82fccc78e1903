"""The mode beside the bands: whose, at which q, which branch; and how its atoms move."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.views.phonons.figures import decode
from dashboard.views.phonons.naming import components, gamma, point_name, special_points
from dashboard.widgets.figure_page import file_name
from dashboard.widgets.frame import plain
from dashboard.widgets.once import once
from dashboard.widgets.viewer import Arrows, viewer
from dashboard.widgets.work import Work
from mlip_core.calculations.phonons.bands import BandStructure
from mlip_core.calculations.phonons.modes import ModeAnimation, animate, commensurate_repeats
from mlip_core.viewing.gif import gif

Shown = Sequence[tuple[Work, bool]]
"""What is drawn: works that are done, and whether their raw force constants are meant."""

FPS = 18.0
"""Frames a second at usual speed; a period has 24."""
SPEEDS = (0.25, 0.5, 1.0, 2.0)
MOST_ATOMS = 400
"""Most atoms that are moved on a page."""
ENOUGH_ATOMS = 16
"""Fewer atoms than this are repeated, unless the visitor asks otherwise."""
ARROW = 1.4
"""Å: length of the longest arrow."""
_WHO, _Q, _BRANCH = "mode-who", "mode-q", "mode-branch"


class Mode(NamedTuple):
    """Which mode of what is drawn."""

    place: int
    """Place of its owner in what is drawn."""
    q: int
    """Index of q on the path."""
    branch: int
    """From the lowest frequency."""


def chosen(shown: Shown) -> Mode:
    """Return the mode that was clicked, chosen or named in the link; else the highest one at Γ of the first that is drawn."""
    told = state.mode().split("~")
    if len(told) == 4 and told[2].isdecimal() and told[3].isdecimal():
        same = [k for k, (work, raw) in enumerate(shown) if [work.member.code, str(int(raw))] == told[:2]]
        own = same or [k for k, (work, _) in enumerate(shown) if work.member.code == told[0]]
        found = Mode((own or [0])[0], int(told[2]), int(told[3]))
        n_q, n_bands = _bands(shown, found.place).frequencies.shape
        if found.q < n_q and found.branch < n_bands:
            return found
    bands = _bands(shown, 0)
    return Mode(0, gamma(bands), bands.frequencies.shape[1] - 1)


def take_click(shown: Shown, key: str) -> None:
    """Take the mode that was clicked in the figure with this key."""
    points = st.session_state[key].selection.points
    told = points[0].get("customdata") if points else None
    if told is not None and told >= 0:
        _keep(shown, Mode(*decode(int(told), len(shown), len(_bands(shown, 0).distances))))


def watch(shown: Shown, mode: Mode) -> None:
    """Move the atoms along a mode, with the means to choose another one and to change the motion."""
    choose_mode(shown, mode)
    work, raw = shown[mode.place]
    bands = _bands(shown, mode.place)
    place = st.container()
    repeats, amplitude, arrows, speed = choose_motion(bands.qpoints[mode.q], len(work.result.primitive))
    qpoint = tuple(bands.qpoints[mode.q].tolist())
    motion = once(animate, work.result, qpoint, mode.branch, amplitude=amplitude, repeats=repeats, raw=raw)
    frames, vectors = pictures(motion), pattern(motion)
    with place:
        marks = [Arrows(vectors, work.style.color, "displacement")] if arrows else []
        scale = ARROW / float(np.linalg.norm(vectors, axis=1).max())
        viewer(
            frames, key="mode-viewer", height=340, selectable=False, animate=True, fps=FPS * speed,
            arrows=marks, arrow_scale=scale, arrow_unit="Å",
        )  # fmt: skip
        st.caption(_words(motion, bands, mode, raw=raw))
    name = file_name(f"{work.member.label} mode {mode.branch + 1} at {point_name(bands, mode.q)}")
    st.download_button(
        "GIF", lambda: gif(frames, arrows=vectors * scale if arrows else None, color=work.style.color, fps=FPS * speed),
        f"{name}.gif", "image/gif", key="mode-gif", on_click="ignore", icon=":material/movie:", width="stretch",
        help="This motion as an animated picture, for slides.",
    )  # fmt: skip


def choose_mode(shown: Shown, mode: Mode) -> None:
    """Offer member, q-point and branch; a click on a branch in the figure sets them too."""
    bands = _bands(shown, mode.place)
    points = _offered(bands, mode.q)
    values: Mapping[str, int] = {_WHO: mode.place, _Q: mode.q, _BRANCH: mode.branch}
    options: Mapping[str, list[int]] = {
        _WHO: list(range(len(shown))),
        _Q: list(points),
        _BRANCH: list(range(bands.frequencies.shape[1])),
    }
    names: Mapping[str, Any] = {
        _WHO: lambda k: _owner(*shown[k]),
        _Q: lambda q: f"at {points[q]}",
        _BRANCH: lambda k: f"Branch {k + 1}",
    }
    who, rest = st.container(), st.container(horizontal=True, gap="small")
    for key, title, row in ((_WHO, "Mode of", who), (_Q, "at q", rest), (_BRANCH, "Branch", rest)):
        st.session_state[key] = values[key]
        row.selectbox(
            title, options[key], format_func=names[key], key=key, label_visibility="collapsed",
            on_change=_take_choice, args=(shown, mode, key),
        )  # fmt: skip


def choose_motion(qpoint: np.ndarray, n_primitive: int) -> tuple[tuple[int, int, int], float, bool, float]:
    """Offer repetitions, amplitude (Å), arrows and speed."""
    choices = repetitions(qpoint, n_primitive)
    first, second = st.container(horizontal=True, gap="small"), st.container(horizontal=True, gap="small")
    times = first.selectbox(
        "Repetitions",
        list(choices),
        index=_enough(choices, n_primitive),
        format_func=lambda n: " × ".join(map(str, choices[n])),
        key="mode-repeats",
        bind="query-params",
        help="Of the primitive cell; all offered hold whole waves, where cells of at most 8 repetitions do.",
    )
    speed = first.selectbox(
        "Speed", SPEEDS, index=2, format_func=lambda x: f"{x:g}×", key="mode-speed", bind="query-params"
    )
    amplitude = second.slider("Amplitude (Å)", 0.05, 1.0, 0.3, step=0.05, key="mode-amplitude", bind="query-params")
    arrows = second.toggle("Arrows", True, key="mode-arrows", bind="query-params", width="content")
    return choices[times], float(amplitude), bool(arrows), float(speed)


def repetitions(qpoint: np.ndarray, n_primitive: int) -> dict[int, tuple[int, int, int]]:
    """Return how often the primitive cell may be repeated, whole waves along each vector: as multiples of the fewest."""
    a, b, c = commensurate_repeats(qpoint)
    choices = {n: (n * a, n * b, n * c) for n in (1, 2, 3, 4)}
    few = {n: sizes for n, sizes in choices.items() if n_primitive * int(np.prod(sizes)) <= MOST_ATOMS}
    return few or {1: choices[1]}


def pictures(motion: ModeAnimation) -> list[Atoms]:
    """Return one structure a frame."""
    frames = [motion.structure.copy() for _ in motion.displacements]
    for frame, positions in zip(frames, motion.frames, strict=True):
        frame.positions = positions
    return frames


def pattern(motion: ModeAnimation) -> np.ndarray:
    """Return the displacements (n_atoms, 3) of the frame in which the atoms together are farthest out, Å."""
    return motion.displacements[np.argmax((motion.displacements**2).sum(axis=(1, 2)))]


def _enough(choices: Mapping[int, tuple[int, int, int]], n_primitive: int) -> int:
    large = [k for k, sizes in enumerate(choices.values()) if n_primitive * int(np.prod(sizes)) >= ENOUGH_ATOMS]
    return (large or [len(choices) - 1])[0]


def _offered(bands: BandStructure, index: int) -> dict[int, str]:
    """Return the points that are offered: each name once, and where the visitor is."""
    names = special_points(bands)
    first: dict[str, int] = {}
    for q, name in names.items():
        first.setdefault(name, q)
    points = {q: name for name, q in first.items() if name != names.get(index)}
    return dict(sorted({**points, index: point_name(bands, index)}.items()))


def _bands(shown: Shown, place: int) -> BandStructure:
    work, raw = shown[place]
    bands: BandStructure = work.result.raw_band_structure if raw else work.result.band_structure
    return bands


def _owner(work: Work, raw: bool) -> str:
    return f"{work.member.label} (raw)" if raw else work.member.label


def _take_choice(shown: Shown, mode: Mode, key: str) -> None:
    field = {_WHO: "place", _Q: "q", _BRANCH: "branch"}[key]
    _keep(shown, mode._replace(**{field: int(st.session_state[key])}))


def _keep(shown: Shown, mode: Mode) -> None:
    if mode.place < len(shown):
        work, raw = shown[mode.place]
        state.choose_mode(f"{work.member.code}~{int(raw)}~{mode.q}~{mode.branch}")


def _words(motion: ModeAnimation, bands: BandStructure, mode: Mode, *, raw: bool) -> str:
    name, q = plain(point_name(bands, mode.q)), components(motion.qpoint)
    imaginary = ", imaginary: the atoms would not come back" if motion.frequency < 0 else ""
    frequency = f"{motion.frequency:.3f}".replace("-", "−")
    seam = "" if motion.commensurate else " This wave fits no supercell of at most 8 cells a vector: it has a seam at the border."  # fmt: skip
    return f"**{frequency} THz** at {name}, q = {q}{imaginary}.{seam}{' Raw force constants.' * raw}"
