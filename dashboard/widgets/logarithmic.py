"""Logarithmic axes whose every tick is named in full: 200, not 2."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

import numpy as np

_NEAR = 0.25
"""Up to so many decades the ticks are those of a linear axis."""
_STEPS = ((0.7, (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)), (2.3, (1, 2, 5)))
"""Up to how many decades → the ticks of each; powers of ten beyond."""
_MOST = 8
"""Powers of ten that are named at most."""
_PLAIN = (1e-3, 1e5)
"""Ticks in between are written without a power of ten."""


def named(axes: Mapping[str, Mapping[str, Any]], traces: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what names the ticks of the logarithmic axes that do not name theirs.

    Parameters
    ----------
    axes : mapping
        Layout of a figure; "xaxis", "yaxis2", … are looked at.
    traces : iterable of mapping
        What is drawn.

    Returns
    -------
    dict
        Axis → ``tickvals`` and ``ticktext``, or that there are none where nothing is drawn.
    """
    wanted = {
        name: axis for name, axis in axes.items() if name[1:5] == "axis" and axis.get("type") == "log" and not axis.get("tickvals")
    }  # fmt: skip
    groups: dict[str, list[float]] = {}
    shown = list(traces) if wanted else []
    for name, axis in wanted.items():
        groups.setdefault(_group(name, axis), []).extend(_values(name, axis, shown))
    return {name: _ticks(groups[_group(name, axis)]) for name, axis in wanted.items()}


def ticks(values: Sequence[float]) -> list[float]:
    """Return ticks from below the least value to above the greatest, so many that values can be read.

    Parameters
    ----------
    values : sequence of float
        Positive.

    Returns
    -------
    list of float
        Rising: 1, 2 and 5 times the powers of ten; more where the values are near each other, powers alone where far.
    """
    low, high = log10(min(values)), log10(max(values))
    if low == high:
        return [10.0**power for power in range(floor(low) - 1, ceil(high) + 2)]
    if high - low <= _NEAR:
        return _evenly(min(values), max(values))
    steps = next((steps for decades, steps in _STEPS if high - low <= decades), (1,))
    every = ceil((high - low) / _MOST) if steps == (1,) else 1
    powers = range(floor(low) - 1, ceil(high) + 2)
    found = [step * 10.0**power for power in powers if power % every == 0 for step in steps]
    first = max((k for k, tick in enumerate(found) if tick <= min(values)), default=0)
    last = next((k for k, tick in enumerate(found) if tick >= max(values)), len(found) - 1)
    return found[first : last + 1]


def written(values: Sequence[float]) -> list[str]:
    """Write ticks in full, all in one way: "0.05", "2,000", or "5×10<sup>−6</sup>"."""
    plain = all(_PLAIN[0] <= value < _PLAIN[1] for value in values)
    return [f"{value:,.6g}" if plain else _power(value) for value in values]


def _evenly(low: float, high: float) -> list[float]:
    """Return about five ticks, equally far apart, between two values."""
    rough = (high - low) / 4
    unit = 10.0 ** floor(log10(rough))
    step = unit * next(factor for factor in (1, 2, 5, 10) if factor * unit >= rough)
    return [step * k for k in range(floor(low / step), ceil(high / step) + 1)]


def _ticks(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"showticklabels": False}
    at = ticks(values)
    return {"tickvals": at, "ticktext": written(at)}


def _power(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    factor, n = mantissa.removesuffix(".0"), int(exponent)
    if n in (0, 1):
        return f"{value:g}"
    return f"{f'{factor}×' * (factor != '1')}10<sup>{n}</sup>".replace("-", "−")


def _group(name: str, axis: Mapping[str, Any]) -> str:
    """Return the axis whose range is that of this one."""
    return axis.get("matches") or _reference(name)


def _reference(name: str) -> str:
    """Return what traces call an axis: "x", "y2"."""
    return name[0] + name[5:]


def _values(name: str, axis: Mapping[str, Any], traces: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the positive numbers that are drawn along an axis, and the ends of a range that is set."""
    letter, reference = name[0], _reference(name)
    found = [10.0**end for end in axis.get("range") or ()]
    for trace in traces:
        if (trace.get(f"{letter}axis") or letter) == reference and trace.get(letter) is not None:
            numbers = np.array(trace[letter], dtype=float)
            found += numbers[np.isfinite(numbers) & (numbers > 0)].tolist()
    return found
