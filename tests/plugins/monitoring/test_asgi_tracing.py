"""Each request of a real application is a span below that of its caller; the application's own spans are below it."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar, get
from litestar.params import FromPath
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from trivet.metrics.registry import Metrics
from trivet.tracing.registry import Tracing
from trivet_plugins.monitoring.asgi import MetricsMiddleware
from trivet_plugins.monitoring.memory_tracer import MemoryTracer

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "tracestate": "vendor=opaque"}


@pytest.fixture
def tracer():
    return MemoryTracer()


@pytest.fixture
def tracing(tracer):
    tracing = Tracing()
    tracing.use("memory", tracer)
    return tracing


@pytest.fixture
def metrics(tracing):
    metrics = Metrics()
    metrics.take_exemplars(lambda: {"trace_id": tracing.current().trace_id} if tracing.current() else None)
    return metrics


def fastapi_app(metrics, tracing):
    app = FastAPI()
    app.add_middleware(MetricsMiddleware, metrics=metrics, tracing=tracing)

    @app.get("/orders/{number}")
    async def order(number: int):
        with tracing.span("query"):
            return {"number": number}

    @app.get("/teapot")
    async def teapot():
        return PlainTextResponse("no coffee", 503)

    return app


def starlette_app(metrics, tracing):
    async def order(request):
        with tracing.span("query"):
            return PlainTextResponse(request.path_params["number"])

    async def teapot(request):
        return PlainTextResponse("no coffee", 503)

    app = Starlette(routes=[Route("/orders/{number}", order), Route("/teapot", teapot)])
    app.add_middleware(MetricsMiddleware, metrics=metrics, tracing=tracing)
    return app


def litestar_app(metrics, tracing):
    @get("/orders/{number:int}")
    async def order(number: FromPath[int]) -> dict[str, int]:
        with tracing.span("query"):
            return {"number": number}

    @get("/teapot", status_code=503)
    async def teapot() -> str:
        return "no coffee"

    return MetricsMiddleware(Litestar([order, teapot]), metrics=metrics, tracing=tracing)


@pytest.fixture(params=[fastapi_app, starlette_app, litestar_app], ids=["FastAPI", "Starlette", "Litestar"])
def client(request, metrics, tracing, anyio_backend_name):
    if request.param is litestar_app and anyio_backend_name == "trio":
        pytest.skip("Litestar is an asyncio framework")
    transport = httpx.ASGITransport(request.param(metrics, tracing), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://orders")


async def test_a_request_goes_on_in_the_trace_of_its_caller(client, tracer):
    """The span has the route's template as name, the path as attribute, and the caller's span as parent."""
    async with client:
        assert (await client.get("/orders/7?card=4711", headers=CALLER)).status_code == 200
    spans = {record.name.split(":")[0].rstrip("}"): record for record in tracer.spans(trace_id=TRACE)}
    request, query = spans["GET /orders/{number"], spans["query"]
    assert (request.kind, request.parent_id) == ("server", "b7ad6b7169203331")
    assert query.parent_id == request.span_id
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["url.path"] == "/orders/7"
    assert "4711" not in repr(request)


async def test_an_answer_from_500_on_is_a_failure(client, tracer):
    """So it is kept among the notable ones; a wrong address is the client's mistake."""
    async with client:
        assert (await client.get("/teapot")).status_code == 503
        assert (await client.get("/nowhere")).status_code == 404
    notable = tracer.spans(notable=True)
    assert [(record.name, record.error) for record in notable] == [("GET /teapot", "503")]
    assert {record.name for record in tracer.spans()} == {"GET /teapot", "GET"}


async def test_the_duration_of_a_request_leads_to_its_trace(client, metrics):
    async with client:
        await client.get("/orders/7", headers=CALLER)
    (cell,) = [
        cell for cell in metrics.get("http_server_request_duration_seconds").cells() if cell.labels[1] != "<unmatched>"
    ]
    (exemplar,) = cell.exemplars.values()
    assert dict(zip(exemplar.names, exemplar.values, strict=True)) == {"trace_id": TRACE}


async def test_a_header_of_a_stranger_is_no_error(client, tracer):
    async with client:
        answer = await client.get("/orders/7", headers={"traceparent": b"\xff-nonsense", "tracestate": b"\xff"})
    assert answer.status_code == 200
    assert len(tracer.spans()) == 2
