"""Measure the requests of an ASGI application: FastAPI, Starlette, Litestar, or any other.

It is no plugin: put it around the application, or into its stack::

    app = FastAPI(lifespan=kernel.lifespan)
    app.add_middleware(MetricsMiddleware, metrics=kernel.metrics, tracing=kernel.tracing)

    app = MetricsMiddleware(
        Litestar(...), metrics=kernel.metrics
    )  # Litestar's own stack sees no request that no route answers

The names are those of OpenTelemetry (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/), where it has one:

- ``http_server_request_duration_seconds`` to the last byte, by ``http_request_method``, ``http_route`` (the template),
  ``http_response_status_code`` and ``error_type`` (the exception, or the status from 500 on; else empty)
- ``http_server_time_to_first_byte_seconds``, ``http_server_request_body_size_bytes``, ``http_server_response_body_size_bytes``,
  ``http_server_client_disconnects_total`` before the last byte, by method and route
- ``http_server_active_requests`` by method
- ``websocket_server_active_connections``, ``websocket_server_connection_duration_seconds`` by route and ``error_type``

With ``tracing`` each request is a span, ``GET /orders/{number}``, below that of its ``traceparent``; exemplars lead there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from trivet.tracing.propagation import TRACEPARENT, TRACESTATE
from trivet.tracing.registry import Tracing
from trivet_plugins.monitoring.routes import UNMATCHED, Routes, Scope

if TYPE_CHECKING:
    from trivet.metrics.registry import Metrics
    from trivet.tracing.block import OffBlock, SpanBlock

Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
SIZES: Final = tuple(float(4**power) for power in range(3, 14))
"""Bounds of body sizes: 64 bytes to 64 MiB."""

_BY_ROUTE: Final = ("http_request_method", "http_route")


class RequestMetrics:
    """The metrics of a middleware.

    Args:
        metrics: Where they are made.
    """

    def __init__(self, metrics: Metrics) -> None:
        histogram, gauge = metrics.histogram, metrics.gauge
        self.duration: Final = histogram(
            "http_server_request_duration",
            "Duration of HTTP requests, to the last byte.",
            labels=(*_BY_ROUTE, "http_response_status_code", "error_type"),
            unit="seconds",
        )
        self.first_byte: Final = histogram(
            "http_server_time_to_first_byte", "Time to the start of the answer.", labels=_BY_ROUTE, unit="seconds"
        )
        self.received: Final = histogram(
            "http_server_request_body_size", "Body of requests.", labels=_BY_ROUTE, buckets=SIZES, unit="bytes"
        )
        self.sent: Final = histogram(
            "http_server_response_body_size", "Body of answers.", labels=_BY_ROUTE, buckets=SIZES, unit="bytes"
        )
        self.disconnects: Final = metrics.counter(
            "http_server_client_disconnects", "Clients that left before the last byte.", labels=_BY_ROUTE
        )
        self.active: Final = gauge("http_server_active_requests", "Requests running now.", labels=_BY_ROUTE[:1])
        self.connections: Final = gauge("websocket_server_active_connections", "WebSockets open now.")
        self.connected: Final = histogram(
            "websocket_server_connection_duration",
            "How long WebSockets were open.",
            labels=("http_route", "error_type"),
            unit="seconds",
        )


class MetricsMiddleware:
    """Measures every request of an application. The kernel need not run.

    Args:
        app: The application, or what is next in its stack.
        metrics: ``kernel.metrics``.
        tracing: ``kernel.tracing``; None: requests are no spans.
    """

    def __init__(self, app: Application, *, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self.app = app
        self._tracing = tracing or Tracing()
        self._metrics = RequestMetrics(metrics)
        self._routes = Routes(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "http":
            parent = self._tracing.extract(_trace_headers(scope))
            with self._tracing.span(scope["method"], kind="server", parent=parent) as span:
                await _Exchange(self._metrics, self._routes, scope, span).run(self.app, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        before, begun, error = dict(scope), perf_counter(), ""
        self._metrics.connections.inc()
        try:
            await self.app(scope, receive, send)
        except BaseException as exc:
            error = type(exc).__name__
            raise
        finally:
            self._metrics.connections.dec()
            route = self._routes.template(scope, before)
            self._metrics.connected[route, error].observe(perf_counter() - begun)


def _trace_headers(scope: Scope) -> dict[str, str]:
    wanted = (TRACEPARENT, TRACESTATE)
    found = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope.get("headers", ()))
    return {name: value for name, value in found if name in wanted}


class _Exchange:
    """One request and its answer."""

    def __init__(self, metrics: RequestMetrics, routes: Routes, scope: Scope, span: SpanBlock | OffBlock) -> None:
        self._metrics = metrics
        self._span = span
        self._routes = routes
        self._scope = scope
        self._before = dict(scope)
        self._method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        self._begun = perf_counter()
        self._first: float | None = None
        self._last: float | None = None
        self._status = 0
        self._received = self._sent = 0
        self._left = False

    async def run(self, app: Application, receive: Receive, send: Send) -> None:
        """Answer, and measure that."""

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                self._received += len(message.get("body", b""))
            elif message["type"] == "http.disconnect" and self._last is None:
                self._left = True
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._first, self._status = perf_counter(), message["status"]
            elif message["type"] == "http.response.body":
                self._sent += len(message.get("body", b""))
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._last = perf_counter()

        active = self._metrics.active[self._method,]
        active.inc()
        error = ""
        try:
            await app(self._scope, received, sent)
        except BaseException as exc:
            error = type(exc).__name__
            raise
        finally:
            active.dec()
            self._record(error)

    def _record(self, error: str) -> None:
        end, metrics, method = self._last or perf_counter(), self._metrics, self._method
        route = self._routes.template(self._scope, self._before)
        status = str(self._status or (500 if error else 0))  # what an exception becomes further out
        if not error and self._status >= 500:
            error = status
        self._describe(route, error)
        metrics.duration[method, route, status, error].observe(end - self._begun)
        if self._first is not None:
            metrics.first_byte[method, route].observe(self._first - self._begun)
        metrics.received[method, route].observe(self._received)
        metrics.sent[method, route].observe(self._sent)
        if self._left:
            metrics.disconnects[method, route].inc()

    def _describe(self, route: str, error: str) -> None:
        """Say in the span what is known now, by OpenTelemetry's names."""
        span = self._span
        span.rename(self._method if route == UNMATCHED else f"{self._method} {route}")
        span.set("http.request.method", self._method)
        span.set("http.route", route)
        span.set("url.path", self._before.get("path", ""))
        if self._status:
            span.set("http.response.status_code", self._status)
        if error:
            span.set("error.type", error)
