"""`SpanBlock`: what stands between ``with kernel.tracing.span(...)`` and its end. The current span is one `ContextVar`."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from trivet.tracing.context import TraceContext
    from trivet.tracing.contracts import AttributeValue, SpanKind, Tracer, TraceSpan

current_span: Final[contextvars.ContextVar[TraceSpan | None]] = contextvars.ContextVar("trivet_span", default=None)


class SpanBlock:
    """A span for the length of a block, ``with`` or ``async with``. Entered once."""

    __slots__ = ("_attributes", "_before", "_kind", "_name", "_parent", "_span", "_tracer")

    def __init__(
        self,
        tracer: Tracer,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue] | None,
        parent: TraceContext | None,
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._kind: SpanKind = kind
        self._attributes = attributes
        self._parent = parent

    @property
    def context(self) -> TraceContext | None:
        """Its place in the trace; None where tracing is off."""
        return self._span.context

    def rename(self, name: str) -> None:
        """Give it another name."""
        self._span.rename(name)

    def set(self, name: str, value: AttributeValue) -> None:
        """Set an attribute; the last value counts. Never a secret. ``error.type`` says that the work failed."""
        self._span.set(name, value)

    def event(self, name: str, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Note that something happened now."""
        self._span.event(name, attributes)

    def __enter__(self) -> Self:
        self._before = before = current_span.get()
        parent = self._parent if self._parent is not None or before is None else before.context
        self._span = span = self._tracer.start(self._name, self._kind, self._attributes, parent)
        current_span.set(span)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not by token: FastAPI leaves a dependency in another context than it entered it in.
        current_span.set(self._before)
        self._span.end(exc)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, trace)


class OffBlock:
    """The same where tracing is off: nothing. One serves all."""

    __slots__ = ()
    context: Final = None

    def rename(self, name: str) -> None:
        """Do nothing."""

    def set(self, name: str, value: AttributeValue) -> None:
        """Do nothing."""

    def event(self, name: str, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


OFF: Final = OffBlock()
