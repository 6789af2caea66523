"""Spans to a collector: a real HTTP server that reads them with OpenTelemetry's own protocol classes."""

from __future__ import annotations

import http.server
import json
import threading

import anyio
import pytest

from trivet_plugins.monitoring.memory_tracer import MemoryTracer
from trivet_plugins.monitoring.otlp_json import encode


class Collector:
    """Takes spans over HTTP; ``answers`` are the status codes of the next requests, 200 afterwards."""

    def __init__(self):
        self.requests, self.answers = [], []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = collector.answers.pop(0) if collector.answers else 200
                if status == 200:
                    collector.requests.append((self.path, self.headers, json.loads(body)))
                self.send_response(status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def spans(self):
        return [
            span
            for _, _, body in self.requests
            for resource in body["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def start(kernel_factory, collector):
    """Start a kernel that sends to the collector."""

    async def start(**settings):
        settings = {"endpoint": collector.url, "interval": 0.05, **settings}
        return await kernel_factory({"plugins": {"otlp": settings}}, plugins=["tracer", "otlp"])

    return start


async def until(condition):
    with anyio.fail_after(15):
        while not condition():
            await anyio.sleep(0.01)


async def test_spans_arrive_with_their_service(start, collector):
    kernel = await start(headers={"authorization": "Bearer 0123456789abcdef"})
    with kernel.tracing.span("request", {"path": "/orders"}, kind="server"), kernel.tracing.span("query"):
        pass
    await until(lambda: len(collector.spans()) == 2)
    path, headers, body = collector.requests[0]
    assert (path, headers["authorization"]) == ("/v1/traces", "Bearer 0123456789abcdef")
    resource = {one["key"]: one["value"] for one in body["resourceSpans"][0]["resource"]["attributes"]}
    assert resource["service.name"] == {"stringValue": kernel.name}
    spans = {span["name"]: span for span in collector.spans()}
    assert spans["query"]["parentSpanId"] == spans["request"]["spanId"]
    assert spans["query"]["traceId"] == spans["request"]["traceId"]


async def test_what_the_collector_cannot_take_now_is_sent_again(start, collector):
    """429 and 503 mean later; nothing is lost, nothing is sent twice."""
    collector.answers += [503, 429]
    kernel = await start()
    for number in range(5):
        with kernel.tracing.span(f"work {number}"):
            pass
    await until(lambda: len(collector.spans()) == 5)
    assert sorted(span["name"] for span in collector.spans()) == [f"work {number}" for number in range(5)]


async def test_what_it_refuses_is_counted_and_not_sent_again(start, collector):
    collector.answers += [400]
    kernel = await start()
    with kernel.tracing.span("bad"):
        pass
    spans = kernel.metrics.get("trivet_otlp_spans_total")
    await until(lambda: spans.labels("refused").value == 1)
    with kernel.tracing.span("good"):
        pass
    await until(collector.spans)
    assert [span["name"] for span in collector.spans()] == ["good"]


async def test_a_full_queue_leaves_out_and_counts(start, collector):
    """A collector that is away costs bounded memory and no work."""
    kernel = await start(queue=10, interval=600)
    for _ in range(25):
        with kernel.tracing.span("work"):
            pass
    assert kernel.metrics.get("trivet_otlp_spans_total").labels("dropped").value == 15


async def test_on_stop_what_waits_is_sent(collector, kernel_factory):
    from trivet import Kernel, Launch
    from trivet.testing import memory_config

    config = {"plugins": {"otlp": {"endpoint": collector.url, "interval": 600}}}
    kernel = Kernel(
        "orders", plugins=[memory_config(config), "tracer", "otlp"], discover="none", launch=Launch(environ={})
    )
    async with kernel:
        with kernel.tracing.span("last words"):
            pass
    assert [span["name"] for span in collector.spans()] == ["last words"]


def test_the_request_is_one_of_the_protocol():
    """OpenTelemetry's own classes read every field."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    tracer = MemoryTracer()
    one = tracer.start("work", "client", {"a": 1, "b": 0.5, "c": True, "d": "x", "e": float("inf")}, None)
    one.event("tick", {"n": 2**40})
    one.end(OSError("down"))
    body = encode(tracer.spans(), {"service.name": "orders"})
    request = json_format.Parse(body, service.ExportTraceServiceRequest())
    (span,) = request.resource_spans[0].scope_spans[0].spans
    assert (span.name, span.kind) == ("work", 3)
    assert {one.key: one.value.WhichOneof("value") for one in span.attributes} == {
        "a": "int_value",
        "b": "double_value",
        "c": "bool_value",
        "d": "string_value",
        "e": "string_value",
    }
    assert span.events[0].attributes[0].value.int_value == 2**40
    assert (span.status.code, span.status.message) == (2, "OSError: down")
    assert span.end_time_unix_nano >= span.start_time_unix_nano > 1_700_000_000 * 10**9
