"""Trace into memory: the last spans, and beside them the last slow and failed ones, which are the ones that are looked for.

Config (``plugins.tracer``): ``sample``, the share of the traces that begin here and are recorded, 0 to 1 (1.0); a trace that
another process began follows that one's choice. ``slow``: seconds from which a span is slow (1.0). ``keep``: spans (2,000) and
``keep_notable``: slow or failed spans (500) that are kept; these are kept whether sampled or not. Example::

    [plugins.tracer]
    sample = 0.1
    slow = 0.5

The page ``/traces`` shows them; log entries and the exemplars of metrics carry the ids.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from trivet import Provider, Tracer, hookimpl
from trivet_plugins.monitoring.memory_tracer import MemoryTracer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from trivet import Composition, Kernel


@attrs.frozen
class TracerConfig:
    """What is recorded, and how much of it is kept."""

    sample: float = attrs.field(default=1.0, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    slow: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    keep: int = attrs.field(default=2_000, validator=[attrs.validators.ge(1), attrs.validators.le(1_000_000)])
    keep_notable: int = attrs.field(default=500, validator=[attrs.validators.ge(1), attrs.validators.le(1_000_000)])


@asynccontextmanager
async def trace(config: TracerConfig, kernel: Kernel) -> AsyncIterator[MemoryTracer]:
    """Trace, and have metrics point to the traces."""
    tracer = MemoryTracer(sample=config.sample, slow=config.slow, keep=config.keep, keep_notable=config.keep_notable)
    kernel.metrics.take_exemplars(lambda: _exemplar(kernel))
    try:
        yield tracer
    finally:
        kernel.metrics.take_exemplars(None)


def _exemplar(kernel: Kernel) -> Mapping[str, str] | None:
    context = kernel.tracing.current()
    return (
        {"trace_id": context.trace_id, "span_id": context.span_id} if context is not None and context.sampled else None
    )


@hookimpl
def register_tracers(composition: Composition) -> list[Provider[Tracer]]:
    """Offer ``tracer/memory``."""
    return [Provider(name="tracer", factory=trace, config=TracerConfig)]
