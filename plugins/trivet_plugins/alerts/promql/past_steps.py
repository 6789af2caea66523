"""`PastSteps`: what subqueries have found at times that are over, for the rounds to come."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.alerts.promql.syntax import Node, Select, Subquery, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trivet_plugins.alerts.promql.frame import Row

SETTLED: Final = 60_000
"""Milliseconds after which no storage gets samples of a time any more: what rules record comes some seconds late."""
MAX_VALUES: Final = 1_000_000
"""The most values that are kept."""


@attrs.define
class _Steps:
    settled: bool
    used: int = 0
    first: float = math.inf
    rows: dict[int, Row] = attrs.Factory(dict)


class PastSteps:
    """Vectors by the part of a query that gives them, and their time."""

    def __init__(self) -> None:
        self._found: dict[Node, _Steps] = {}
        self._count = 0

    def rows(self, node: Node, times: Sequence[int], evaluate: Callable[[int], Row], *, now: int) -> list[Row]:
        """Return what a part of a query is at some times.

        Args:
            node: The part.
            times: Milliseconds since the epoch, rising.
            evaluate: Called with those times that are not known.
            now: The time of the round.
        """
        steps = self._found.get(node)
        if steps is None:
            steps = self._found[node] = _Steps(is_settled(node))
        steps.used = now
        steps.first = min([steps.first, *times[:1]])
        rows = []
        for at in times:
            row = steps.rows.get(at)
            if row is None:
                row = evaluate(at)
                if steps.settled and at <= now - SETTLED and self._count < MAX_VALUES:
                    steps.rows[at] = row
                    self._count += len(row.values) + 1
            rows.append(row)
        return rows

    def forget(self, unused: int) -> None:
        """Forget what nobody asks for any more: parts, and times before those that were asked for since the last call.

        Args:
            unused: A part that was asked for before this time only, in milliseconds since the epoch, is forgotten.
        """
        self._found = {node: steps for node, steps in self._found.items() if steps.used >= unused}
        for steps in self._found.values():
            steps.rows = {at: row for at, row in steps.rows.items() if at >= steps.first}
            steps.first = math.inf
        self._count = sum(len(row.values) + 1 for steps in self._found.values() for row in steps.rows.values())

    def drop(self, node: Node) -> None:
        """Forget a part."""
        steps = self._found.pop(node, None)
        if steps is not None:
            self._count -= sum(len(row.values) + 1 for row in steps.rows.values())

    def clear(self) -> None:
        """Forget everything."""
        self._found, self._count = {}, 0


def is_settled(node: Node) -> bool:
    """Tell whether a part at a time reads no sample that is later, nor depends on what else is asked."""
    shifts = [part.shift for part in walk(node) if isinstance(part, Select | Subquery)]
    return all(shift.at is None and shift.offset >= 0 for shift in shifts)
