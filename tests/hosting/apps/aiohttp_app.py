"""aiohttp, with the kernel as a clean-up context: ``python aiohttp_app.py PORT``."""

from __future__ import annotations

import sys

from aiohttp import web
from stand import break_pump, greeting, kernel, ready, requests

routes = web.RouteTableDef()


@routes.get("/")
async def index(request):
    requests.inc()
    return web.Response(text=greeting.current.text)


@routes.get("/ready")
async def readiness(request):
    text, status = ready()
    return web.Response(text=text, status=status)


@routes.post("/break")
async def break_it(request):
    break_pump()
    return web.Response(text="broken")


async def with_kernel(app):
    async with kernel.hosted():
        yield


if __name__ == "__main__":
    app = web.Application()
    app.add_routes(routes)
    app.cleanup_ctx.append(with_kernel)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, shutdown_timeout=2)
