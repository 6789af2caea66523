"""`RoundCache`: what the queries of one evaluator have in common, found out once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from trivet_plugins.alerts.promql.breath import Breath
from trivet_plugins.alerts.promql.frame import Frame
from trivet_plugins.alerts.promql.labels import METRIC_NAME
from trivet_plugins.alerts.promql.past_steps import PastSteps
from trivet_plugins.alerts.promql.points import Points
from trivet_plugins.alerts.promql.selector import Selector
from trivet_plugins.alerts.promql.syntax import Node, Select, walk

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.storage import Storage

T = TypeVar("T")

UNUSED: Final = 600_000
"""Milliseconds after which what nobody asks for is forgotten: several rounds of the slowest group of rules."""


@attrs.frozen(eq=False)
class Selection:
    """Series that were selected.

    Args:
        series: As the storage gave them.
        frame: Their labels.
    """

    series: Sequence[Points]
    frame: Frame


class RoundCache:
    """Shared by queries that one thread asks one after the other, of one storage; kept from round to round.

    Within a round, which is one time, equal parts of queries are answered once: where series that a query may read get samples
    at the time of the round, tell it by `invalidate`. Over rounds it remembers how series are grouped and matched.
    """

    def __init__(self) -> None:
        self.breath = Breath()
        self.steps = PastSteps()
        self._about: tuple[object, ...] = ()
        self._at: int | None = None
        self._tidied = 0
        self._answers: dict[tuple[Node, int], object] = {}
        self._selections: dict[tuple[Selector, ...], tuple[Selection, int]] = {}
        self._names: dict[Node, frozenset[str] | None] = {}

    def begin(self, at: int, *about: object) -> None:
        """Begin a round, unless this one is about the same.

        Args:
            at: Its time, in milliseconds since the epoch.
            about: The storage, and what else an answer depends on.
        """
        if about != self._about:
            self._about, self._at = about, None
            self.steps.clear()
        if at != self._at:
            self._at = at
            self._answers = {}
            if abs(at - self._tidied) > UNUSED // 4:
                self._tidied = at
                self._tidy(at)

    def _tidy(self, at: int) -> None:
        self.steps.forget(at - UNUSED)
        self._selections = {key: one for key, one in self._selections.items() if one[1] >= at - UNUSED}
        if len(self._names) > 10_000:
            self._names = {}

    def invalidate(self, metric: str | None = None) -> None:
        """Forget the answers of this round that may have changed.

        Args:
            metric: The name of the series that have got samples at its time; None: any may have.
        """
        if metric is None:
            self._answers = {}
            self.steps.clear()
        else:
            self._answers = {key: one for key, one in self._answers.items() if not self._reads(key[0], metric)}

    def _reads(self, node: Node, metric: str) -> bool:
        if node not in self._names:
            self._names[node] = names_read(node)
        names = self._names[node]
        return names is None or metric in names

    def selection(self, storage: Storage, selectors: tuple[Selector, ...], start: int, end: int) -> Selection:
        """Return the series of a storage that meet conditions."""
        series = storage.select(selectors, start, end)
        known = self._selections.get(selectors)
        labels = tuple([points.labels for points in series])
        if known is not None and known[0].frame.labels == labels:
            found = Selection(series, known[0].frame)
        else:
            found = Selection(series, Frame(labels))
        self._selections[selectors] = (found, self._at or 0)
        return found

    def known(self, node: Node, at: int) -> object | None:
        """Return the answer to a part at a time of this round, if there is one."""
        return self._answers.get((node, at))

    def keep(self, node: Node, at: int, answer: T) -> T:
        """Remember the answer to a part for the rest of the round."""
        self._answers[node, at] = answer
        return answer


def names_read(node: Node) -> frozenset[str] | None:
    """Return the names of all metrics that a part reads; None if they are not all named."""
    names: set[str] = set()
    for part in walk(node):
        if isinstance(part, Select):
            named = [one.value for one in part.selectors if one.name == METRIC_NAME and one.op == "="]
            if not named:
                return None
            names.update(named[:1])
    return frozenset(names)
