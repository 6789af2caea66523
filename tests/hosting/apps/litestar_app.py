"""Litestar, with the kernel among its lifespans."""

from __future__ import annotations

from litestar import Litestar, MediaType, Response, get, post
from stand import break_pump, greeting, kernel, ready, requests


@get("/", media_type=MediaType.TEXT)
async def index() -> str:
    requests.inc()
    return greeting.current.text


@get("/ready")
async def readiness() -> Response[str]:
    text, status = ready()
    return Response(text, status_code=status, media_type=MediaType.TEXT)


@post("/break", media_type=MediaType.TEXT)
async def break_it() -> str:
    break_pump()
    return "broken"


app = Litestar(route_handlers=[index, readiness, break_it], lifespan=[kernel.lifespan])
