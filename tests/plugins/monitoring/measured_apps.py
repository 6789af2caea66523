"""FastAPI, Starlette and Litestar applications with the middleware, for a server in a process of its own.

``measured_apps:fastapi`` is one. Each shows its metrics under ``/metrics``, outside of the middleware.
"""

from __future__ import annotations

import litestar as framework
from fastapi import FastAPI
from litestar.params import FromPath
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.asgi import MetricsMiddleware
from trivet_plugins.monitoring.prometheus import PrometheusText

metrics = Metrics()


def shown(app):
    """Answer ``/metrics`` beside an application."""

    async def answer(scope, receive, send):
        if scope["type"] == "http" and scope["path"] == "/metrics":
            text = b"".join(PrometheusText().encode(metrics.families()))
            await PlainTextResponse(text)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return answer


_fastapi = FastAPI()
_fastapi.add_middleware(MetricsMiddleware, metrics=metrics)


@_fastapi.get("/orders/{number}")
async def order(number: int):
    """Answer with the number."""
    return {"number": number}


async def _starlette_order(request: Request):
    return JSONResponse({"number": int(request.path_params["number"])})


@framework.get("/orders/{number:int}")
async def _litestar_order(number: FromPath[int]) -> dict[str, int]:
    return {"number": number}


_starlette = Starlette(routes=[Route("/orders/{number:int}", _starlette_order)])
_starlette.add_middleware(MetricsMiddleware, metrics=metrics)

fastapi = shown(_fastapi)
starlette = shown(_starlette)
litestar = shown(MetricsMiddleware(framework.Litestar([_litestar_order]), metrics=metrics))
