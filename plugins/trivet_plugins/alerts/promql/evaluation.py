"""`Evaluation`: the answer to a query at one time after the other."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, cast

from trivet.metrics.history import STALE, is_stale
from trivet_plugins.alerts.promql import aggregation, matching
from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.promql.frame import Frame, Row, row_of
from trivet_plugins.alerts.promql.functions import FUNCTIONS
from trivet_plugins.alerts.promql.number_text import short_number
from trivet_plugins.alerts.promql.operators import COMPARISONS, SETS, fitting, of_scalars, pairwise, with_scalar
from trivet_plugins.alerts.promql.reach import moment, reach
from trivet_plugins.alerts.promql.statistics import quantile
from trivet_plugins.alerts.promql.subquery import subquery_windows
from trivet_plugins.alerts.promql.syntax import (
    Aggregate,
    Binary,
    Call,
    Negate,
    Number,
    Range,
    Select,
    Subquery,
    Words,
)
from trivet_plugins.alerts.promql.windows import Windows, windows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet_plugins.alerts.promql.annotations import Annotations
    from trivet_plugins.alerts.promql.budget import Meter
    from trivet_plugins.alerts.promql.round_cache import RoundCache, Selection
    from trivet_plugins.alerts.promql.storage import Storage
    from trivet_plugins.alerts.promql.syntax import Node, Shift

Value = float | str | Row


class Evaluation:
    """One query, asked about one time or several.

    Args:
        storage: Where the series are.
        tree: The query.
        span: What ``start()`` and ``end()`` mean, in milliseconds since the epoch.
        lookback: Milliseconds for which a sample stands.
        meter: Counts what it takes.
        cache: What is known already.
        notes: Takes warnings and infos.
    """

    def __init__(
        self,
        storage: Storage,
        tree: Node,
        span: tuple[int, int],
        *,
        lookback: int,
        meter: Meter,
        cache: RoundCache,
        notes: Annotations,
    ) -> None:
        self._span = span
        self._reach = reach(tree, span, lookback)
        self.meter = meter
        self.notes = notes
        self.cache = cache
        self._storage = storage
        self._lookback = lookback
        self._selections: dict[tuple[object, ...], Selection] = {}

    def value(self, node: Node, at: int) -> Value:
        """Return what a part, which is no range, is at a time.

        Args:
            node: The part.
            at: Milliseconds since the epoch.
        """
        match node:
            case Number() | Words():
                return node.value
            case Select():
                return self._kept(node, at)
            case Call() | Aggregate():
                return self._kept(node, at)
            case Binary():
                return self._binary(node, at)
            case Negate():
                inner = self.value(node.expr, at)
                if not isinstance(inner, Row):
                    return -cast("float", inner)
                return Row(inner.frame.dropping_names(), [-value for value in inner.values])
        raise EvaluationError(f"a range has no value at one time: {type(node).__name__}")

    def scalar(self, node: Node, at: int) -> float:
        """Return what a part that is a number is at a time."""
        return cast("float", self.value(node, at))

    def words(self, node: Node) -> str:
        """Return what a part that is a string says."""
        return cast("str", self.value(node, 0))

    def row(self, node: Node, at: int) -> Row:
        """Return what a part that is a vector is at a time."""
        return cast("Row", self.value(node, at))

    def _kept(self, node: Select | Call | Aggregate, at: int) -> Value:
        known = self.cache.known(node, at)
        if known is not None:
            return cast("Value", known)
        said = len(self.notes)
        match node:
            case Select():
                found: Value = self._selected(node, at)
            case Call():
                found = FUNCTIONS[node.name](self, node, at)
            case Aggregate():
                found = self._aggregate(node, at)
        if isinstance(found, Row):
            self.meter.series(len(found.values))
        # What has been said besides has to be said again, of the places where it stands then.
        return found if len(self.notes) > said else self.cache.keep(node, at, found)

    def steps(self, node: Node, times: Sequence[int]) -> list[Row]:
        """Return what a part that is a vector is at some times, those of a subquery."""
        cache, now, said = self.cache, self._span[1], len(self.notes)
        rows = cache.steps.rows(node, times, lambda at: self.row(node, at), now=now)
        if len(self.notes) > said:
            cache.steps.drop(node)  # what has been said has to be said again
        return rows

    # -- series --

    def moment(self, shift: Shift, at: int) -> int:
        """Return the time that is meant at a time."""
        return moment(shift, at, self._span)

    def _select(self, node: Select) -> Selection:
        found = self._selections.get(node.selectors)
        if found is None:
            found = self.cache.selection(self._storage, node.selectors, *self._reach[node.selectors])
            self.meter.series(len(found.series))
            self._selections[node.selectors] = found
        return found

    def _selected(self, node: Select, at: int) -> Row:
        selection = self._select(node)
        samples = self.last_samples(selection, moment(node.shift, at, self._span))
        return row_of(selection.frame, [None if sample is None else sample[1] for sample in samples])

    def last_samples(self, selection: Selection, moment: int) -> list[tuple[int, float] | None]:
        """Return time and value of the last sample of each series that stands at a time; None where there is none."""
        oldest = moment - self._lookback
        found: list[tuple[int, float] | None] = []
        times: Sequence[int] = ()
        last = -1
        for some in self.meter.chunks(selection.series):
            for points in some:
                if points.times is not times:
                    times = points.times
                    last = bisect_right(times, moment) - 1
                    if last >= 0 and times[last] <= oldest:
                        last = -1
                value = points.values[last] if last >= 0 else STALE
                found.append(None if value != value and is_stale(value) else (times[last], value))  # noqa: PLR0124
        self.meter.samples(len(found))
        return found

    def timestamps(self, node: Select, at: int) -> Row:
        """Return the times of the samples of a selector, in seconds."""
        selection = self._select(node)
        samples = self.last_samples(selection, moment(node.shift, at, self._span))
        row = row_of(selection.frame, [None if sample is None else sample[0] / 1000 for sample in samples])
        return Row(row.frame.dropping_names(), row.values)

    def windows(self, node: Node, at: int) -> Windows:
        """Return the samples of a range at a time."""
        known = self.cache.known(node, at)
        if known is not None:
            return cast("Windows", known)
        said = len(self.notes)
        if isinstance(node, Subquery):
            found = subquery_windows(self, node, at)
        else:
            ranged = cast("Range", node)
            selection = self._select(ranged.select)
            end = moment(ranged.select.shift, at, self._span)
            start = end - ranged.length
            frame, items = windows_of(selection.frame, selection.series, start, end, self.meter)
            found = Windows(frame, items, start, end, at)
        return found if len(self.notes) > said else self.cache.keep(node, at, found)

    # -- operators --

    def _aggregate(self, node: Aggregate, at: int) -> Row:
        row = self.row(node.expr, at)
        plain = aggregation.PLAIN.get(node.op)
        if plain is not None:
            return aggregation.aggregated(node, row, plain)
        param = cast("Node", node.param)
        if node.op == "count_values":
            return aggregation.counted_values(node, row, self.words(param))
        number = self.scalar(param, at)
        if node.op == "quantile":
            self.check_quantile(number, param)
            return aggregation.aggregated(node, row, lambda values: quantile(number, values))
        return aggregation.extremes(node, row, number)

    def check_quantile(self, rank: float, node: Node) -> None:
        """Warn where a quantile is none."""
        if not 0 <= rank <= 1:
            self.notes.warn(f"quantile value should be between 0 and 1, got {short_number(rank)}", node.start)

    def _binary(self, node: Binary, at: int) -> Value:
        left, right = self.value(node.left, at), self.value(node.right, at)
        if isinstance(left, Row) and isinstance(right, Row):
            return self._of_sets(node, left, right) if node.op in SETS else self._of_rows(node, left, right)
        if isinstance(left, Row):
            return self._of_row(node, left, cast("float", right), scalar_first=False)
        if isinstance(right, Row):
            return self._of_row(node, right, cast("float", left), scalar_first=True)
        return of_scalars(node.op, cast("float", left), cast("float", right))

    def _of_row(self, node: Binary, row: Row, scalar: float, *, scalar_first: bool) -> Row:
        if node.op in COMPARISONS and not node.as_bool:
            return row.picked(tuple(fitting(node.op, row.values, scalar, scalar_first=scalar_first)))
        values = with_scalar(node.op, row.values, scalar, scalar_first=scalar_first)
        return Row(row.frame.dropping_names(), values)

    def _of_sets(self, node: Binary, left: Row, right: Row) -> Row:
        kept, added = matching.matched(node.op, left.frame, right.frame, node.matching)
        row = left.picked(kept)
        if not added:
            return row
        more = right.picked(added)
        return Row(matching.joined(row.frame, more.frame), row.values + more.values)

    def _of_rows(self, node: Binary, left: Row, right: Row) -> Row:
        if not left.values or not right.values:
            return Row(Frame(()), [])
        plan = matching.plan(node.op, left.frame, right.frame, node.matching, as_bool=node.as_bool)
        ours = [left.values[at] for at in plan.left]
        theirs = [right.values[at] for at in plan.right]
        row = Row(plan.frame, pairwise(node.op, ours, theirs))
        if node.op not in COMPARISONS or node.as_bool:
            plan.check(range(len(ours)))
            return row
        places = tuple([at for at, fits in enumerate(row.values) if fits])
        plan.check(places)
        # A filter leaves the values of the left side, whichever side may have several.
        return Row(plan.frame, ours).picked(places)
