"""`RuleRun`: a rule that is evaluated round by round, and what it did last."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import attrs

from trivet_plugins.alerts.promql.errors import EvaluationError, PromqlError
from trivet_plugins.alerts.promql.labels import Labels
from trivet_plugins.alerts.promql.result import Sample, Scalar, Vector

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.budget import Budget
    from trivet_plugins.alerts.promql.query import Query
    from trivet_plugins.alerts.promql.round_cache import RoundCache
    from trivet_plugins.alerts.promql.storage import Storage

Series = dict[Labels, float]


@attrs.frozen(kw_only=True)
class Round:
    """One evaluation of a group.

    Args:
        at: When, in milliseconds since the epoch.
        queried_at: The time that queries are about: earlier by the group's ``query_offset``.
        storage: What they read.
        cache: What the queries of the evaluator share.
        budget: What each may take; None: the default.
        limit: The most series or alerts of a rule; 0: any number.
        external_labels: Of the service.
        external_url: Where the service is reached from outside.
    """

    at: int
    queried_at: int
    storage: Storage
    cache: RoundCache
    budget: Budget | None = None
    limit: int = 0
    external_labels: Mapping[str, str] = attrs.field(factory=dict)
    external_url: str = ""

    def answer(self, query: Query) -> tuple[Sample, ...]:
        """Return what a query gives now; a scalar is a sample without labels.

        Raises:
            PromqlError: if it gives nothing of the kind.
        """
        value = query.instant(self.storage, self.queried_at, budget=self.budget, cache=self.cache).value
        if isinstance(value, Vector):
            return value.samples
        if isinstance(value, Scalar):
            return (Sample((), value.value),)
        raise EvaluationError("rule result is not a vector or scalar")


class RuleRun(ABC):
    """Evaluates a rule. ``health`` is ``unknown`` before the first round, then ``ok`` or ``err`` with ``error``."""

    def __init__(self) -> None:
        self.health: Literal["unknown", "ok", "err"] = "unknown"
        self.error = ""
        self.evaluated_at: int | None = None
        self.seconds = 0.0
        self.returned: Series = {}

    def evaluate(self, now: Round) -> Series | None:
        """Return the series of this round; None if it failed: nothing has changed then."""
        begun = time.perf_counter()
        try:
            found = self._evaluated(now)
        except PromqlError as exc:
            self.health, self.error = "err", str(exc)
            return None
        finally:
            self.seconds = time.perf_counter() - begun
            self.evaluated_at = now.at
        self.health, self.error = "ok", ""
        return found

    def vanished(self, series: Series) -> Iterable[Labels]:
        """Return the series of the round before that this one does not have, and remember these."""
        gone = [labels for labels in self.returned if labels not in series]
        self.returned = series
        return gone

    @abstractmethod
    def _evaluated(self, now: Round) -> Series: ...
