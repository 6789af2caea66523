"""`Records`: what goes into the audit log of requests to the admin pages.

Every order that is carried out, or tried, is in it. So are orders that are refused and wrong tokens, but of these no more per
client and minute than a `Throttle` lets through: whoever may not give orders may not fill the disk either.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from trivet import AuditError, acting_as
from trivet_plugins.web.guard import client_host
from trivet_plugins.web.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from trivet import Kernel, Operation
    from trivet_plugins.web.order import Order
_REFUSALS: Final = 60
"""Refusals of one client that are recorded in a minute."""


class Records:
    """Records requests as security operations.

    Args:
        kernel: Whose audit log.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._refusals = Throttle(_REFUSALS)

    async def refused(self, request: Request, name: str, code: str) -> None:
        """Record that a request was refused.

        Args:
            request: The request.
            name: What it asked for, e.g. ``reload_config``.
            code: Why not.
        """
        client = client_host(request.client)
        if not self._refusals.take(client):
            return
        actor = f"http:{client or 'unix'}"
        with contextlib.suppress(AuditError):  # what is refused is refused, whether or not that can be written down
            async with self._kernel.ciphers.operation(name, f"admin {request.url.path}", actor=actor) as operation:
                operation.fail(code)

    @contextlib.asynccontextmanager
    async def carried_out(self, request: Request, name: str, order: Order) -> AsyncIterator[Operation]:
        """Record an order; what is done in the block is laid to who gave it."""
        actor = f"http:{order.actor}"
        with acting_as(actor):
            async with self._kernel.ciphers.operation(name, f"admin {request.url.path}", actor=actor) as operation:
                yield operation
