"""``tracer/otel``: spans of the kernel and of OpenTelemetry's instrumentations are one trace."""

from __future__ import annotations

import contextvars

import pytest

from trivet.testing.suites import TracerSuite
from trivet.tracing.context import TraceContext
from trivet.tracing.registry import Tracing
from trivet_contrib.otel import OtelTracer

pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracerProvider, StatusCode


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def api(exporter):
    """A tracer of a real SDK."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("suite")
    provider.shutdown()


@pytest.fixture
def tracing(api):
    tracing = Tracing()
    tracing.use("otel", OtelTracer(api))
    return tracing


class TestOtelTracer(TracerSuite):
    """Over a real SDK."""

    @pytest.fixture
    def tracer(self, api):
        return OtelTracer(api)


class TestWithoutSdk(TracerSuite):
    """Over the API alone: nothing is recorded, and nothing breaks."""

    @pytest.fixture
    def tracer(self):
        return OtelTracer(NoOpTracerProvider().get_tracer("suite"))


def test_both_kinds_of_spans_nest_in_each_other(tracing, api, exporter):
    """An instrumented framework around, an instrumented driver inside: one trace with all three."""
    with (
        api.start_as_current_span("framework"),
        tracing.span("work", {"cents": 12}, kind="server"),
        api.start_as_current_span("driver"),
    ):
        pass
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans["work"].parent.span_id == spans["framework"].context.span_id
    assert spans["driver"].parent.span_id == spans["work"].context.span_id
    assert spans["work"].attributes == {"cents": 12}
    assert spans["work"].kind.name == "SERVER"


def test_a_remote_parent_is_followed_with_its_state(tracing, exporter):
    parent = TraceContext(0xA, 0xB, True, "vendor=opaque")
    with tracing.span("work", parent=parent):
        assert tracing.inject()["tracestate"] == "vendor=opaque"
    (span,) = exporter.get_finished_spans()
    assert (span.context.trace_id, span.parent.span_id, span.parent.is_remote) == (0xA, 0xB, True)


def test_an_error_marks_the_span_and_shows_no_text(tracing, exporter):
    """An exception's text may hold a secret; the SDK would send it with the traceback."""
    with pytest.raises(ValueError, match="hunter2"), tracing.span("work"):
        raise ValueError("hunter2")
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "hunter2" not in span.to_json()


def test_a_span_that_is_left_in_another_context_ends_without_noise(tracing, exporter, caplog):
    block = tracing.span("dependency")
    contextvars.copy_context().run(block.__enter__)
    contextvars.copy_context().run(block.__exit__, None, None, None)
    assert [span.name for span in exporter.get_finished_spans()] == ["dependency"]
    assert caplog.records == []


async def test_it_takes_the_place_of_the_built_in_tracer(kernel_factory):
    kernel = await kernel_factory(plugins=["tracer", "otel"])
    assert list(kernel.provided("tracer")) == ["otel"]
    assert isinstance(kernel.tracing.tracer, OtelTracer)
