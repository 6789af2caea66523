"""The functions, by name: how each takes its arguments apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from trivet_plugins.alerts.promql.counter_functions import COUNTER_FUNCTIONS, predicted
from trivet_plugins.alerts.promql.date_functions import DATE_FUNCTIONS
from trivet_plugins.alerts.promql.frame import EMPTY, Frame, Row, row_of
from trivet_plugins.alerts.promql.histogram import (
    bucket_fraction,
    bucket_quantile,
    buckets_of,
    counts_of,
    malformed_text,
)
from trivet_plugins.alerts.promql.label_functions import joined_labels, labels_of_absent, replaced
from trivet_plugins.alerts.promql.labels import Labels, metric_name
from trivet_plugins.alerts.promql.math_functions import MATH_FUNCTIONS, greater, lesser, rounded
from trivet_plugins.alerts.promql.over_time import OVER_TIME, over_time, quantile_over_time
from trivet_plugins.alerts.promql.syntax import Range, Select

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.evaluation import Evaluation
    from trivet_plugins.alerts.promql.syntax import Call, Node

Function: TypeAlias = "Callable[[Evaluation, Call, int], float | Row]"

_ONE: Final = Frame(((),))
"""The series of ``vector(1)``."""
_FORCED: Final = (
    "input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name"
)
_COUNTERS: Final = ("_total", "_sum", "_count", "_bucket")


def _of_range(name: str, evaluation: Evaluation, call: Call, at: int) -> Row:
    windows = evaluation.windows(call.args[0], at)
    row = row_of(windows.frame.dropping_names(), COUNTER_FUNCTIONS[name](windows, evaluation.meter))
    if name in {"rate", "increase"}:
        _look_at_names(evaluation, call.args[0], row.frame)
    return row


def _look_at_names(evaluation: Evaluation, node: Node, frame: Frame) -> None:
    """Say which series do not look like counters."""
    reasons = cast("tuple[str, ...]", frame.derived.get("no counters", lambda: _no_counters(frame)))
    for reason in reasons:
        evaluation.notes.inform(reason, node.start)


def _no_counters(frame: Frame) -> tuple[str, ...]:
    names = dict.fromkeys(metric_name(labels) for labels in frame.labels)
    text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
    return tuple(f'{text}: "{name}"' for name in names if name and not name.endswith(_COUNTERS))


def _over_time(name: str, evaluation: Evaluation, call: Call, at: int) -> Row:
    windows = evaluation.windows(call.args[0], at)
    frame = windows.frame if name == "last_over_time" else windows.frame.dropping_names()
    return row_of(frame, over_time(name, windows, evaluation.meter))


def _quantile_over_time(evaluation: Evaluation, call: Call, at: int) -> Row:
    rank = evaluation.scalar(call.args[0], at)
    windows = evaluation.windows(call.args[1], at)
    if windows.items:
        evaluation.check_quantile(rank, call.args[0])
    return row_of(windows.frame.dropping_names(), quantile_over_time(rank, windows, evaluation.meter))


def _predict_linear(evaluation: Evaluation, call: Call, at: int) -> Row:
    windows = evaluation.windows(call.args[0], at)
    return row_of(
        windows.frame.dropping_names(), predicted(windows, evaluation.meter, evaluation.scalar(call.args[1], at))
    )


def _of_each(function: Callable[[float], float], evaluation: Evaluation, call: Call, at: int) -> Row:
    row = evaluation.row(call.args[0], at)
    return Row(row.frame.dropping_names(), [*map(function, row.values)])


def _date(function: Callable[[float], float], evaluation: Evaluation, call: Call, at: int) -> Row:
    if call.args:
        return _of_each(function, evaluation, call, at)
    return Row(_ONE, [function(at / 1000)])


def _round(evaluation: Evaluation, call: Call, at: int) -> Row:
    nearest = evaluation.scalar(call.args[1], at) if len(call.args) > 1 else 1.0
    return _of_each(lambda value: rounded(value, nearest), evaluation, call, at)


def _clamp(evaluation: Evaluation, call: Call, at: int) -> Row:
    least, most = (evaluation.scalar(arg, at) for arg in call.args[1:])
    if most < least:
        return Row(EMPTY, [])
    return _of_each(lambda value: greater(least, lesser(most, value)), evaluation, call, at)


def _clamp_one(bound: Callable[[float, float], float], evaluation: Evaluation, call: Call, at: int) -> Row:
    limit = evaluation.scalar(call.args[1], at)
    return _of_each(lambda value: bound(limit, value), evaluation, call, at)


def _timestamp(evaluation: Evaluation, call: Call, at: int) -> Row:
    node = call.args[0]
    if isinstance(node, Select):
        return evaluation.timestamps(node, at)
    row = evaluation.row(node, at)
    return Row(row.frame.dropping_names(), [at / 1000] * len(row.values))


def _sorted(evaluation: Evaluation, call: Call, at: int) -> Row:
    row = evaluation.row(call.args[0], at)
    values = row.values
    sign = -1 if call.name == "sort_desc" else 1
    keys = [(math.isnan(value), 0 if math.isnan(value) else sign * value) for value in values]
    return row.picked(tuple(sorted(range(len(values)), key=keys.__getitem__)))


def _absent(evaluation: Evaluation, call: Call, at: int) -> Row:
    node = call.args[0]
    there: object = evaluation.row(node, at).values if call.name == "absent" else evaluation.windows(node, at).items
    if there:
        return Row(EMPTY, [])
    select = node.select if isinstance(node, Range) else node
    labels: Labels = labels_of_absent(select.selectors) if isinstance(select, Select) else ()
    return Row(Frame((labels,)) if labels else _ONE, [1.0])


def _scalar(evaluation: Evaluation, call: Call, at: int) -> float:
    values = evaluation.row(call.args[0], at).values
    return values[0] if len(values) == 1 else math.nan


def _label_replace(evaluation: Evaluation, call: Call, at: int) -> Row:
    row = evaluation.row(call.args[0], at)
    target, template, source, pattern = [evaluation.words(arg) for arg in call.args[1:]]
    key = ("label_replace", target, template, source, pattern)
    frame = row.frame.derived.get(key, lambda: replaced(row.frame, target, template, source, pattern))
    return Row(cast("Frame", frame), row.values)


def _label_join(evaluation: Evaluation, call: Call, at: int) -> Row:
    row = evaluation.row(call.args[0], at)
    target, separator, *sources = [evaluation.words(arg) for arg in call.args[1:]]
    key = ("label_join", target, separator, *sources)
    frame = row.frame.derived.get(key, lambda: joined_labels(row.frame, target, separator, sources))
    return Row(cast("Frame", frame), row.values)


def _histogram_quantile(evaluation: Evaluation, call: Call, at: int) -> Row:
    rank = evaluation.scalar(call.args[0], at)
    row = evaluation.row(call.args[1], at)
    evaluation.check_quantile(rank, call.args[0])
    buckets = buckets_of(row.frame)
    values = []
    for labels, (bounds, places) in zip(buckets.frame.labels, buckets.histograms, strict=True):
        found, forced = bucket_quantile(rank, bounds, counts_of(row.values, places))
        values.append(found)
        if forced:
            evaluation.notes.inform(f'{_FORCED} "{metric_name(labels)}"', call.args[1].start)
    _warn_of_malformed(evaluation, row.frame, call.args[1])
    return Row(buckets.frame, values)


def _histogram_fraction(evaluation: Evaluation, call: Call, at: int) -> Row:
    lower, upper = (evaluation.scalar(arg, at) for arg in call.args[:2])
    row = evaluation.row(call.args[2], at)
    buckets = buckets_of(row.frame)
    _warn_of_malformed(evaluation, row.frame, call.args[2])
    values = [
        bucket_fraction(lower, upper, bounds, counts_of(row.values, places)) for bounds, places in buckets.histograms
    ]
    return Row(buckets.frame, values)


def _warn_of_malformed(evaluation: Evaluation, frame: Frame, node: Node) -> None:
    for at in buckets_of(frame).malformed:
        evaluation.notes.warn(malformed_text(frame.labels[at]), node.start)


FUNCTIONS: Final[dict[str, Function]] = {
    **{name: partial(_of_range, name) for name in COUNTER_FUNCTIONS},
    **{name: partial(_over_time, name) for name in OVER_TIME},
    **{name: partial(_of_each, function) for name, function in MATH_FUNCTIONS.items()},
    **{name: partial(_date, function) for name, function in DATE_FUNCTIONS.items()},
    "absent": _absent,
    "absent_over_time": _absent,
    "clamp": _clamp,
    "clamp_max": partial(_clamp_one, lesser),
    "clamp_min": partial(_clamp_one, greater),
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "pi": lambda _evaluation, _call, _at: math.pi,
    "predict_linear": _predict_linear,
    "quantile_over_time": _quantile_over_time,
    "round": _round,
    "scalar": _scalar,
    "sort": _sorted,
    "sort_desc": _sorted,
    "time": lambda _evaluation, _call, at: at / 1000,
    "timestamp": _timestamp,
    "vector": lambda evaluation, call, at: Row(_ONE, [evaluation.scalar(call.args[0], at)]),
}
