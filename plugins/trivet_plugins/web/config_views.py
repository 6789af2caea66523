"""The pages under ``/config`` that only tell: values, documents, the schema, the history, what keeps a reload out.

All secrets are masked, in every one of them; no parameter changes that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from trivet import UnknownPathError
from trivet.config.history import UnknownGenerationError
from trivet.config.row import difference_row, explanation_row, leaf_row, problem_row
from trivet.config.writing import ExportError
from trivet_plugins.web import config_rows as rows
from trivet_plugins.web.order import OrderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from trivet import Kernel
    from trivet.config.showing import Showing


def json_page(body: object, status: int = 200) -> Response:
    """Answer with JSON; what JSON has no form for becomes text."""
    return Response(json.dumps(body, default=str), status, media_type="application/json")


def not_loaded(kernel: Kernel) -> Response | None:
    """Return the answer of a kernel that has no configuration yet; None where it has one."""
    return None if kernel.config.generation else PlainTextResponse("the configuration is not loaded yet\n", 503)


def config(kernel: Kernel, request: Request) -> Response:
    """Answer ``/config``: what is in force, and why the last reload was rejected if it was. ``?at=3``: as it was then."""

    def answer() -> Response:
        view = _at(kernel, request)
        body = {
            "kernel": kernel.name,
            "generation": view.snapshot.generation,
            "fingerprint": view.snapshot.fingerprint,
            "problems": [str(problem) for problem in kernel.config.problems],
            "config": view.show(),
        }
        return json_page(body)

    return not_loaded(kernel) or _answered(answer)


def values(kernel: Kernel, request: Request) -> Response:
    """Answer ``/config/values?at=3``: every value with its path and origin."""
    return not_loaded(kernel) or _answered(
        lambda: json_page({"kernel": kernel.name, "values": [*map(leaf_row, _at(kernel, request).leaves())]})
    )


def export(kernel: Kernel, request: Request) -> Response:
    """Answer ``/config/export?format=yaml&origins=1&at=3``: the document that ``trivet config export`` writes."""

    def answer() -> Response:
        name = request.query_params.get("format", "toml")
        text = _at(kernel, request).export(name, origins=_switch(request, "origins"))
        return PlainTextResponse(text)

    return not_loaded(kernel) or _answered(answer)


def schema(kernel: Kernel, request: Request) -> Response:
    """Answer ``/config/schema?partial=1``: the JSON Schema of all sections, those of plugins too."""
    return _answered(lambda: json_page(kernel.config.schema(partial=_switch(request, "partial"))))


def problems(kernel: Kernel, _request: Request) -> Response:
    """Answer ``/config/problems``: what keeps out what the sources say now; empty while that is in force."""
    config = kernel.config
    body = {
        "kernel": kernel.name,
        "generation": config.generation,
        "pinned": rows.pin_row(config.pinned),
        "problems": [*map(problem_row, config.problems)],
    }
    return not_loaded(kernel) or json_page(body)


def history(kernel: Kernel, _request: Request) -> Response:
    """Answer ``/config/history``: the last generations, the oldest first; what is pinned; the overrides that count."""
    config = kernel.config
    return not_loaded(kernel) or json_page(
        {
            "kernel": kernel.name,
            "generation": config.generation,
            "pinned": rows.pin_row(config.pinned),
            "overrides": [*map(rows.override_row, config.overrides())],
            "history": [*map(rows.snapshot_row, config.history())],
        }
    )


def diff(kernel: Kernel, request: Request) -> Response:
    """Answer ``/config/diff?from=3&to=5``: what two generations do not share. Without ``to``: the one in force."""

    def answer() -> Response:
        before, after = _number(request, "from"), _number(request, "to") or kernel.config.generation
        if before is None:
            raise OrderError(400, "say which generations: ?from=3&to=5")
        found = [*map(difference_row, kernel.config.diff(before, after))]
        return json_page({"before": f"generation {before}", "after": f"generation {after}", "differences": found})

    return not_loaded(kernel) or _answered(answer)


def explain(kernel: Kernel, request: Request) -> Response:
    """Answer ``/config/explain?path=database.url&at=3``: a value and where it came from. Without ``at``: the one in force."""

    def answer() -> Response:
        path, at = request.query_params.get("path", ""), _number(request, "at")
        try:
            return json_page(explanation_row(kernel.config.explain(path, at=at)))
        except ValueError:
            raise OrderError(400, "that is no path; write it like ?path=database.hosts") from None

    return not_loaded(kernel) or _answered(answer)


def _answered(answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except OrderError as exc:
        return PlainTextResponse(f"{exc}\n", exc.refusal.status)
    except (UnknownGenerationError, UnknownPathError) as exc:
        return PlainTextResponse(f"{exc}\n", 404)
    except ExportError as exc:
        return PlainTextResponse(f"{exc}\n", 400)


def _at(kernel: Kernel, request: Request) -> Showing:
    at = _number(request, "at")
    return kernel.config if at is None else kernel.config.at(at)


def _switch(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "0")
    if text not in ("0", "1", ""):
        raise OrderError(400, f"{name} is 0 or 1")
    return text != "0"


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise OrderError(400, f"{name} is the number of a generation")
    return int(text)
