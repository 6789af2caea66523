"""The orders under ``/config``, which change what is in force: reload, roll back, pin, override.

Orders are POSTs with a JSON object (`trivet_plugins.web.order`). Whoever gives one stands in the history, in the event
and in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import attrs
from starlette.responses import PlainTextResponse, Response

from trivet import AuditError, ConfigError, TrivetError
from trivet.config.history import UnknownGenerationError
from trivet_plugins.web import config_rows as rows
from trivet_plugins.web.config_views import json_page, not_loaded
from trivet_plugins.web.order import Order, OrderError, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from trivet import Kernel
    from trivet.config.row import Row
    from trivet_plugins.web.record import Records

    Action = Callable[[Kernel, Order], Awaitable[Row]]


async def _reload(kernel: Kernel, order: Order) -> Row:
    why = f": {order.reason}" if order.reason else ""
    return rows.outcome_row(await kernel.config.reload(f"reload by {order.actor}{why}", actor=order.actor))


async def _rollback(kernel: Kernel, order: Order) -> Row:
    to = cast("int", order.fields["generation"])
    return rows.outcome_row(await kernel.config.rollback(to, actor=order.actor, reason=order.reason))


async def _pin(kernel: Kernel, order: Order) -> Row:
    pin = await kernel.config.pin(actor=order.actor, reason=order.reason)
    return {"applied": True, "generation": pin.generation, "changed": [], "problems": []}


async def _unpin(kernel: Kernel, order: Order) -> Row:
    return rows.outcome_row(await kernel.config.unpin(actor=order.actor, reason=order.reason))


async def _override(kernel: Kernel, order: Order) -> Row:
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


async def _remove(kernel: Kernel, order: Order) -> Row:
    id_ = cast("int", order.fields["id"])
    return rows.outcome_row(await kernel.config.remove_override(id_, actor=order.actor, reason=order.reason))


@attrs.frozen
class Kind:
    """A kind of order.

    Args:
        name: In the audit log.
        action: What is done.
        takes: The fields that it takes, with their types.
        needs: Those that it needs.
    """

    name: str
    action: Action
    takes: Mapping[str, type | tuple[type, ...]] = attrs.field(factory=dict)
    needs: frozenset[str] = frozenset()


ORDERS: Final[Mapping[str, Kind]] = {
    "/config/reload": Kind("reload_config", _reload),
    "/config/rollback": Kind("rollback_config", _rollback, {"generation": int}, frozenset({"generation"})),
    "/config/pin": Kind("pin_config", _pin),
    "/config/unpin": Kind("unpin_config", _unpin),
    "/config/override": Kind(
        "override_config", _override, {"values": dict, "expires_in": (int, float)}, frozenset({"values"})
    ),
    "/config/override/remove": Kind("remove_override", _remove, {"id": int}, frozenset({"id"})),
}
"""Path to kind."""


async def obey(kernel: Kernel, records: Records, request: Request, path: str) -> Response:
    """Answer a POST: 200 where what was asked for is in force, 409 where it was refused and nothing has changed."""
    kind = ORDERS[path]
    if (early := not_loaded(kernel)) is not None:
        return early
    try:
        order = await read(request, kind.takes, needed=kind.needs)
        async with records.carried_out(request, kind.name, order) as operation:
            row = await kind.action(kernel, order)
            if not row["applied"]:
                operation.fail("rejected")
    except OrderError as exc:
        await records.refused(request, kind.name, exc.refusal.code)
        return PlainTextResponse(f"{exc}\n", exc.refusal.status)
    except AuditError as exc:
        return PlainTextResponse(f"{exc}\n", 503)
    except UnknownGenerationError as exc:
        return PlainTextResponse(f"{exc}\n", 404)
    except TrivetError:
        raise
    except ValueError as exc:
        return PlainTextResponse(f"{exc}\n", 400)
    return json_page(row, 200 if row["applied"] else 409)
