"""Real applications of FastAPI, Starlette and Litestar under a real server, and under load from many connections."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import anyio
import anyio.lowlevel
import httpx
import litestar
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI, WebSocket
from litestar.params import FromPath
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.asgi import MetricsMiddleware

pytestmark = pytest.mark.timeout(120)


async def order(number: int):
    await anyio.lowlevel.checkpoint()
    return {"number": number}


async def broken():
    raise ValueError("boom")


def fastapi_app(metrics, tmp_path):
    app, router, sub = FastAPI(), APIRouter(prefix="/api"), FastAPI()
    router.get("/orders/{number}")(order)
    sub.get("/orders/{number}")(order)
    app.include_router(router)
    app.get("/broken")(broken)
    app.mount("/shops/{shop}/v1", sub)
    app.mount("/static", StaticFiles(directory=tmp_path))

    @app.websocket("/ws/{name}")
    async def chat(websocket: WebSocket, name: str):
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text() + name)
        await websocket.close()

    app.add_middleware(MetricsMiddleware, metrics=metrics)
    return app


def starlette_app(metrics, tmp_path):
    async def answer(request):
        body = await request.body()
        return PlainTextResponse(body or b"x" * int(request.path_params["number"]))

    async def fail(request):
        raise ValueError("boom")

    async def stream(request):
        async def parts():
            for _ in range(3):
                yield b"x" * 100
                await anyio.sleep(0.1)

        return StreamingResponse(parts())

    async def endless(request):
        async def parts():
            while True:
                yield b"x" * 1000
                await anyio.sleep(0.01)

        return StreamingResponse(parts())

    orders = Route("/orders/{number:int}", answer, methods=["GET", "POST"])
    app = Starlette(
        routes=[
            Mount("/api", routes=[orders]),
            Mount("/shops/{shop}", routes=[Mount("/v1", routes=[orders])]),
            Mount("/static", StaticFiles(directory=tmp_path)),
            Route("/broken", fail),
            Route("/stream", stream),
            Route("/endless", endless),
        ]
    )
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    return app


def litestar_app(metrics, tmp_path):
    @litestar.get("/api/orders/{number:int}", sync_to_thread=False)
    def answer(number: FromPath[int]) -> dict[str, int]:
        return {"number": number}

    @litestar.get("/broken", sync_to_thread=False)
    def fail() -> None:
        raise ValueError("boom")

    return MetricsMiddleware(litestar.Litestar([answer, fail]), metrics=metrics)


@contextlib.contextmanager
def served(app):
    """Serve an application with uvicorn in a thread; gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def counts(metrics, name="http_server_request_duration_seconds"):
    return {cell.labels: cell.cumulated()[-1] for cell in metrics.get(name).cells() if cell.cumulated()[-1]}


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def metrics():
    return Metrics()


TEMPLATES = {
    fastapi_app: "/api/orders/{number}",
    starlette_app: "/api/orders/{number:int}",
    litestar_app: "/api/orders/{number}",
}


@pytest.mark.parametrize("make", TEMPLATES, ids=lambda make: make.__name__)
def test_routes_are_told_apart_by_their_templates_under_load(metrics, tmp_path, make):
    """From eight connections at once: every request is counted once, whatever its path."""
    each, clients = 60, 8
    with served(make(metrics, tmp_path)) as url:

        def load():
            with httpx.Client(base_url=url, timeout=30) as client:
                for number in range(each):
                    assert client.get(f"/api/orders/{number}").status_code == 200
                    assert client.get(f"/secret-{number}").status_code == 404
                assert client.get("/broken").status_code == 500

        threads = [threading.Thread(target=load) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: sum(counts(metrics).values()) == clients * (2 * each + 1))
    error = "500" if make is litestar_app else "ValueError"
    assert counts(metrics) == {
        ("GET", TEMPLATES[make], "200", ""): each * clients,
        ("GET", "<unmatched>", "404", ""): each * clients,
        ("GET", "/broken", "500", error): clients,
    }
    assert metrics.get("http_server_active_requests")["GET",].value == 0
    assert counts(metrics, "http_server_time_to_first_byte_seconds")["GET", TEMPLATES[make]] == each * clients


@pytest.mark.parametrize("make", [fastapi_app, starlette_app], ids=lambda make: make.__name__)
def test_mounted_applications_keep_their_prefix_as_a_template(metrics, tmp_path, make):
    (tmp_path / "a.css").write_text("a")
    with served(make(metrics, tmp_path)) as url, httpx.Client(base_url=url) as client:
        for shop in ("a", "b"):
            assert client.get(f"/shops/{shop}/v1/orders/7").status_code == 200
            assert client.get(f"/shops/{shop}/v1/nothing").status_code == 404
        assert client.get("/static/a.css").status_code == 200
        assert client.post("/api/orders/1" if make is fastapi_app else "/broken").status_code == 405
        assert client.request("BREW", "/nothing").status_code == 404
        until(lambda: sum(counts(metrics).values()) == 7)
    leaf = TEMPLATES[make].removeprefix("/api")
    found = counts(metrics)
    assert found["GET", f"/shops/{{shop}}/v1{leaf}", "200", ""] == 2
    assert found["GET", "<unmatched>", "404", ""] == 2
    assert found["GET", "/static/*", "200", ""] == 1
    assert found["_OTHER", "<unmatched>", "404", ""] == 1
    assert found["POST", TEMPLATES[make] if make is fastapi_app else "/broken", "405", ""] == 1


def test_sizes_and_times_are_of_the_bodies(metrics, tmp_path):
    """The duration ends with the last byte, the first byte comes long before."""
    with served(starlette_app(metrics, tmp_path)) as url, httpx.Client(base_url=url) as client:
        assert len(client.post("/api/orders/1", content=b"y" * 5000).content) == 5000
        assert len(client.get("/stream").content) == 300
        until(lambda: sum(counts(metrics).values()) == 2)
    route = TEMPLATES[starlette_app]
    assert metrics.get("http_server_request_body_size_bytes")["POST", route].sum == 5000
    assert metrics.get("http_server_response_body_size_bytes")["POST", route].sum == 5000
    assert metrics.get("http_server_response_body_size_bytes")["GET", "/stream"].sum == 300
    whole = metrics.get("http_server_request_duration_seconds")["GET", "/stream", "200", ""].sum
    first = metrics.get("http_server_time_to_first_byte_seconds")["GET", "/stream"].sum
    assert whole >= 0.28
    assert first <= whole - 0.2


def test_a_client_that_leaves_is_counted(metrics, tmp_path):
    with served(starlette_app(metrics, tmp_path)) as url:
        with httpx.Client(base_url=url) as client, client.stream("GET", "/endless") as response:
            parts = response.iter_raw()
            next(parts)
            assert metrics.get("http_server_active_requests")["GET",].value == 1
        until(lambda: metrics.get("http_server_client_disconnects_total")["GET", "/endless"].value == 1)
    assert metrics.get("http_server_active_requests")["GET",].value == 0


async def test_a_websocket_is_measured_from_end_to_end(metrics, tmp_path):
    """Spoken to as a server speaks ASGI."""
    app = fastapi_app(metrics, tmp_path)
    incoming = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hi "}]
    sent = []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        sent.append(message)
        assert metrics.get("websocket_server_active_connections")[()].value == 1

    scope = {"type": "websocket", "path": "/ws/ann", "headers": [], "query_string": b"", "subprotocols": []}
    await app(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert counts(metrics, "websocket_server_connection_duration_seconds") == {("/ws/{name}", ""): 1}
    assert metrics.get("websocket_server_active_connections")[()].value == 0


async def test_lifespan_and_cancellation_pass_through(metrics):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])
        if scope["type"] == "http":
            await anyio.sleep_forever()

    middleware = MetricsMiddleware(app, metrics=metrics)
    await middleware({"type": "lifespan"}, None, None)
    with anyio.move_on_after(0.05):
        await middleware({"type": "http", "method": "GET", "path": "/"}, None, None)
    assert seen == ["lifespan", "http"]
    ((method, route, status, error),) = counts(metrics)
    assert (method, route, status) == ("GET", "<unmatched>", "500")
    assert error.startswith("Cancelled")
