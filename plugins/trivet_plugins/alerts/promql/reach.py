"""`reach`: which samples a query reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet_plugins.alerts.promql.syntax import Range, Select, Subquery, children

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.selector import Selector
    from trivet_plugins.alerts.promql.syntax import Node, Shift

Span = tuple[int, int]
"""First and last time, in milliseconds since the epoch."""


def moment(shift: Shift, at: int, span: Span) -> int:
    """Return the time that is meant.

    Args:
        shift: How it is meant.
        at: The time of evaluation.
        span: The ``start()`` and ``end()`` of what is asked about.
    """
    if shift.at is not None:
        at = span[0] if shift.at == "start" else span[1] if shift.at == "end" else shift.at
    return at - shift.offset


def reach(tree: Node, span: Span, lookback: int) -> dict[tuple[Selector, ...], Span]:
    """Return for each selector from when to when samples are read.

    Args:
        tree: The query.
        span: The first and the last time that it is asked about.
        lookback: Milliseconds for which a sample stands.
    """
    found: dict[tuple[Selector, ...], Span] = {}

    def look(node: Node, times: Span) -> None:
        match node:
            case Select():
                note(node, times, lookback)
            case Range():
                note(node.select, times, node.length)
            case Subquery():
                first, last = (moment(node.shift, at, span) for at in times)
                look(node.expr, (first - node.length, last))
            case _:
                for child in children(node):
                    look(child, times)

    def note(node: Select, times: Span, length: int) -> None:
        first, last = (moment(node.shift, at, span) for at in times)
        known = found.get(node.selectors, (first - length, last))
        found[node.selectors] = min(known[0], first - length), max(known[1], last)

    look(tree, span)
    return found
