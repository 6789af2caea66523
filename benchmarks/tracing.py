"""Tracing: what a span costs the work inside it, and what tracing costs where it is off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.harness import Block, Contest, Peer, at_most, measure, statement
from trivet.tracing.registry import Tracing
from trivet_plugins.monitoring.memory_tracer import MemoryTracer


def _recorded() -> Block:
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("benchmark")
    return statement('with tracer.start_as_current_span("work"): pass', tracer=tracer)


def _not_recorded() -> Block:
    from opentelemetry.trace import NoOpTracerProvider

    tracer = NoOpTracerProvider().get_tracer("benchmark")
    return statement('with tracer.start_as_current_span("work"): pass', tracer=tracer)


@measure("span around nothing")
@contextmanager
def span() -> Iterator[Contest]:
    """Begin a span, make it the current one, end it, keep it."""
    tracing = Tracing()
    tracing.use("memory", MemoryTracer())
    ours = statement('with tracing.span("work"): pass', tracing=tracing)
    yield Contest(ours, [Peer("OpenTelemetry SDK", _recorded, at_most(0.15))])


@measure("span where tracing is off")
@contextmanager
def off() -> Iterator[Contest]:
    """Ask for a span that nobody makes."""
    ours = statement('with tracing.span("work"): pass', tracing=Tracing())
    yield Contest(ours, [Peer("OpenTelemetry API alone", _not_recorded, at_most(0.05))])
