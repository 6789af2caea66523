"""`MemoryTracer`: spans in two rings, all that are sampled and all that are notable."""

from __future__ import annotations

import os
import random
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Final, cast

from trivet.health.failure import failure_text
from trivet.tracing.context import TraceContext
from trivet.tracing.contracts import SpanRecord
from trivet_plugins.redaction import redacted

if TYPE_CHECKING:
    from trivet.tracing.contracts import AttributeValue, SpanKind

MAX_ATTRIBUTES: Final = 128
"""Attributes of a span, and events of a span, as in the OpenTelemetry SDKs; what is more is left out."""

MAX_TEXT: Final = 1_024
"""Characters of a text in an attribute; what is longer is cut."""

FAILED: Final = "error.type"
"""The attribute that says that work failed which raises nothing (OpenTelemetry, "Recording errors")."""

_TRACE_BITS: Final = 128
_SPAN_BITS: Final = 64


class MemorySpan:
    """A span of a `MemoryTracer`. Slots and plain assignments: one is made for every piece of work."""

    __slots__ = (
        "_attributes",
        "_begun",
        "_context",
        "_events",
        "_tracer",
        "at",
        "error",
        "kind",
        "name",
        "parent",
        "sampled",
        "seconds",
        "span",
        "trace",
    )

    def __init__(  # noqa: PLR0917 - made for every span: keywords cost
        self,
        tracer: MemoryTracer,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue] | None,
        parent: TraceContext | None,
        trace: int,
        span: int,
        sampled: bool,  # noqa: FBT001 - as above
    ) -> None:
        self._tracer = tracer
        self.name = name
        self.kind: SpanKind = kind
        self.trace = trace
        self.span = span
        self.sampled = sampled
        self.parent = parent
        self.error = ""
        self._context: TraceContext | None = None
        self._attributes = dict(attributes) if attributes else None
        self._events: list[tuple[str, float, Mapping[str, AttributeValue]]] | None = None
        self.at = time.time()
        self._begun = perf_counter()

    @property
    def context(self) -> TraceContext:
        """Its place in the trace; made where somebody asks, since most spans have no children."""
        if self._context is None:
            state = "" if self.parent is None else self.parent.state
            self._context = TraceContext(self.trace, self.span, self.sampled, state)
        return self._context

    def rename(self, name: str) -> None:
        """Give it another name."""
        self.name = name

    def set(self, name: str, value: AttributeValue) -> None:
        """Set an attribute."""
        if self._attributes is None:
            self._attributes = {}
        if len(self._attributes) < MAX_ATTRIBUTES or name in self._attributes:
            self._attributes[name] = value

    def event(self, name: str, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Note that something happened now."""
        if self._events is None:
            self._events = []
        if len(self._events) < MAX_ATTRIBUTES:
            self._events.append((name, perf_counter() - self._begun, dict(attributes or {})))

    def end(self, error: BaseException | None) -> None:
        """Say that the work is done."""
        self.seconds = perf_counter() - self._begun
        if isinstance(error, Exception):  # a cancelled task or a closed generator has not failed
            self.error = failure_text(error)
        elif self._attributes is not None and error is None:
            self.error = str(self._attributes.get(FAILED, ""))
        self._tracer.ended(self)

    def record(self) -> SpanRecord:
        """Return it to look at, without what must not be seen."""
        return SpanRecord(
            name=self.name,
            kind=self.kind,
            trace_id=self.context.trace_id,
            span_id=self.context.span_id,
            parent_id="" if self.parent is None else self.parent.span_id,
            at=self.at,
            seconds=self.seconds,
            error=self.error,
            attributes=_shown(self._attributes or {}),
            events=tuple((name, after, _shown(attributes)) for name, after, attributes in self._events or ()),
            sampled=self.sampled,
        )


def _shown(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {name: _cut(redacted(name, value)) for name, value in list(attributes.items())}


def _cut(value: object) -> AttributeValue:
    return value[:MAX_TEXT] if isinstance(value, str) else cast("AttributeValue", value)


_tracers: Final[weakref.WeakSet[MemoryTracer]] = weakref.WeakSet()


def _reseed() -> None:
    for tracer in tuple(_tracers):
        tracer.reseed()


os.register_at_fork(after_in_child=_reseed)


class MemoryTracer:
    """A `Tracer` and a `SpanStore`. Safe in threads: a ring's ``append`` is one step.

    Args:
        sample: Share of the traces that begin here and are recorded.
        slow: Seconds from which a span is slow.
        keep: Sampled spans that are kept.
        keep_notable: Slow or failed spans that are kept, sampled or not.
    """

    def __init__(self, *, sample: float = 1.0, slow: float = 1.0, keep: int = 2_000, keep_notable: int = 500) -> None:
        # The low 64 bits decide, as in OpenTelemetry's TraceIdRatioBased: nodes with one ratio choose the same traces.
        self._below = round(sample * 2**64)
        self._slow = slow
        self._recent: deque[MemorySpan] = deque(maxlen=keep)
        self._notable: deque[MemorySpan] = deque(maxlen=keep_notable)
        self._on_end: list[Callable[[MemorySpan], None]] = []
        self._bits = random.Random(os.urandom(32)).getrandbits  # noqa: S311 - ids, no secrets
        _tracers.add(self)

    def reseed(self) -> None:
        """Begin another sequence of ids, in a process that was forked."""
        self._bits = random.Random(os.urandom(32)).getrandbits  # noqa: S311 - two processes must not make the same ids

    def start(
        self,
        name: str,
        kind: SpanKind = "internal",
        attributes: Mapping[str, AttributeValue] | None = None,
        parent: TraceContext | None = None,
    ) -> MemorySpan:
        """Begin a span."""
        span = self._bits(_SPAN_BITS) or 1
        if parent is not None:
            return MemorySpan(self, name, kind, attributes, parent, parent.trace, span, parent.sampled)
        trace = self._bits(_TRACE_BITS) or 1
        sampled = trace & 0xFFFF_FFFF_FFFF_FFFF < self._below
        return MemorySpan(self, name, kind, attributes, None, trace, span, sampled)

    def ended(self, span: MemorySpan) -> None:
        """Keep a span that has ended, where it is to be kept."""
        if span.seconds >= self._slow or span.error:
            self._notable.append(span)
        if span.sampled:
            self._recent.append(span)
            for tell in self._on_end:
                tell(span)

    def on_end(self, tell: Callable[[MemorySpan], None]) -> Callable[[], None]:
        """Tell of every sampled span that ends, in the thread where it does; it must return at once. Returns what ends it."""
        self._on_end = [*self._on_end, tell]

        def remove() -> None:
            self._on_end = [one for one in self._on_end if one is not tell]

        return remove

    def spans(self, *, trace_id: str | None = None, notable: bool = False) -> Sequence[SpanRecord]:
        """Return what is kept, the newest last; of one trace, or only the slow and failed ones."""
        kept = {id(span): span for span in (*self._notable.copy(), *(() if notable else self._recent.copy()))}
        wanted = (span for span in kept.values() if trace_id is None or span.context.trace_id == trace_id)
        return [span.record() for span in sorted(wanted, key=lambda span: span.at + span.seconds)]
