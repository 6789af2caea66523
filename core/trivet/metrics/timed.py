"""`Timed`: measure how long something takes, how it ends and how much of it runs: a decorator and a context manager."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeVar, cast

import anyio
import attrs

from trivet.errors import MetricError
from trivet.metrics.wrapping import wrap

if TYPE_CHECKING:
    from trivet.metrics.gauge import Gauge
    from trivet.metrics.histogram import Histogram

F = TypeVar("F", bound=Callable[..., object])

OK: Final = "ok"
ERROR: Final = "error"
CANCELLED: Final = "cancelled"


def outcome_of(exc: BaseException) -> str:
    """Return the outcome label of an exception: ``cancelled`` where the running event loop cancels, else ``error``."""
    if isinstance(exc, Exception):
        return ERROR
    if isinstance(exc, GeneratorExit):
        return CANCELLED
    try:
        cancelled = anyio.get_cancelled_exc_class()
    except RuntimeError:  # no event loop in this thread
        return ERROR
    other = exc.split(cancelled)[1] if isinstance(exc, BaseExceptionGroup) else not isinstance(exc, cancelled)
    return ERROR if other else CANCELLED


@attrs.define(eq=False)
class _Entry:
    """One ``with`` block, in the stack of its context."""

    timed: Timed
    start: float
    below: _Entry | None
    open: bool = True


_entries: Final[contextvars.ContextVar[_Entry | None]] = contextvars.ContextVar("trivet_timed", default=None)


class Timed:
    """A timer over a histogram ``<name>_seconds{outcome=}`` and a gauge ``<name>_in_flight``. Made by `Metrics.timed`.

    As a decorator it takes coroutine functions, async generators, generators and plain functions, and measures the work, not the
    call: a generator is timed from its first item to its end, the time of its consumer included. As a context manager it
    serves ``with`` and ``async with``; one object may be entered by many tasks and threads at once.

    Outcomes: ``ok``, ``error``, ``cancelled``. A generator whose consumer stops early is ``ok``.

    Args:
        durations: With the labels of ``labels`` and a last one, ``outcome``.
        in_flight: With the labels of ``labels``.
        labels: Label values, fixed for this timer.
    """

    def __init__(self, durations: Histogram, in_flight: Gauge, *, labels: tuple[str, ...]) -> None:
        self._durations = durations
        self._labels = labels
        self._open: dict[int, _Entry] = {}
        # Handles, so that timing a call costs no look-up.
        self.begin: Final = in_flight[labels].inc
        """Count one more in flight; follow it with `succeed` or `fail`."""
        self.end: Final = in_flight[labels].dec
        """Count one less in flight."""
        self.observe: Final = durations[(*labels, OK)].observe
        """Record the seconds of what ended well."""

    def succeed(self, seconds: float) -> None:
        """Record what ended well after ``seconds``."""
        self.end()
        self.observe(seconds)

    def fail(self, exc: BaseException, seconds: float) -> None:
        """Record what ended with an exception after ``seconds``."""
        self.end()
        self._durations[(*self._labels, outcome_of(exc))].observe(seconds)

    def __call__(self, function: F) -> F:
        """Return ``function`` with its calls timed.

        Raises:
            MetricError: if it cannot be called: ``timed`` stands below ``classmethod``, not above.
        """
        if not callable(function):
            raise MetricError(
                f"cannot time {function!r}; put timed directly above the def, below classmethod or property"
            )
        return cast("F", wrap(function, self))

    def __enter__(self) -> None:
        below = _entries.get()
        while below is not None and not below.open:
            below = below.below  # left in another context, as FastAPI does with dependencies
        entry = _Entry(self, perf_counter(), below)
        self._open[id(entry)] = entry
        _entries.set(entry)
        self.begin()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, where: TracebackType | None
    ) -> None:
        now = perf_counter()
        entry = _entries.get()
        while entry is not None and not (entry.open and entry.timed is self):
            entry = entry.below
        if entry is None:  # entered in another context: the newest open one is it, unless several are open at once
            entry = self._open[next(reversed(self._open))]
        else:
            _entries.set(entry.below)
        del self._open[id(entry)]
        entry.open = False
        if exc is None:
            self.succeed(now - entry.start)
        else:
            self.fail(exc, now - entry.start)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, where: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, where)
