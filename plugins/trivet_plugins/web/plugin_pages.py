"""`PluginPages`: the pages that plugins bring, found when they are asked for: an application is built before they run."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from starlette.datastructures import QueryParams
from starlette.responses import PlainTextResponse, Response
from starlette.routing import compile_path

from trivet import AdminRequest, AuditError
from trivet_plugins.web.guard import client_host
from trivet_plugins.web.order import OrderError, read, read_form

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

    from trivet import AdminAnswer, AdminPage, Kernel
    from trivet_plugins.web.record import Records

_FAILED: Final = 400


class PluginPages:
    """Finds and answers the pages of plugins.

    Args:
        kernel: Whose plugins.
        records: Where orders are written down.
    """

    def __init__(self, kernel: Kernel, records: Records) -> None:
        self._kernel = kernel
        self._records = records

    def all(self) -> Iterator[AdminPage]:
        """Yield the pages that are there now."""
        return all_pages(self._kernel)

    def find(self, request: Request) -> tuple[AdminPage, Mapping[str, str]] | None:
        """Return the page for a path, and what its braces stand for; None where there is none."""
        path = _path(request)
        for page in self.all():
            if (found := _pattern(page.path).match(path)) is not None:
                return page, found.groupdict()
        return None

    async def answer(self, page: AdminPage, params: Mapping[str, str], request: Request) -> Response:
        """Ask a page. The guard has let the request through."""
        allowed = _methods(page)
        if request.method not in allowed:
            return PlainTextResponse("Method Not Allowed", 405, {"allow": ", ".join(allowed)})
        try:
            if page.order is not None:
                return await self._obey(page, page.order, params, request)
            form = await read_form(request) if request.method == "POST" else ()
        except OrderError as exc:
            if page.order is not None:
                await self._records.refused(request, page.order, exc.refusal.code)
            return PlainTextResponse(f"{exc}\n", exc.refusal.status)
        except AuditError as exc:
            return PlainTextResponse(f"{exc}\n", 503)
        query = (*form, *QueryParams(request.scope["query_string"]).multi_items())
        actor = client_host(request.client) or "a unix socket"
        asked = AdminRequest(
            method="GET" if request.method == "HEAD" else request.method,
            path=_path(request),
            params=params,
            query=query,
            headers=dict(request.headers),
            actor=actor,
        )
        return _response(await page.answer(asked))

    async def _obey(self, page: AdminPage, name: str, params: Mapping[str, str], request: Request) -> Response:
        order = await read(request, page.takes, needed=frozenset(page.needs))
        asked = AdminRequest(
            method=request.method,
            path=_path(request),
            params=params,
            query=tuple(request.query_params.multi_items()),
            headers=dict(request.headers),
            fields=order.fields,
            actor=order.actor,
            reason=order.reason,
        )
        async with self._records.carried_out(request, name, order) as operation:
            answer = await page.answer(asked)
            if answer.status >= _FAILED:
                operation.fail("rejected")
        return _response(answer)


def all_pages(kernel: Kernel) -> Iterator[AdminPage]:
    """Yield the pages that the running plugins bring, by the names of their providers."""
    for _name, pages in sorted(kernel.provided("admin_pages").items()):
        yield from pages.pages()


def _path(request: Request) -> str:
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


@lru_cache(maxsize=1_000)
def _pattern(path: str) -> re.Pattern[str]:
    return compile_path(path)[0]


def _methods(page: AdminPage) -> tuple[str, ...]:
    if page.order is not None:
        return ("POST",)
    return ("GET", "HEAD", "POST") if page.form else ("GET", "HEAD")


def _response(answer: AdminAnswer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers), answer.content_type)
