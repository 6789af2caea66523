"""Starlette, with the kernel as its lifespan."""

from __future__ import annotations

import contextlib

from stand import break_pump, greeting, kernel, ready, requests
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def index(request):
    requests.inc()
    return PlainTextResponse(greeting.current.text)


async def readiness(request):
    return PlainTextResponse(*ready())


async def break_it(request):
    break_pump()
    return PlainTextResponse("broken")


ROUTES = [Route("/", index), Route("/ready", readiness), Route("/break", break_it, methods=["POST"])]

app = Starlette(routes=ROUTES, lifespan=kernel.lifespan)


@contextlib.asynccontextmanager
async def with_more(app):
    """A lifespan of the application's own around the kernel's; what it yields is Starlette's state."""
    async with kernel.lifespan(app):
        yield {"kernel": kernel}


app_with_state = Starlette(routes=ROUTES, lifespan=with_more)
