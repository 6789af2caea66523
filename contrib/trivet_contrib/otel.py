"""Make the spans of `kernel.tracing` with OpenTelemetry, so that they and those of its instrumentations are one trace.

Needs the extra ``otel``, which is OpenTelemetry's API alone: which SDK is behind it, and where it sends to, is the
application's choice. Without an SDK nothing is recorded. Load it by name, ``Kernel(plugins=["otel"])``; it takes the place
of ``tracer/tracer``.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from trivet import Provider, TraceContext, Tracer, hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.trace import Tracer as ApiTracer

    from trivet import Composition
    from trivet.tracing.contracts import AttributeValue, SpanKind

_MAX_ERROR: Final = 300
_FAILED: Final = "error.type"


class OtelSpan:
    """A span of OpenTelemetry, current in its context until it ends."""

    def __init__(self, span: Span, parent: TraceContext | None) -> None:
        from opentelemetry import context
        from opentelemetry.trace import set_span_in_context

        self._span = span
        self._inside = set_span_in_context(span)
        self._token = context.attach(self._inside)
        self._context = _context_of(span, parent)

    @property
    def context(self) -> TraceContext:
        """Its place in the trace."""
        return self._context

    def rename(self, name: str) -> None:
        """Give it another name."""
        self._span.update_name(name)

    def set(self, name: str, value: AttributeValue) -> None:
        """Set an attribute."""
        self._span.set_attribute(name, value)
        if name == _FAILED:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, str(value)[:_MAX_ERROR]))

    def event(self, name: str, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Note that something happened now."""
        self._span.add_event(name, attributes)

    def end(self, error: BaseException | None) -> None:
        """Say that the work is done."""
        from opentelemetry import context
        from opentelemetry.trace import Status, StatusCode

        if isinstance(error, Exception):
            # Not record_exception: it sends the traceback, and whatever the text of the exception holds.
            self._span.set_status(Status(StatusCode.ERROR, type(error).__name__[:_MAX_ERROR]))
        self._span.end()
        if context.get_current() is self._inside:  # else it is left in another context, where the token is none
            context.detach(self._token)


class OtelTracer:
    """A `trivet.Tracer` that makes OpenTelemetry's spans.

    Args:
        tracer: OpenTelemetry's.
    """

    def __init__(self, tracer: ApiTracer) -> None:
        from opentelemetry.trace import SpanKind as ApiKind

        self._tracer = tracer
        self._kinds = {kind.name.lower(): kind for kind in ApiKind}

    def start(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue] | None,
        parent: TraceContext | None,
    ) -> OtelSpan:
        """Begin a span; without a parent below what is current in OpenTelemetry."""
        span = self._tracer.start_span(name, _below(parent), self._kinds[kind], attributes)
        return OtelSpan(span, parent)


def _below(parent: TraceContext | None) -> Context | None:
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        TraceState,
        get_current_span,
        set_span_in_context,
    )

    if parent is None or get_current_span().get_span_context().span_id == parent.span:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    state = TraceState.from_header([parent.state] if parent.state else [])
    return set_span_in_context(NonRecordingSpan(SpanContext(parent.trace, parent.span, True, flags, state)))  # noqa: FBT003 - is_remote


def _context_of(span: Span, parent: TraceContext | None) -> TraceContext:
    found = span.get_span_context()
    if not found.is_valid or (parent is not None and found.span_id == parent.span):
        # No SDK, no id: the trace goes on under the parent's, so that the services behind this one are still of it.
        trace = parent.trace if parent is not None else secrets.randbits(128) or 1
        state = parent.state if parent is not None else ""
        return TraceContext(trace, secrets.randbits(64) or 1, parent is not None and parent.sampled, state)
    return TraceContext(found.trace_id, found.span_id, found.trace_flags.sampled, found.trace_state.to_header())


def connect() -> OtelTracer:
    """Take OpenTelemetry's global tracer provider."""
    from opentelemetry.trace import get_tracer

    return OtelTracer(get_tracer("trivet"))


@hookimpl
def register_tracers(composition: Composition) -> list[Provider[Tracer]]:
    """Offer ``tracer/otel``."""
    return [
        Provider(name="otel", factory=connect, replaces="tracer/tracer", extra="otel", modules=["opentelemetry"]),
    ]
