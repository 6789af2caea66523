"""The aggregations: values of a vector by group."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Final, cast

import attrs

from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.promql.frame import Frame, Row
from trivet_plugins.alerts.promql.labels import METRIC_NAME, Labels, dropping, keeping, labels_of, quoted
from trivet_plugins.alerts.promql.number_text import plain_number
from trivet_plugins.alerts.promql.statistics import deviation, greatest, least, mean, total, variance

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.syntax import Aggregate

Picker = Callable[[Sequence[float]], Sequence[float]]


@attrs.frozen(eq=False)
class Grouping:
    """The groups of a frame.

    Args:
        frame: Their labels.
        places: For each group, the places of its members.
        pickers: For each group, what takes the values of its members out of all values.
    """

    frame: Frame
    places: tuple[tuple[int, ...], ...]
    pickers: tuple[Picker, ...]


def grouping(frame: Frame, names: tuple[str, ...], *, without: bool) -> Grouping:
    """Return the groups by these labels, or by all others, found out once for a frame."""
    made = frame.derived.get(("grouping", names, without), lambda: _grouped(frame, names, without=without))
    return cast("Grouping", made)


def _grouped(frame: Frame, names: tuple[str, ...], *, without: bool) -> Grouping:
    chosen = frozenset((*names, METRIC_NAME) if without else names)
    reduced = dropping if without else keeping
    groups: dict[Labels, list[int]] = {}
    for at, labels in enumerate(frame.labels):
        groups.setdefault(reduced(labels, chosen), []).append(at)
    # A group has the name of its members where that is among the labels; it is dropped where theirs is.
    dropped = bytes([frame.dropped[members[0]] for members in groups.values()])
    places = tuple([tuple(members) for members in groups.values()])
    pickers = tuple([_picker(members, len(frame)) for members in places])
    return Grouping(Frame(tuple(groups), dropped), places, pickers)


def _picker(places: tuple[int, ...], size: int) -> Picker:
    if len(places) == size:
        return lambda values: values
    if len(places) == 1:
        only = places[0]
        return lambda values: (values[only],)
    return cast("Picker", itemgetter(*places))


def _one(_values: Sequence[float]) -> float:
    return 1.0


def _count(values: Sequence[float]) -> float:
    return float(len(values))


PLAIN: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "sum": total,
    "avg": mean,
    "min": least,
    "max": greatest,
    "count": _count,
    "group": _one,
    "stddev": deviation,
    "stdvar": variance,
}


def aggregated(node: Aggregate, row: Row, function: Callable[[Sequence[float]], float]) -> Row:
    """Return one value per group."""
    groups = grouping(row.frame, node.labels, without=node.without)
    values = row.values
    return Row(groups.frame, [function(pick(values)) for pick in groups.pickers])


def extremes(node: Aggregate, row: Row, count: float) -> Row:
    """Return the elements with the highest or lowest values of each group, in their order; NaN comes last.

    Raises:
        EvaluationError: if the count is none.
    """
    if math.isnan(count):
        raise EvaluationError("Parameter value is NaN")
    if not -(2.0**63) <= count < 2.0**63:
        raise EvaluationError(f"Scalar value {count:g} overflows int64")
    if count < 1:
        return row.picked(())
    values = row.values
    worst = -math.inf if node.op == "topk" else math.inf

    def key(at: int) -> tuple[bool, float]:
        value = values[at]
        return (value != value, worst) if value != value else (False, -value if node.op == "topk" else value)  # noqa: PLR0124

    groups = grouping(row.frame, node.labels, without=node.without)
    chosen = [at for places in groups.places for at in sorted(places, key=key)[: int(count)]]
    return row.picked(tuple(chosen))


def counted_values(node: Aggregate, row: Row, label: str) -> Row:
    """Return how often each value is there in each group, with the value as a label.

    Raises:
        EvaluationError: if that is no name of a label.
    """
    check_label(label)
    groups = grouping(row.frame, node.labels, without=node.without)
    counts: dict[Labels, float] = {}
    dropped: dict[Labels, int] = {}
    for labels, drop, pick in zip(groups.frame.labels, groups.frame.dropped, groups.pickers, strict=True):
        base = dict(labels)
        for value in pick(row.values):
            key = labels_of({**base, label: plain_number(value)})
            counts[key] = counts.get(key, 0.0) + 1
            dropped[key] = 0 if label == METRIC_NAME else drop
    return Row(Frame(tuple(counts), bytes(dropped.values())), [*counts.values()])


def check_label(name: str) -> None:
    """Look whether a label may have this name: any text that is not empty, as UTF-8.

    Raises:
        EvaluationError: if it may not.
    """
    if not name or any("\ud800" <= character < "\ue000" for character in name):
        shown = quoted(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        raise EvaluationError(f"invalid label name {shown}")
