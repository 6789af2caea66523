"""What plugins give to `kernel.tracing`: a tracer, which makes spans; and what one that keeps them shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import attrs

from trivet.tracing.context import TraceContext

AttributeValue = str | bool | int | float
SpanKind = Literal["internal", "server", "client", "producer", "consumer"]


class TraceSpan(Protocol):
    """A piece of work under way. Its methods are called by one task or thread at a time, and must not raise."""

    @property
    def context(self) -> TraceContext:
        """Its place in the trace."""
        ...

    def rename(self, name: str) -> None:
        """Give it another name: the route that answers a request is known only afterwards."""
        ...

    def set(self, name: str, value: AttributeValue) -> None:
        """Set an attribute; the last value counts. ``error.type`` says that the work failed though it raises nothing."""
        ...

    def event(self, name: str, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Note that something happened now."""
        ...

    def end(self, error: BaseException | None) -> None:
        """Say that the work is done; ``error`` is what it raised. Called once."""
        ...


@runtime_checkable
class Tracer(Protocol):
    """Makes spans. One is in use at a time; it may be called from any thread, must return at once and must not raise."""

    def start(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue] | None,
        parent: TraceContext | None,
    ) -> TraceSpan:
        """Begin a span.

        Args:
            name: What is done, without what it is done to: ``charge_card``, ``GET /orders/{id}``.
            kind: As OpenTelemetry has it.
            attributes: To begin with.
            parent: The span around it, in this process or another; None: a trace begins.
        """
        ...


@attrs.frozen(kw_only=True)
class SpanRecord:
    """A span that has ended, to look at.

    Args:
        name: What was done.
        kind: As OpenTelemetry has it.
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        parent_id: The span around it; empty where the trace began here.
        at: When it began, in seconds since the epoch.
        seconds: How long it took.
        error: What it raised, as one line; empty where all went well.
        attributes: Without secrets.
        events: Name, seconds after the beginning, attributes.
        sampled: Whether its trace was to be recorded; a slow or failed span is kept all the same.
    """

    name: str
    kind: SpanKind
    trace_id: str
    span_id: str
    parent_id: str
    at: float
    seconds: float
    error: str = ""
    attributes: Mapping[str, AttributeValue] = attrs.field(factory=dict)
    events: Sequence[tuple[str, float, Mapping[str, AttributeValue]]] = ()
    sampled: bool = True


@runtime_checkable
class SpanStore(Protocol):
    """A tracer that keeps spans: the admin page ``/traces`` shows them."""

    def spans(self, *, trace_id: str | None = None, notable: bool = False) -> Sequence[SpanRecord]:
        """Return what is kept, the newest last.

        Args:
            trace_id: Only of this trace.
            notable: Only the slow and the failed ones.
        """
        ...
