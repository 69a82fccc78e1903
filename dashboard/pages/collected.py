"""The figures of each page by their headings, as a visitor takes them along."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dashboard.pages.conservation import figures as conservation
from dashboard.pages.force_errors import figures as force_errors
from dashboard.pages.force_errors import parity
from dashboard.pages.phonons import figures as phonons
from dashboard.pages.relaxation import figures as relaxation
from dashboard.pages.rotations import figures as rotations
from dashboard.widgets.figure_page import Figures
from dashboard.widgets.theme import Style

if TYPE_CHECKING:
    from mlip_core.calculations.conservation.calculation import Conservation
    from mlip_core.calculations.force_errors import ErrorSplit, ForceErrors
    from mlip_core.calculations.phonons import Phonons
    from mlip_core.calculations.relaxation.calculation import RelaxationResult
    from mlip_core.calculations.rotations.correction_cost import CorrectionCost
    from mlip_core.calculations.rotations.variance import RotationalVariance


def relaxation_figures(results: "Sequence[tuple[Style, RelaxationResult]]") -> Figures:
    """Draw the finished relaxations."""
    traces = [relaxation.RelaxationTrace.from_result(mark, result) for mark, result in results]
    return {"Relaxation": relaxation.relaxation_figure(traces)}


def phonon_figures(
    results: "Sequence[tuple[Style, Phonons]]",
    series: Sequence[phonons.PhononSeries],
    *,
    unit: phonons.Unit,
    reference: phonons.PhononSeries | None,
) -> Figures:
    """Draw the bands as they are shown, and the thermal properties."""
    return {
        "Bands and density of states": phonons.phonon_figure(series, unit=unit, reference=reference),
        "Thermal properties": phonons.thermal_figure(results),
    }


def rotation_figures(results: "Sequence[tuple[Style, RotationalVariance]]", reference: str) -> Figures:
    """Draw every view of the rotational variance that was measured; ``reference`` names the model compared with."""
    figures = {"Deviation in every orientation": rotations.distribution_figure(results)}
    if any(result.error_split is not None for _, result in results):
        figures["What is symmetry breaking"] = rotations.split_figure(results, reference)
    if any(result.angles is not None for _, result in results):
        for place, axis in enumerate("xyz"):
            figures[f"Turned about {axis}"] = rotations.angle_figure(results, place)
    if spectra := [(mark, result) for mark, result in results if result.spectrum is not None]:
        figures["Degrees"] = rotations.spectrum_figure(spectra)
    for mark, result in results:
        if result.orientation_map is not None:
            figures[f"Energy over the sphere: {mark.label}"] = rotations.globe_figure(result)
    return figures


def correction_figures(costs: "Sequence[tuple[Style, CorrectionCost]]", reference: str) -> Figures:
    """Draw what corrections buy; ``reference`` names the model compared with."""
    return {"What a correction buys": rotations.cost_figure(costs, reference=reference)}


def conservation_figures(
    results: "Sequence[tuple[Style, Conservation]]", heads: "Sequence[tuple[Style, Conservation]]"
) -> Figures:
    """Draw loops, runs and heads; ``heads`` has each pair of heads once."""
    figures = {}
    if any(result.loop is not None for _, result in results):
        figures["Work around the loop"] = conservation.loop_figure(results)
    if any(result.random_loops for _, result in results):
        figures["Random loops"] = conservation.random_loops_figure(results)
    if heads:
        figures["Two heads"] = conservation.heads_figure(heads)
    if any(result.run is not None for _, result in results):
        figures["Run at constant energy"] = conservation.energy_figure(results)
    return figures


def force_error_figures(
    compared: "Sequence[tuple[Style, ForceErrors]]", splits: "Sequence[tuple[Style, ErrorSplit]]"
) -> Figures:
    """Draw every view of the force errors."""
    figures = {
        "Parity": parity.parity_figure(compared),
        "Distribution": force_errors.distribution_figure(compared),
        "By element": force_errors.breakdown_figure(compared, "by_element", "element", "element of the atom"),
    }
    for tag in force_errors.tags(compared):
        figures[f"By subset: {tag}"] = force_errors.breakdown_figure(compared, "by_subset", tag, tag)
    figures["By force"] = force_errors.magnitude_figure(compared)
    if any(errors.energy_mae is not None for _, errors in compared):
        figures["Energies"] = force_errors.energy_figure(compared)
    if any(errors.n_stresses for _, errors in compared):
        figures["Stress"] = force_errors.stress_figure(compared)
    if splits:
        figures["Split"] = force_errors.split_figure(splits)
    figures["Speed"] = force_errors.speed_figure(compared)
    return figures
