"""The admin pages: what each path answers. Every page but the bare probes asks the guard first; orders are POSTs."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, request_response

from trivet_plugins.web import config_views
from trivet_plugins.web.config_orders import ORDERS, obey
from trivet_plugins.web.health_pages import PROBES, health, probe
from trivet_plugins.web.history_page import history
from trivet_plugins.web.index import index
from trivet_plugins.web.plugin_pages import PluginPages
from trivet_plugins.web.record import Records
from trivet_plugins.web.scrape import scrape
from trivet_plugins.web.trace_page import traces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from trivet import Kernel
    from trivet_plugins.web.guard import Guard, Refusal

    Page = Callable[[Kernel, Request], Response | Awaitable[Response]]

ROW_KEYS: Final = ("id", "kind", "plugin", "distribution", "version", "state", "replaces", "error")


def build(kernel: Kernel, guard: Guard) -> Starlette:
    """Return the pages of a kernel behind a guard."""
    guarded: dict[str, Page] = {
        "/": index,
        "/health": health,
        "/metrics": scrape,
        "/config": config_views.config,
        "/config/values": config_views.values,
        "/config/export": config_views.export,
        "/config/schema": config_views.schema,
        "/config/problems": config_views.problems,
        "/config/history": config_views.history,
        "/config/diff": config_views.diff,
        "/config/explain": config_views.explain,
        "/plugins": plugins,
        "/traces": traces,
        "/history": history,
    }
    records = Records(kernel)
    routes = [Route(path, functools.partial(_probe, kernel, guard, group)) for path, group in PROBES.items()]
    routes += [Route(path, functools.partial(_guarded, kernel, guard, records, page)) for path, page in guarded.items()]
    routes += [Route(path, functools.partial(_obey, kernel, guard, records, path), methods=["POST"]) for path in ORDERS]
    app = Starlette(routes=routes)
    # What none of these is may be a page of a plugin, which comes and goes with it.
    others = functools.partial(_plugin_page, guard, records, PluginPages(kernel, records))
    app.router.default = request_response(others)
    return app


async def _probe(kernel: Kernel, guard: Guard, group: str, request: Request) -> Response:
    return probe(kernel, group, request, trusted=_refusal(guard, request) is None)


async def _guarded(kernel: Kernel, guard: Guard, records: Records, page: Page, request: Request) -> Response:
    refusal = _refusal(guard, request)
    if refusal is None:
        answer = page(kernel, request)
        return answer if isinstance(answer, Response) else await answer
    if refusal.code == "wrong_token":  # without one, it is a probe or a browser that does not know better
        await records.refused(request, "authenticate", refusal.code)
    return _refused(refusal)


async def _plugin_page(guard: Guard, records: Records, pages: PluginPages, request: Request) -> Response:
    found = pages.find(request)
    if found is None:
        return PlainTextResponse("Not Found", 404)
    page, params = found
    if (refusal := _refusal(guard, request)) is None:
        return await pages.answer(page, params, request)
    if page.order is not None or refusal.code == "wrong_token":
        await records.refused(request, page.order or "authenticate", refusal.code)
    return _refused(refusal)


async def _obey(kernel: Kernel, guard: Guard, records: Records, path: str, request: Request) -> Response:
    refusal = _refusal(guard, request)
    if refusal is None:
        return await obey(kernel, records, request, path)
    await records.refused(request, ORDERS[path].name, refusal.code)
    return _refused(refusal)


def _refused(refusal: Refusal) -> Response:
    return PlainTextResponse(f"{refusal.reason}\n", refusal.status, dict(refusal.headers))


def _refusal(guard: Guard, request: Request) -> Refusal | None:
    return guard.refusal(request.headers, request.client)


def plugins(kernel: Kernel, request: Request) -> Response:
    """Answer ``/plugins``: the rows of ``trivet plugins --json``."""
    return JSONResponse([{key: getattr(row, key) for key in ROW_KEYS} for row in kernel.plugins()])
