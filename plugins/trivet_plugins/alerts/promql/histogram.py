"""The functions of classic histograms: `Buckets`, quantiles and fractions of what they have counted."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, cast

import attrs

from trivet_plugins.alerts.promql.frame import Frame
from trivet_plugins.alerts.promql.labels import Labels, dropping, metric_name, value_of

_SMALL: Final = 1e-12
"""Counts that differ by less, relatively, are the same: sums of floats are not exact."""
_LEAST_NORMAL: Final = 2.2250738585072014e-308
_BOUND: Final = re.compile(r"[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf(?:inity)?)", re.IGNORECASE)


@attrs.frozen(eq=False)
class Buckets:
    """The histograms in a frame of buckets.

    Args:
        frame: One series per histogram, its name to be dropped.
        histograms: For each, its upper bounds, rising, and for each of these the places of the buckets.
        malformed: Places of series whose bound is none.
    """

    frame: Frame
    histograms: tuple[tuple[tuple[float, ...], tuple[tuple[int, ...], ...]], ...]
    malformed: tuple[int, ...]


def buckets_of(frame: Frame) -> Buckets:
    """Return the histograms in a frame, found out once."""
    return cast("Buckets", frame.derived.get("buckets", lambda: _found(frame)))


def _found(frame: Frame) -> Buckets:
    groups: dict[Labels, dict[float, list[int]]] = {}
    malformed: list[int] = []
    bound_label = frozenset({"le"})
    for at, labels in enumerate(frame.labels):
        text = value_of(labels, "le")
        if not _BOUND.fullmatch(text):
            malformed.append(at)
            continue
        groups.setdefault(dropping(labels, bound_label), {}).setdefault(float(text), []).append(at)
    histograms = []
    for bounds in groups.values():
        pairs = sorted(bounds.items(), key=itemgetter(0))
        histograms.append((tuple([bound for bound, _ in pairs]), tuple([tuple(places) for _, places in pairs])))
    made = Frame(tuple(groups)).dropping_names()
    return Buckets(made, tuple(histograms), tuple(malformed))


def malformed_text(labels: Labels) -> str:
    """Return what is wrong with a bucket that has no bound."""
    bound, name = value_of(labels, "le"), metric_name(labels)
    return f'bucket label "le" is missing or has a malformed value of "{bound}" for metric name "{name}"'


def counts_of(values: Sequence[float], places: tuple[tuple[int, ...], ...]) -> list[float]:
    """Return the counts of a histogram, those of equal bounds added up."""
    return [values[some[0]] if len(some) == 1 else sum([values[at] for at in some]) for some in places]


def repaired(counts: list[float]) -> tuple[list[float], bool]:
    """Return counts that never fall, and whether that has changed more than what is left of rounding."""
    fixed, forced = [counts[0]], False
    for count in counts[1:]:
        before = fixed[-1]
        if _alike(before, count):
            fixed.append(before)
        elif count < before:
            fixed.append(before)
            forced = True
        else:
            fixed.append(count)
    return fixed, forced


def _alike(left: float, right: float) -> bool:
    if left == right or (math.isnan(left) and math.isnan(right)):
        return True
    size, distance = abs(left) + abs(right), abs(left - right)
    if left == 0 or right == 0 or size < _LEAST_NORMAL:
        return distance < _SMALL * _LEAST_NORMAL
    return distance / min(size, 1.7976931348623157e308) < _SMALL


def bucket_quantile(rank: float, bounds: Sequence[float], counts: list[float]) -> tuple[float, bool]:
    """Return a quantile of a histogram, and whether its counts had to be forced to be rising.

    Args:
        rank: 0 to 1; below it is -Inf, above +Inf.
        bounds: Rising; the last one is +Inf, or there is no quantile.
        counts: Up to each bound.
    """
    if math.isnan(rank):
        return math.nan, False
    if rank < 0 or rank > 1:
        return math.copysign(math.inf, rank), False
    if bounds[-1] != math.inf:
        return math.nan, False
    counts, forced = repaired(counts)
    if len(bounds) < 2 or counts[-1] == 0 or math.isnan(counts[-1]):
        return math.nan, forced
    return _interpolated(rank * counts[-1], bounds, counts), forced


def _interpolated(rank: float, bounds: Sequence[float], counts: Sequence[float]) -> float:
    last = len(bounds) - 1
    at = next((at for at in range(last) if counts[at] >= rank), last)
    if at == last:
        return bounds[last - 1]
    if at == 0 and bounds[0] <= 0:
        return bounds[0]
    lower, before = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
    inside = counts[at] - before
    if inside == 0:
        return math.nan
    return lower + (bounds[at] - lower) * ((rank - before) / inside)


def bucket_fraction(lower: float, upper: float, bounds: Sequence[float], counts: Sequence[float]) -> float:
    """Return the fraction of what a histogram has counted between two values.

    Args:
        lower: The lower value.
        upper: The upper value.
        bounds: Rising; the last one is +Inf, or there is no fraction.
        counts: Up to each bound.
    """
    total = counts[-1]
    if bounds[-1] != math.inf or total == 0 or math.isnan(lower) or math.isnan(upper):
        return math.nan
    if lower >= upper:
        return 0.0
    return (_rank(upper, bounds, counts) - _rank(lower, bounds, counts)) / total


def _rank(value: float, bounds: Sequence[float], counts: Sequence[float]) -> float:
    """Return how many observations are below a value, spread evenly within their bucket."""
    below, edge = 0.0, 0.0 if bounds[0] > 0 else -math.inf
    for bound, count in zip(bounds, counts, strict=True):
        if edge >= value:
            return min(below, counts[-1])
        if value < bound:
            if math.isinf(edge):
                return min(count, counts[-1])
            share = (value - edge) / (bound - edge)  # nothing of the last bucket, which has no end
            return min(below + (count - below) * share, counts[-1])
        below, edge = count, bound
    return counts[-1]
