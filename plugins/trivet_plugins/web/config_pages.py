"""The pages under ``/config``: the history, what differs, where a value came from; and the orders that change what is in force.

Orders are POSTs with a JSON object (`trivet_plugins.web.order`). Whoever gives one stands in the history, in the event
and in the log.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.responses import PlainTextResponse, Response

from trivet import ConfigError, TrivetError, UnknownPathError
from trivet.config.history import UnknownGenerationError
from trivet_plugins.web import config_rows as rows
from trivet_plugins.web.order import Order, OrderError, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from trivet import Kernel

    Action = Callable[[Kernel, Order], Awaitable[rows.Row]]


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body, default=str), status, media_type="application/json")


def _not_loaded(kernel: Kernel) -> Response | None:
    return None if kernel.config.generation else PlainTextResponse("the configuration is not loaded yet\n", 503)


# -- looking ------------------------------------------------------------------------------------------------------------


def history(kernel: Kernel, _request: Request) -> Response:
    """Answer ``/config/history``: the last generations, the oldest first; what is pinned; the overrides that count."""
    config = kernel.config
    return _not_loaded(kernel) or _json(
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

    def answer() -> object:
        before, after = _number(request, "from"), _number(request, "to") or kernel.config.generation
        if before is None:
            raise OrderError(400, "say which generations: ?from=3&to=5")
        found = [*map(rows.difference_row, kernel.config.diff(before, after))]
        return {"before": f"generation {before}", "after": f"generation {after}", "differences": found}

    return _not_loaded(kernel) or _looked_up(answer)


def explain(kernel: Kernel, request: Request) -> Response:
    """Answer ``/config/explain?path=database.url&at=3``: a value and where it came from. Without ``at``: the one in force."""

    def answer() -> object:
        path, at = request.query_params.get("path", ""), _number(request, "at")
        try:
            return rows.explanation_row(kernel.config.explain(path, at=at))
        except ValueError:
            raise OrderError(400, "that is no path; write it like ?path=database.hosts") from None

    return _not_loaded(kernel) or _looked_up(answer)


def _looked_up(answer: Callable[[], object]) -> Response:
    try:
        return _json(answer())
    except OrderError as exc:
        return PlainTextResponse(f"{exc}\n", exc.refusal.status)
    except (UnknownGenerationError, UnknownPathError) as exc:
        return PlainTextResponse(f"{exc}\n", 404)


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise OrderError(400, f"{name} is the number of a generation")
    return int(text)


# -- orders -------------------------------------------------------------------------------------------------------------


async def _reload(kernel: Kernel, order: Order) -> rows.Row:
    why = f": {order.reason}" if order.reason else ""
    return rows.outcome_row(await kernel.config.reload(f"reload by {order.actor}{why}", actor=order.actor))


async def _rollback(kernel: Kernel, order: Order) -> rows.Row:
    to = cast("int", order.fields["generation"])
    return rows.outcome_row(await kernel.config.rollback(to, actor=order.actor, reason=order.reason))


async def _pin(kernel: Kernel, order: Order) -> rows.Row:
    pin = await kernel.config.pin(actor=order.actor, reason=order.reason)
    return {"applied": True, "generation": pin.generation, "changed": [], "problems": []}


async def _unpin(kernel: Kernel, order: Order) -> rows.Row:
    return rows.outcome_row(await kernel.config.unpin(actor=order.actor, reason=order.reason))


async def _override(kernel: Kernel, order: Order) -> rows.Row:
    values, seconds = cast("dict[str, object]", order.fields["values"]), cast("Any", order.fields.get("expires_in"))
    before = kernel.config.generation
    try:
        made = await kernel.config.override(values, expires_in=seconds, actor=order.actor, reason=order.reason)
    except ConfigError as exc:
        problems = [str(problem) for problem in exc.problems]
        return {"applied": False, "generation": kernel.config.generation, "changed": [], "problems": problems}
    changed = list(kernel.config.snapshot.changed) if kernel.config.generation != before else []
    outcome = {"applied": True, "generation": kernel.config.generation, "changed": changed, "problems": []}
    return {**outcome, "override": rows.override_row(made)}


async def _remove(kernel: Kernel, order: Order) -> rows.Row:
    id_ = cast("int", order.fields["id"])
    return rows.outcome_row(await kernel.config.remove_override(id_, actor=order.actor, reason=order.reason))


ORDERS: Final[Mapping[str, tuple[Action, Mapping[str, type | tuple[type, ...]], frozenset[str]]]] = {
    "/config/reload": (_reload, {}, frozenset()),
    "/config/rollback": (_rollback, {"generation": int}, frozenset({"generation"})),
    "/config/pin": (_pin, {}, frozenset()),
    "/config/unpin": (_unpin, {}, frozenset()),
    "/config/override": (_override, {"values": dict, "expires_in": (int, float)}, frozenset({"values"})),
    "/config/override/remove": (_remove, {"id": int}, frozenset({"id"})),
}
"""Path to what is done, the fields that it takes, and those that it needs."""


async def obey(kernel: Kernel, request: Request, path: str) -> Response:
    """Answer a POST: 200 where what was asked for is in force, 409 where it was refused and nothing has changed."""
    action, allowed, needed = ORDERS[path]
    if (early := _not_loaded(kernel)) is not None:
        return early
    try:
        row = await action(kernel, await read(request, allowed, needed=needed))
    except OrderError as exc:
        return PlainTextResponse(f"{exc}\n", exc.refusal.status)
    except UnknownGenerationError as exc:
        return PlainTextResponse(f"{exc}\n", 404)
    except TrivetError:
        raise
    except ValueError as exc:
        return PlainTextResponse(f"{exc}\n", 400)
    return _json(row, 200 if row["applied"] else 409)
