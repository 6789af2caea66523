"""`Query`: a text of PromQL, understood, and ready to be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import attrs

from trivet_plugins.alerts.promql.annotations import Annotations
from trivet_plugins.alerts.promql.budget import Budget, Meter
from trivet_plugins.alerts.promql.errors import EvaluationError, PromqlError, QueryError, QueryLimitError
from trivet_plugins.alerts.promql.evaluation import Evaluation
from trivet_plugins.alerts.promql.frame import Frame, Row
from trivet_plugins.alerts.promql.parser import parse
from trivet_plugins.alerts.promql.points import Points
from trivet_plugins.alerts.promql.result import Matrix, Outcome, Sample, Scalar, Text, Vector
from trivet_plugins.alerts.promql.round_cache import RoundCache
from trivet_plugins.alerts.promql.subquery import MAX_STEPS
from trivet_plugins.alerts.promql.syntax import Node, Select, walk

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.labels import Labels
    from trivet_plugins.alerts.promql.selector import Selector
    from trivet_plugins.alerts.promql.storage import Storage

__all__ = ("Budget", "EvaluationError", "PromqlError", "Query", "QueryError", "QueryLimitError", "RoundCache")

LOOKBACK: Final = 300_000
"""Milliseconds for which the last sample of a series stands, unless it is marked stale."""

_SCALAR: Final = Frame(((),))


@attrs.frozen
class Query:
    """A query. It may be asked any number of times, by several threads at once.

    Args:
        text: As it was written.
        tree: What it means.
    """

    text: str
    tree: Node = attrs.field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Query:
        """Understand a query.

        Raises:
            QueryError: with the place where that is known, if the text is none.
            UnsupportedError: likewise, if it is one, and has something that is not supported, which is named.
        """
        return cls(text, parse(text))

    @property
    def kind(self) -> Literal["scalar", "string", "vector", "matrix"]:
        """Of its answer at one time."""
        return self.tree.kind

    @property
    def selectors(self) -> tuple[tuple[Selector, ...], ...]:
        """The conditions of every selector in it, in their order."""
        return tuple(node.selectors for node in walk(self.tree) if isinstance(node, Select))

    def instant(
        self,
        storage: Storage,
        at: int,
        *,
        budget: Budget | None = None,
        cache: RoundCache | None = None,
        lookback: int = LOOKBACK,
    ) -> Outcome:
        """Answer for one time. Works until it is done: call it in a worker thread.

        Args:
            storage: Where the series are.
            at: Milliseconds since the epoch.
            budget: What it may take; by default `Budget()`.
            cache: Shared by the queries of one evaluator, whose parts are then answered once per time.
            lookback: Milliseconds for which a sample stands.

        Raises:
            EvaluationError: if there is no answer.
            QueryLimitError: if it takes more than the budget.
        """
        notes = Annotations(self.text)
        cache = cache or RoundCache()
        cache.begin(at, storage, lookback)
        meter = Meter(budget or Budget(), cache.breath)
        evaluation = Evaluation(storage, self.tree, (at, at), lookback=lookback, meter=meter, cache=cache, notes=notes)
        if self.kind == "matrix":
            return _outcome(_ranges(evaluation, self.tree, at), notes)
        value = evaluation.value(self.tree, at)
        if isinstance(value, Row):
            pairs = zip(value.frame.final(), value.values, strict=True)
            return _outcome(Vector(tuple([Sample(labels, number) for labels, number in pairs])), notes)
        return _outcome(Text(value) if isinstance(value, str) else Scalar(value), notes)

    def over(
        self,
        storage: Storage,
        start: int,
        end: int,
        step: int,
        *,
        budget: Budget | None = None,
        lookback: int = LOOKBACK,
    ) -> Outcome:
        """Answer for ``start``, ``start + step``, ... up to ``end``, with a `Matrix`. Works until it is done.

        Args:
            storage: Where the series are.
            start: Milliseconds since the epoch.
            end: Likewise, included.
            step: Milliseconds, more than 0.
            budget: What it may take; by default `Budget()`.
            lookback: Milliseconds for which a sample stands.

        Raises:
            EvaluationError: if there is no answer; if the query is a string or a range.
            QueryLimitError: if it takes more than the budget, or there are more than 11,000 times.
            ValueError: if the step is not more than 0.
        """
        if step <= 0:
            raise ValueError(f"the step of a query is more than 0 ms, got {step}")
        if self.kind not in {"scalar", "vector"}:
            raise EvaluationError(f"a query over a span of time is a scalar or a vector, this is a {self.kind}")
        if (end - start) // step >= MAX_STEPS:
            raise QueryLimitError(
                f"a query is about at most {MAX_STEPS:,} times; make the step longer, or the span shorter"
            )
        notes = Annotations(self.text)
        cache = RoundCache()
        meter = Meter(budget or Budget(), cache.breath)
        evaluation = Evaluation(
            storage, self.tree, (start, end), lookback=lookback, meter=meter, cache=cache, notes=notes
        )
        found: dict[Labels, Points] = {}
        for at in range(start, end + 1, step):
            cache.begin(at)
            _append(found, evaluation.value(self.tree, at), at, meter)
            meter.series(len(found))
        return _outcome(Matrix(tuple([found[labels] for labels in sorted(found)])), notes)


def _outcome(value: Scalar | Text | Vector | Matrix, notes: Annotations) -> Outcome:
    return Outcome(value, notes.all("warning"), notes.all("info"))


def _ranges(evaluation: Evaluation, tree: Node, at: int) -> Matrix:
    windows = evaluation.windows(tree, at)
    evaluation.meter.points(sum(last - first for _, first, last in windows.items))
    pairs = zip(windows.frame.final(), windows.items, strict=True)
    made = [
        Points(labels, [*points.times[first:last]], [*points.values[first:last]])
        for labels, (points, first, last) in pairs
    ]
    return Matrix(tuple(sorted(made, key=lambda points: points.labels)))


def _append(found: dict[Labels, Points], value: float | str | Row, at: int, meter: Meter) -> None:
    if not isinstance(value, Row):
        value = Row(_SCALAR, [float(value)])
    meter.points(len(value.values))
    for labels, number in zip(value.frame.final(), value.values, strict=True):
        points = found.get(labels)
        if points is None:
            points = found[labels] = Points(labels)
        points.times.append(at)
        points.values.append(number)
