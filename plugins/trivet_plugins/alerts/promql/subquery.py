"""The samples of a subquery: a vector, evaluated at some times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.errors import QueryLimitError
from trivet_plugins.alerts.promql.frame import Frame
from trivet_plugins.alerts.promql.points import Points
from trivet_plugins.alerts.promql.windows import Windows

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.evaluation import Evaluation
    from trivet_plugins.alerts.promql.frame import Row
    from trivet_plugins.alerts.promql.labels import Labels
    from trivet_plugins.alerts.promql.syntax import Subquery

DEFAULT_STEP: Final = 60_000
"""Milliseconds between two times of a subquery that names no step: Prometheus's default evaluation interval."""

MAX_STEPS: Final = 11_000
"""The most times of one subquery, and of one query over a span of time: what Prometheus's API allows."""


def subquery_windows(evaluation: Evaluation, node: Subquery, at: int) -> Windows:
    """Return what a subquery is at a time.

    Raises:
        QueryLimitError: if it has too many steps.
    """
    step = node.step or DEFAULT_STEP
    end = evaluation.moment(node.shift, at)
    start = end - node.length
    first = start // step * step + step  # times are multiples of the step, the left edge left out
    if (end - first) // step >= MAX_STEPS:
        raise QueryLimitError(f"a subquery has at most {MAX_STEPS:,} steps; make its step longer, or its range shorter")
    times = [*range(first, end + 1, step)]
    rows = evaluation.steps(node.expr, times)
    frame, series = _columns(times, rows)
    evaluation.meter.samples(sum(len(row.values) for row in rows))
    evaluation.meter.series(len(series))
    return Windows(frame, [(points, 0, len(points.times)) for points in series], start, end, at)


def _columns(times: list[int], rows: list[Row]) -> tuple[Frame, list[Points]]:
    frames = {row.frame for row in rows if row.values}
    if len(frames) == 1 and all(row.values for row in rows):  # the same series at all times
        frame = frames.pop()
        columns = zip(*[row.values for row in rows], strict=True)
        return frame, [Points(labels, times, [*column]) for labels, column in zip(frame.labels, columns, strict=True)]
    found: dict[Labels, Points] = {}
    dropped: dict[Labels, int] = {}
    for time, row in zip(times, rows, strict=True):
        for labels, drop, value in zip(row.frame.labels, row.frame.dropped, row.values, strict=True):
            points = found.get(labels)
            if points is None:
                points = found[labels] = Points(labels)
                dropped[labels] = drop
            points.times.append(time)
            points.values.append(value)
    return Frame(tuple(found), bytes(dropped.values())), [*found.values()]
