"""What a query gives: `Outcome`, with a `Scalar`, a `Text`, a `Vector` or a `Matrix`; series are `Points`."""

from __future__ import annotations

import attrs

from trivet_plugins.alerts.promql.labels import Labels
from trivet_plugins.alerts.promql.points import Points

__all__ = ("Matrix", "Outcome", "Points", "Sample", "Scalar", "Text", "Vector")


@attrs.frozen
class Sample:
    """What a series was at the time that was asked about.

    Args:
        labels: Of the series, with its name where it has kept it.
        value: Its value; never `trivet.metrics.history.STALE`.
    """

    labels: Labels
    value: float


@attrs.frozen
class Scalar:
    """A number."""

    value: float


@attrs.frozen
class Text:
    """A string."""

    value: str


@attrs.frozen
class Vector:
    """Some series at one time, each with other labels. The order means something after ``sort``, ``topk`` and the like only."""

    samples: tuple[Sample, ...]


@attrs.frozen
class Matrix:
    """Some series over time, each with other labels, sorted by them."""

    series: tuple[Points, ...]


@attrs.frozen
class Outcome:
    """The answer to a query.

    Args:
        value: A `Matrix` where it was asked about a span of time, or for a range (``up[5m]``).
        warnings: What may make the answer wrong, each with its place in the query, ``(line:column)``.
        infos: What may not be meant, likewise.
    """

    value: Scalar | Text | Vector | Matrix
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
