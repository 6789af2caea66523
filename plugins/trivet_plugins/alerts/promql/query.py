"""`Query`: a text of PromQL, understood, and ready to be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import attrs

from trivet_plugins.alerts.promql.budget import Budget
from trivet_plugins.alerts.promql.errors import EvaluationError, PromqlError, QueryError, QueryLimitError
from trivet_plugins.alerts.promql.round_cache import RoundCache

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.result import Outcome
    from trivet_plugins.alerts.promql.selector import Selector
    from trivet_plugins.alerts.promql.storage import Storage

__all__ = ("Budget", "EvaluationError", "PromqlError", "Query", "QueryError", "QueryLimitError", "RoundCache")

LOOKBACK: Final = 300_000
"""Milliseconds for which the last sample of a series stands, unless it is marked stale."""

Kind = Literal["scalar", "string", "vector", "matrix"]


@attrs.frozen
class Query:
    """A query. It may be asked any number of times, by several threads at once.

    Args:
        text: As it was written.
        kind: Of its answer at one time: ``scalar``, ``string``, ``vector`` or ``matrix``.
    """

    text: str
    kind: Kind

    @classmethod
    def parse(cls, text: str) -> Query:
        """Understand a query.

        Raises:
            QueryError: with the place where that is known, if the text is none.
            UnsupportedError: likewise, if it is one, and has something that is not supported, which is named.
        """
        raise NotImplementedError

    @property
    def selectors(self) -> tuple[tuple[Selector, ...], ...]:
        """The conditions of every selector in it, in their order."""
        raise NotImplementedError

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
        raise NotImplementedError

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
            QueryLimitError: if it takes more than the budget.
            ValueError: if the step is not more than 0.
        """
        raise NotImplementedError
