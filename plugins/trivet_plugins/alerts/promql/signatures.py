"""`Signature`: which functions there are, and what they take; and which Prometheus has besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from trivet_plugins.alerts.promql.syntax import Kind


@attrs.frozen
class Signature:
    """What a function takes and gives.

    Args:
        takes: Kinds of its arguments; the last stands for all that follow, where there may be more.
        gives: Kind of its value.
        least: How many arguments it has at least.
        most: And at most.
    """

    takes: tuple[Kind, ...]
    gives: Kind
    least: int
    most: int


def _plain(gives: Kind, *takes: Kind, optional: int = 0) -> Signature:
    return Signature(takes, gives, len(takes) - optional, len(takes))


_OF_RANGE: Final = _plain("vector", "matrix")
_OF_VECTOR: Final = _plain("vector", "vector")
_OF_TIME: Final = _plain("vector", "vector", optional=1)

COUNTERS: Final = ("rate", "irate", "increase", "delta", "idelta", "deriv", "resets", "changes")
OVER_TIME: Final = tuple(
    f"{name}_over_time"
    for name in ("avg", "min", "max", "sum", "count", "last", "present", "absent", "stddev", "stdvar")
)
MATH: Final = (
    *("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "deg", "rad"),
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "sin", "sinh", "tan", "tanh"),
)
DATES: Final = ("day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year")

SIGNATURES: Final[Mapping[str, Signature]] = {
    **dict.fromkeys((*COUNTERS, *OVER_TIME), _OF_RANGE),
    **dict.fromkeys((*MATH, "absent", "sort", "sort_desc", "timestamp"), _OF_VECTOR),
    **dict.fromkeys(DATES, _OF_TIME),
    "quantile_over_time": _plain("vector", "scalar", "matrix"),
    "predict_linear": _plain("vector", "matrix", "scalar"),
    "clamp": _plain("vector", "vector", "scalar", "scalar"),
    "clamp_max": _plain("vector", "vector", "scalar"),
    "clamp_min": _plain("vector", "vector", "scalar"),
    "round": _plain("vector", "vector", "scalar", optional=1),
    "histogram_quantile": _plain("vector", "scalar", "vector"),
    "histogram_fraction": _plain("vector", "scalar", "scalar", "vector"),
    "label_replace": _plain("vector", "vector", "string", "string", "string", "string"),
    "label_join": Signature(("vector", "string", "string", "string"), "vector", 3, 1_000),
    "scalar": _plain("scalar", "vector"),
    "vector": _plain("vector", "scalar"),
    "time": _plain("scalar"),
    "pi": _plain("scalar"),
}

AGGREGATIONS: Final[Mapping[str, Kind | None]] = {
    **dict.fromkeys(("sum", "min", "max", "avg", "count", "group", "stddev", "stdvar"), None),
    **dict.fromkeys(("topk", "bottomk", "quantile"), "scalar"),
    "count_values": "string",
}
"""The kind of what an aggregation takes besides the vector."""

_EXPERIMENTAL: Final = "is experimental in Prometheus, where a feature flag turns it on, and not supported"
_NATIVE: Final = "is for native histograms, which are not supported"

REFUSED: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("mad_over_time", "first_over_time", "ts_of_min_over_time", "ts_of_max_over_time", "ts_of_last_over_time"),
            *("ts_of_first_over_time", "double_exponential_smoothing", "sort_by_label", "sort_by_label_desc"),
            *("info", "limitk", "limit_ratio", "histogram_quantiles", "start", "end", "step", "range"),
            *("max_of", "min_of"),
        ),
        _EXPERIMENTAL,
    ),
    **dict.fromkeys([f"histogram_{name}" for name in ("avg", "count", "sum", "stddev", "stdvar")], _NATIVE),
    "holt_winters": "is double_exponential_smoothing since Prometheus 3, experimental there, and not supported",
}
"""What Prometheus has and this has not, and why."""
