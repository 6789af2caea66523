"""What every `Tracer` promises."""

from __future__ import annotations

import threading
from typing import get_args

import pytest

from trivet.testing.suites.suite import Suite, override
from trivet.tracing.context import TraceContext
from trivet.tracing.contracts import SpanKind, SpanRecord, SpanStore, Tracer

PARENT = TraceContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, state="vendor=opaque")


class TracerSuite(Suite):
    """The promises of a tracer. Override `tracer`."""

    @pytest.fixture
    def tracer(self) -> Tracer:
        """Return the tracer."""
        override("tracer")

    def test_it_has_the_shape_of_its_contract(self, tracer: Tracer) -> None:
        """It can begin a span, with a place in a trace."""
        assert isinstance(tracer, Tracer)
        span = tracer.start("suite", "internal", None, None)
        assert isinstance(span.context, TraceContext)
        assert 0 < span.context.trace < 2**128
        assert 0 < span.context.span < 2**64
        span.end(None)

    def test_a_trace_that_begins_here_is_new(self, tracer: Tracer) -> None:
        """Without a parent, and without another span under way, every span begins a trace of its own."""
        traces = set()
        for _ in range(100):
            span = tracer.start("suite", "internal", None, None)
            traces.add(span.context.trace)
            span.end(None)
        assert len(traces) == 100

    def test_a_child_stays_in_its_trace(self, tracer: Tracer) -> None:
        """Under a parent a span has the parent's trace, its decision to sample, its state, and an id of its own."""
        kinds: tuple[SpanKind, ...] = get_args(SpanKind)
        for kind in kinds:
            span = tracer.start("suite", kind, {"attempt": 1}, PARENT)
            assert span.context.trace == PARENT.trace
            assert span.context.span != PARENT.span
            assert span.context.sampled is PARENT.sampled
            assert span.context.state == PARENT.state
            span.end(None)

    def test_it_takes_whatever_an_application_notes(self, tracer: Tracer) -> None:
        """Attributes of every kind, many of them, events and errors: nothing raises."""
        span = tracer.start("suite", "internal", {"text": "a", "flag": True, "number": 1, "share": 0.5}, None)
        span.rename("suite, renamed")
        span.set("error.type", "timeout")
        for number in range(1_000):
            span.set(f"attribute_{number}", "x" * 10_000)
            span.event("happened", {"number": number})
        span.end(ValueError("the work failed"))

    def test_it_serves_all_threads(self, tracer: Tracer) -> None:
        """Threads that begin and end spans side by side get ids of their own."""
        ids: list[int] = []

        def work() -> None:
            for _ in range(200):
                span = tracer.start("suite", "internal", None, PARENT)
                ids.append(span.context.span)
                span.end(None)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(ids)) == len(ids) == 800

    def test_what_it_keeps_it_shows(self, tracer: Tracer) -> None:
        """A tracer that is a store shows a span that has ended under its trace."""
        if not isinstance(tracer, SpanStore):
            pytest.skip("this tracer keeps no spans")
        span = tracer.start("later the suite", "client", {"attempt": 1}, PARENT)
        span.rename("suite")
        span.end(ValueError("the work failed"))
        (record,) = [one for one in tracer.spans(trace_id=PARENT.trace_id) if one.span_id == span.context.span_id]
        assert isinstance(record, SpanRecord)
        assert (record.name, record.kind, record.parent_id) == ("suite", "client", PARENT.span_id)
        assert "the work failed" in record.error
        assert record.attributes == {"attempt": 1}
