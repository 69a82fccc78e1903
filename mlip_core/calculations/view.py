"""Structures and results in 3D: as a view of py3Dmol, and by themselves in a notebook."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ase import Atoms

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.export import calculation_of
from mlip_core.calculations.phonons.modes import ModeAnimation

if TYPE_CHECKING:
    from mlip_core.viewing.picture import Picture


def view(subject: Any, **options: Any) -> "Picture":
    """Draw a structure or what a result has to show, with the cell; 3Dmol.js is inside, no other host is asked.

    Parameters
    ----------
    subject : Atoms, sequence of Atoms, ModeAnimation or result
        A structure; the frames of an animation; a phonon mode as ``animate`` gives it; or the result of a
        calculation on a structure (a relaxation is an animation).
    **options
        Those of :func:`mlip_core.viewing.picture.picture`: ``supercell``, ``style``, ``fps``, ``width``, ``height``.

    Returns
    -------
    Picture
        A ``py3Dmol.view``, which shows itself as the last line of a notebook's cell; its ``page()`` is one HTML page.

    Raises
    ------
    SettingsError
        If there is no atom to draw, or the frames hold different atoms.
    RecordError
        If it is neither a structure nor the result of a calculation on one.
    FetchError
        If 3Dmol.js is not installed here; says how to fetch it.
    """
    from mlip_core.viewing.picture import picture

    return picture(_frames(subject), **options)


def load_ipython_extension(shell: Any) -> None:
    """Let structures and results show themselves in a notebook: ``%load_ext mlip_core``.

    Asked for rather than done by itself, because structures are ASE's, and because every picture
    puts a copy of 3Dmol.js (0.7 MB) into the notebook's file.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        The notebook's.
    """
    html = shell.display_formatter.formatters["text/html"]
    records = [calculation.record for calculation in CALCULATIONS.values() if calculation.subject == "structure"]
    for kind in (Atoms, ModeAnimation, *records):
        html.for_type(kind, _html)


def _html(subject: Any) -> str:
    return view(subject)._repr_html_()


def _frames(subject: Any) -> Sequence[Atoms]:
    """Return the structures that show it: one, or the frames of an animation."""
    if isinstance(subject, Atoms):
        return [subject]
    if isinstance(subject, ModeAnimation):
        return [_moved(subject.structure, positions) for positions in subject.frames]
    if isinstance(subject, Sequence) and all(isinstance(frame, Atoms) for frame in subject):
        return subject
    return calculation_of(subject).frames(subject)


def _moved(structure: Atoms, positions: Any) -> Atoms:
    frame = structure.copy()
    frame.set_positions(positions, apply_constraint=False)
    return frame
