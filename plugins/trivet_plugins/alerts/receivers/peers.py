"""`Peers`: a receiver that is several, each of which is told everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from trivet_plugins.alerts.receivers.receiver import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet_plugins.alerts.receivers.receiver import AlertReceiver, Notification


class Peers:
    """Tells each peer. The dispatcher gives each a queue of its own, so that one that is down delays no other.

    Args:
        peers: By the name of their queues.
        resend: Where set, its peers are told of all firing alerts again after that many seconds, ungrouped and whatever is
            silenced here: they do all that themselves.
    """

    def __init__(self, peers: Mapping[str, AlertReceiver], resend: float | None = None) -> None:
        self.peers = dict(peers)
        self.resend = resend

    async def deliver(self, batch: Notification) -> None:
        """Tell all peers at once.

        Raises:
            DeliveryError: if one has not taken it; a later try tells all of them again.
        """
        failures: list[DeliveryError] = []

        async def tell(peer: AlertReceiver) -> None:
            try:
                await peer.deliver(batch)
            except DeliveryError as exc:
                failures.append(exc)

        async with anyio.create_task_group() as tasks:
            for peer in self.peers.values():
                tasks.start_soon(tell, peer)
        if failures:
            raise DeliveryError(
                "; ".join(sorted(map(str, failures))),
                retry=any(one.retry for one in failures),
                retry_after=max(one.retry_after for one in failures),
            )
