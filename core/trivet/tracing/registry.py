"""`Tracing`: what ``kernel.tracing`` is. Spans for pieces of work, and the headers that carry them to other processes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from trivet.errors import CompositionError
from trivet.tracing import propagation
from trivet.tracing.block import OFF, OffBlock, SpanBlock, current_span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet.tracing.context import TraceContext
    from trivet.tracing.contracts import AttributeValue, SpanKind, Tracer

F = TypeVar("F", bound=Callable[..., object])


class Tracing:
    """Spans, made by the tracer of a plugin; without one every call here does nothing, in some ten nanoseconds.

    Example:
        >>> with kernel.tracing.span("charge_card", {"cents": 1250}) as span:
        ...     span.set("attempts", 2)
    """

    def __init__(self) -> None:
        self._name = ""
        self._tracer: Tracer | None = None

    def use(self, name: str, tracer: Tracer) -> Callable[[], None]:
        """Have a tracer make the spans.

        Args:
            name: Its provider's name, for messages.
            tracer: The tracer.

        Returns:
            A function that takes it out again.

        Raises:
            CompositionError: if another one is in use: a span has one id.
        """
        if self._tracer is not None:
            raise CompositionError(
                f'two tracers, {self._name} and {name}; set replaces="tracer/{self._name}" on {name}, or block one'
            )
        self._name, self._tracer = name, tracer

        def remove() -> None:
            if self._tracer is tracer:
                self._name, self._tracer = "", None

        return remove

    @property
    def tracer(self) -> Tracer | None:
        """The tracer in use; None where tracing is off."""
        return self._tracer

    def span(
        self,
        name: str,
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        kind: SpanKind = "internal",
        parent: TraceContext | None = None,
    ) -> SpanBlock | OffBlock:
        """Trace a block: ``with`` or ``async with``. What it raises is its error, and goes on.

        Args:
            name: What is done, without what it is done to: ``charge_card``, not ``charge_card 4711``.
            attributes: What it is done to. Never a secret.
            kind: ``server`` and ``client`` for the two ends of a request, ``producer`` and ``consumer`` for those of a message.
            parent: From `extract`; default: the span around it.
        """
        tracer = self._tracer
        return OFF if tracer is None else SpanBlock(tracer, name, kind, attributes, parent)

    def traced(self, name: str | None = None, *, kind: SpanKind = "internal") -> Callable[[F], F]:
        """Trace each call of a function or coroutine function: ``@kernel.tracing.traced()``.

        Args:
            name: Of the spans; default: the function's qualified name.
            kind: As for `span`.

        Raises:
            TypeError: for a generator: between two items its consumer works, whose spans would become its children.
        """

        def decorate(function: F) -> F:
            if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
                msg = f"{function.__qualname__} is a generator: trace what it calls, or the loop around it"
                raise TypeError(msg)
            what = name or str(getattr(function, "__qualname__", type(function).__qualname__))
            if inspect.iscoroutinefunction(function):

                async def traced_coroutine(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - handed on
                    with self.span(what, kind=kind):
                        return await function(*args, **kwargs)

                return cast("F", functools.wraps(function)(traced_coroutine))

            def traced_call(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - handed on
                with self.span(what, kind=kind):
                    return function(*args, **kwargs)

            return cast("F", functools.wraps(function)(traced_call))

        return decorate

    @staticmethod
    def current() -> TraceContext | None:
        """Return the context of the span around the caller, of any kernel; None where there is none."""
        span = current_span.get()
        return None if span is None else span.context

    @staticmethod
    def extract(headers: Mapping[str, str]) -> TraceContext | None:
        """Return the context that a request brings (``traceparent``, ``tracestate``); None: it begins a trace.

        Args:
            headers: With names in lower case.
        """
        return propagation.extract(headers)

    def inject(self) -> dict[str, str]:
        """Return the headers that hand the current span on with a request; none where there is no span."""
        context = self.current()
        return {} if context is None else propagation.inject(context)
