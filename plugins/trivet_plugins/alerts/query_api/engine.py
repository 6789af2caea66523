"""`QueryEngine`: answers queries in worker threads, within a budget."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
import attrs

from trivet import MetricHistory, UnknownServiceError
from trivet_plugins.alerts.promql.budget import Budget
from trivet_plugins.alerts.promql.labels import Labels
from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.promql.union_storage import UnionStorage
from trivet_plugins.alerts.service.alerts import Alerts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trivet import Kernel
    from trivet_plugins.alerts.promql.result import Outcome
    from trivet_plugins.alerts.promql.storage import Storage

T = TypeVar("T")

MAX_TEXT: Final = 16_384
"""The longest query, in characters."""


@attrs.frozen(kw_only=True)
class QueryConfig:
    """The section ``plugins.query``: what a query may take."""

    timeout: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))
    concurrency: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    max_series: int = attrs.field(default=10_000, validator=attrs.validators.ge(1))
    max_samples: int = attrs.field(default=10_000_000, validator=attrs.validators.ge(1))


class QueryEngine:
    """Answers queries: ``kernel.service(QueryEngine)``. Times are seconds since the epoch.

    Args:
        config: What a query may take.
        kernel: Whose history, and whose rules' series.
    """

    def __init__(self, config: QueryConfig, kernel: Kernel) -> None:
        from trivet_plugins.alerts.promql.history_storage import HistoryStorage

        self._config = config
        self._kernel = kernel
        self._history: MetricHistory = kernel.service(MetricHistory)
        self._storage = HistoryStorage(self._history)
        self._limiter = anyio.CapacityLimiter(config.concurrency)
        self._parsed = functools.lru_cache(maxsize=256)(Query.parse)

    def now(self) -> float:
        """Return the present of the history."""
        return self._history.now()

    def help(self) -> Mapping[str, tuple[str, str]]:
        """Return kind and help of every family, by name."""
        return self._history.help()

    async def instant(self, text: str, at: float | None = None, *, seconds: float | None = None) -> Outcome:
        """Answer a query for one time; without one, for now. ``seconds``: what it may take, if less than the section says.

        Raises:
            QueryError: if it is none.
            EvaluationError: if it has no answer.
            QueryLimitError: if it takes too much.
        """
        when = _milliseconds(self.now() if at is None else at)
        return await self._in_thread(lambda query: query.instant(self._all(), when, budget=self._budget(seconds)), text)

    async def over(self, text: str, start: float, end: float, step: float, *, seconds: float | None = None) -> Outcome:
        """Answer a query for a span of time; see `instant`.

        Raises:
            ValueError: if there is no span, or no step.
            QueryError: if it is none.
            EvaluationError: if it has no answer.
            QueryLimitError: if it takes too much.
        """
        begin, last, pause = _milliseconds(start), _milliseconds(end), _milliseconds(step)
        return await self._in_thread(
            lambda query: query.over(self._all(), begin, last, pause, budget=self._budget(seconds)), text
        )

    async def series(self, texts: Sequence[str], start: float, end: float) -> list[Labels]:
        """Return the series that some selectors meet, and that have samples in a time.

        Raises:
            QueryError: if a text is no selector.
        """
        begin, last = _milliseconds(start), _milliseconds(end)

        def find() -> list[Labels]:
            storage = self._all()
            found: set[Labels] = set()
            for text in texts:
                for selectors in self._parse(text).selectors:
                    for points in storage.select(selectors, begin, last):
                        if points.between(begin, last).times:
                            found.add(points.labels)
            return sorted(found)

        return await self._working(find)

    async def labels(self, texts: Sequence[str], start: float, end: float) -> dict[str, set[str]]:
        """Return the names of labels and their values, of the series that some selectors meet; without any, of all."""
        found: dict[str, set[str]] = {}
        for labels in await self.series(texts or ['{__name__=~".+"}'], start, end):
            for name, value in labels:
                found.setdefault(name, set()).add(value)
        return found

    def _all(self) -> Storage:
        try:
            return UnionStorage(self._kernel.service(Alerts).recorded, self._storage)
        except UnknownServiceError:
            return self._storage

    def _budget(self, limit: float | None) -> Budget:
        config = self._config
        seconds = config.timeout if limit is None else min(limit, config.timeout)
        return Budget(seconds=seconds, max_samples=config.max_samples, max_series=config.max_series)

    def _parse(self, text: str) -> Query:
        from trivet_plugins.alerts.promql.errors import QueryError

        if len(text) > MAX_TEXT:
            raise QueryError(f"a query has at most {MAX_TEXT:,} characters, this has {len(text):,}")
        return self._parsed(text)

    async def _in_thread(self, answer: Callable[[Query], T], text: str) -> T:
        return await self._working(lambda: answer(self._parse(text)))

    async def _working(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1_000)


def query_engine(config: QueryConfig, kernel: Kernel) -> QueryEngine | None:
    """Make the engine; None where there is no history to ask."""
    try:
        return QueryEngine(config, kernel)
    except UnknownServiceError:
        return None
