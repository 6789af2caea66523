"""`Storage`: where queries find series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from trivet_plugins.alerts.promql.points import Points
from trivet_plugins.alerts.promql.selector import Selector

__all__ = ("Points", "Selector", "Storage")


@runtime_checkable
class Storage(Protocol):
    """Series in memory. May be asked from any thread."""

    def select(self, matchers: Sequence[Selector], start: int, end: int) -> Sequence[Points]:
        """Return the series that meet all conditions, each with at least what it was from ``start`` to ``end``.

        They are given as they are kept, not copied: with samples before and after that span too, or only such. `Points.between`
        cuts. A series has the same object as its labels each time, where that is cheap: those who ask again and again see at
        once that they have the same series before them.

        Args:
            matchers: The conditions.
            start: Milliseconds since the epoch, included.
            end: Likewise.
        """
        ...
