"""``kernel.tracing``: spans around blocks, functions and tasks, and the headers between processes."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from trivet.errors import CompositionError
from trivet.tracing.registry import Tracing
from trivet_plugins.monitoring.memory_tracer import MemoryTracer


@pytest.fixture
def tracer():
    return MemoryTracer()


@pytest.fixture
def tracing(tracer):
    tracing = Tracing()
    tracing.use("memory", tracer)
    return tracing


def named(tracer):
    return {record.name: record for record in tracer.spans()}


def test_without_a_tracer_everything_works_and_nothing_happens():
    """A library may trace whether or not the application wants to know."""
    tracing = Tracing()
    with tracing.span("work") as span:
        span.set("a", 1)
        span.event("b")
        assert span.context is None
    assert tracing.current() is None
    assert tracing.inject() == {}
    assert tracing.traced()(len)([1]) == 1


async def test_spans_nest_over_awaits_tasks_and_threads(tracing, tracer):
    """A task and a thread are children of the span that began them; afterwards the current span is the one before."""

    async def child(name):
        async with tracing.span(name):
            await anyio.lowlevel.checkpoint()

    def in_thread():
        with tracing.span("thread"):
            return tracing.current().trace_id

    with tracing.span("root") as root:
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(child, f"task {number}")
        trace_id = await anyio.to_thread.run_sync(in_thread)
        assert tracing.current() == root.context
    assert tracing.current() is None
    spans = named(tracer)
    assert trace_id == spans["root"].trace_id
    children = [record for name, record in spans.items() if name != "root"]
    assert len(children) == 4
    assert {record.parent_id for record in children} == {spans["root"].span_id}
    assert {record.trace_id for record in children} == {spans["root"].trace_id}


def test_an_error_is_recorded_and_goes_on(tracing, tracer):
    with pytest.raises(ValueError, match="no card"), tracing.span("charge", {"cents": 12}) as span:
        span.set("attempt", 2)
        span.event("declined", {"code": 51})
        raise ValueError("no card")
    record = named(tracer)["charge"]
    assert record.error == "ValueError: no card"
    assert record.attributes == {"cents": 12, "attempt": 2}
    assert [(name, more) for name, _, more in record.events] == [("declined", {"code": 51})]


async def test_a_cancelled_span_has_not_failed(tracing, tracer):
    with anyio.move_on_after(0.01):
        async with tracing.span("waits"):
            await anyio.sleep_forever()
    assert named(tracer)["waits"].error == ""
    assert tracing.current() is None


async def test_functions_are_traced_by_their_kind(tracing, tracer):
    @tracing.traced()
    def add(a, b):
        return a + b

    @tracing.traced("fetch", kind="client")
    async def fetch():
        await anyio.sleep(0.02)
        return 3

    assert add(1, b=2) == 3
    assert await fetch() == 3
    spans = named(tracer)
    assert spans["fetch"].kind == "client"
    assert spans["fetch"].seconds >= 0.02
    assert any(name.endswith("add") for name in spans)


def test_a_generator_is_refused_with_the_remedy(tracing):
    with pytest.raises(TypeError, match="trace what it calls"):

        @tracing.traced()
        def numbers():
            yield 1


def test_a_trace_goes_on_in_another_process(tracing, tracer):
    """The headers of one request begin the span of the next service."""
    with tracing.span("client"):
        headers = tracing.inject()
    with tracing.span("server", kind="server", parent=tracing.extract(headers)):
        pass
    spans = named(tracer)
    assert spans["server"].trace_id == spans["client"].trace_id
    assert spans["server"].parent_id == spans["client"].span_id


def test_two_tracers_are_refused(tracing):
    with pytest.raises(CompositionError, match="two tracers, memory and otel"):
        tracing.use("otel", MemoryTracer())


def test_a_block_that_is_left_in_another_context_ends_its_span(tracing, tracer):
    """FastAPI enters a dependency in one context and leaves it in another."""
    import contextvars

    block = tracing.span("dependency")
    contextvars.copy_context().run(block.__enter__)
    contextvars.copy_context().run(block.__exit__, None, None, None)
    assert "dependency" in named(tracer)
    assert tracing.current() is None
