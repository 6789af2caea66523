"""The health pages: bare probes for Kubernetes, and every check with its last result for people and programs.

``?exclude=database`` leaves a check out, as often as given. ``/health`` also takes ``?group=ready``, ``?tag=storage`` and
``?refresh=1``, which runs the checks first. ``Accept`` chooses ``application/health+json``, ``application/json`` or
``text/plain``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, PlainTextResponse, Response

from trivet.health.rendering import MEDIA_TYPE
from trivet_plugins.web.accept import best_match

if TYPE_CHECKING:
    from starlette.requests import Request

    from trivet import Kernel, Report

PROBES: Final = {"/livez": "live", "/readyz": "ready", "/startupz": "startup"}
_PLAIN_JSON: Final = "application/json"
_TEXT: Final = "text/plain"


def probe(kernel: Kernel, group: str, request: Request, *, trusted: bool) -> Response:
    """Answer a Kubernetes probe with one word; with details for those whom the guard lets see them."""
    excluded = request.query_params.getlist("exclude")
    report = kernel.health.report(group)
    unknown = set(excluded) - {result.name for result in report.results}
    report = report.without(excluded)
    ok = report.ok and (group == "live" or kernel.state == "running")
    text = "ok\n" if ok else "failed\n"
    if trusted and "verbose" in request.query_params:
        text = f"kernel {kernel.state}\n{_left_out(unknown)}{report.to_text(verbose=True, details=True)}"
    return PlainTextResponse(text, 200 if ok else 503)


def _left_out(unknown: set[str]) -> str:
    return "".join(f"warn: no check {name!r} to exclude\n" for name in sorted(unknown))


async def health(kernel: Kernel, request: Request) -> Response:
    """Answer ``/health``: the checks with their last results; 503 where one fails."""
    query = request.query_params
    group = query.get("group")
    if group is not None and group not in kernel.health.groups:
        known = ", ".join(sorted(kernel.health.groups))
        return PlainTextResponse(f"no health group {group!r}; there are: {known}\n", 404)
    refresh = query.get("refresh", "0") not in ("0", "")
    report = await kernel.health.refresh(group) if refresh else kernel.health.report(group)
    report = report.without(query.getlist("exclude"))
    tag = query.get("tag")
    return _written(kernel, report if tag is None else report.tagged(tag), request.headers.get("accept", ""))


def _written(kernel: Kernel, report: Report, accept: str) -> Response:
    form = best_match(accept, [MEDIA_TYPE, _PLAIN_JSON, _TEXT])
    if form == _TEXT:
        return PlainTextResponse(report.to_text(verbose=True, details=True), report.http_status)
    if form == _PLAIN_JSON:
        return JSONResponse(report.to_plain_json(service=kernel.name), report.http_status)
    return JSONResponse(report.to_json(service=kernel.name), report.http_status, media_type=MEDIA_TYPE)
