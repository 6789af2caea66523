"""The functions ``<aggregation>_over_time``: the samples of each series within a window, in one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.breath import FEW
from trivet_plugins.alerts.promql.statistics import deviation, greatest, least, mean, quantile, total, variance

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.budget import Meter
    from trivet_plugins.alerts.promql.windows import Windows

Values = list[float | None]

_OF_VALUES: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "avg_over_time": mean,
    "min_over_time": least,
    "max_over_time": greatest,
    "sum_over_time": total,
    "stddev_over_time": deviation,
    "stdvar_over_time": variance,
}
OVER_TIME: Final = frozenset((*_OF_VALUES, "count_over_time", "last_over_time", "present_over_time"))


def over_time(name: str, windows: Windows, meter: Meter) -> Values:
    """Return what a function of this name gives for each series."""
    match name:
        case "count_over_time":
            return [float(last - first) for _, first, last in windows.items]
        case "last_over_time":
            return [points.values[last - 1] for points, _, last in windows.items]
        case "present_over_time":
            return [1.0] * len(windows.items)
    return _each(_OF_VALUES[name], windows, meter)


def quantile_over_time(rank: float, windows: Windows, meter: Meter) -> Values:
    """Return a quantile of the samples of each series."""
    return _each(lambda values: quantile(rank, values), windows, meter)


def _each(function: Callable[[Sequence[float]], float], windows: Windows, meter: Meter) -> Values:
    found: Values = []
    for some in meter.chunks(windows.items, FEW):
        found += [function(points.values[first:last]) for points, first, last in some]
    return found
