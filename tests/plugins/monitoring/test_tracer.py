"""The tracer in memory: what it keeps, how much, and what it never shows."""

from __future__ import annotations

import logging
import os

import pytest

from trivet.tracing.context import TraceContext
from trivet_plugins.monitoring.memory_tracer import MAX_ATTRIBUTES, MAX_TEXT, MemoryTracer


def span(tracer, name="work", *, parent=None, error=None, **attributes):
    one = tracer.start(name, "internal", attributes, parent)
    one.end(error)
    return one


def names(records):
    return [record.name for record in records]


def test_slow_and_failed_spans_are_kept_beside_the_many(monkeypatch):
    """Ten thousand fine requests do not wash away the one that failed."""
    tracer = MemoryTracer(keep=10, keep_notable=5, slow=0.05)
    clock = [0.0]
    monkeypatch.setattr("trivet_plugins.monitoring.memory_tracer.perf_counter", lambda: clock[0])
    slow = tracer.start("slow")
    clock[0] += 0.06
    slow.end(None)
    span(tracer, "failed", error=OSError("down"))
    for number in range(100):
        span(tracer, f"fine {number}")
    assert set(names(tracer.spans(notable=True))) == {"slow", "failed"}
    assert len(tracer.spans()) == 12
    for number in range(20):
        span(tracer, f"bad {number}", error=OSError("down"))
    assert set(names(tracer.spans(notable=True))) == {f"bad {number}" for number in range(15, 20)}


def test_sampling_decides_where_a_trace_begins_and_is_followed():
    """Every node with one ratio decides alike, by the trace's id; a child has no choice."""
    none, some = MemoryTracer(sample=0), MemoryTracer(sample=0.25)
    span(none)
    assert none.spans() == []
    span(none, "failed", error=OSError("down"))
    assert names(none.spans()) == ["failed"]
    share = sum(some.start("root").sampled for _ in range(4_000)) / 4_000
    assert 0.2 < share < 0.3
    sampled = TraceContext(1, 2, sampled=True)
    assert none.start("child", parent=sampled).context.sampled is True
    assert some.start("child", parent=TraceContext(1, 2, sampled=False)).context.sampled is False
    assert MemoryTracer(sample=1).start("root").sampled is True


def test_secrets_and_giants_are_not_shown():
    """What an attribute's name calls a secret is masked, a URL loses its password, and a text its length."""
    tracer = MemoryTracer()
    one = tracer.start("work", "internal", {"password": "hunter2", "url": "postgres://app:hunter2@db/x"}, None)
    one.set("text", "x" * 10_000)
    for number in range(1_000):
        one.set(f"n{number}", number)
        one.event("tick", {"api_token": "hunter2"})
    one.end(OSError("cannot reach postgres://app:hunter2@db/x"))
    (record,) = tracer.spans()
    assert "hunter2" not in repr(record)
    assert len(record.attributes) == len(record.events) == MAX_ATTRIBUTES
    assert len(record.attributes["text"]) == MAX_TEXT


def test_a_forked_process_makes_ids_of_its_own():
    """Pre-fork servers: two workers with the same ids would be one trace."""
    tracer = MemoryTracer()
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write, tracer.start("child").context.trace_id.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 32).decode() != tracer.start("parent").context.trace_id
    os.close(read)
    os.close(write)


def test_who_wants_the_ended_spans_gets_the_sampled_ones():
    tracer, seen = MemoryTracer(sample=0), []
    end = tracer.on_end(lambda one: seen.append(one.name))
    span(tracer, "not sampled", error=OSError("down"))
    span(tracer, "sampled", parent=TraceContext(1, 2, sampled=True))
    end()
    span(tracer, "later", parent=TraceContext(1, 2, sampled=True))
    assert seen == ["sampled"]


async def test_log_entries_and_exemplars_lead_to_the_trace(kernel_factory, capsys):
    """From a number to the request behind it, and from a line in the log."""
    kernel = await kernel_factory(
        {"plugins": {"logging": {"configure": True, "format": "json"}}}, plugins=["tracer", "logging"]
    )
    requests = kernel.metrics.counter("requests_total", "Requests.")
    with kernel.tracing.span("request") as one:
        requests.inc()
        logging.getLogger("shop").warning("sold out")
    (cell,) = requests.cells()
    assert dict(zip(cell.exemplar.names, cell.exemplar.values, strict=True)) == {
        "trace_id": one.context.trace_id,
        "span_id": one.context.span_id,
    }
    line = next(line for line in capsys.readouterr().err.splitlines() if "sold out" in line)
    assert f'"trace_id": "{one.context.trace_id}"' in line
    logging.getLogger("shop").warning("closed")
    line = next(line for line in capsys.readouterr().err.splitlines() if "closed" in line)
    assert "trace_id" not in line


@pytest.mark.parametrize(
    ("settings", "place"), [({"sample": 1.5}, "sample"), ({"slow": 0}, "slow"), ({"keep": 0}, "keep")]
)
async def test_a_wrong_setting_is_refused(kernel_factory, settings, place):
    from trivet import ConfigError

    with pytest.raises(ConfigError, match=f"plugins.tracer.{place}"):
        await kernel_factory({"plugins": {"tracer": settings}}, plugins=["tracer"])
