"""`Watch`: says how the notifications go, in metrics and as a health check."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from trivet import CheckPlan, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet import Kernel
    from trivet_plugins.alerts.notifications.dispatcher import Dispatcher


class Watch:
    """Counts, and warns of a receiver that fails for long.

    Args:
        dispatcher: Whose notifications.
        kernel: Whose metrics and health; None: nobody asks.
    """

    plan = CheckPlan(groups={"ready"}, interval=1.0, critical=False)

    def __init__(self, dispatcher: Dispatcher, kernel: Kernel | None) -> None:
        self._dispatcher = dispatcher
        self._kernel = kernel
        self.kept: str | None = None
        """Why the state could not be written; None where it was."""
        self.counts: dict[tuple[str, str], int] = {}

    def count(self, receiver: str, outcome: str) -> None:
        """Count a try to deliver."""
        self.counts[receiver, outcome] = self.counts.get((receiver, outcome), 0) + 1
        if self._kernel is not None:
            self._kernel.metrics.counter(
                "trivet_alert_notifications_total", "Tries to deliver a notification.", labels=("receiver", "outcome")
            ).labels(receiver, outcome).inc()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Be seen while the block runs."""
        if self._kernel is None:
            yield
            return
        with contextlib.ExitStack() as ends:
            ends.callback(self._kernel.health.add("alert_notifications", self))
            ends.callback(self._kernel.metrics.before_scrape(self._collect))
            yield

    async def check(self) -> Verdict | None:
        """Warn while a receiver fails for long, or the state cannot be written."""
        if self.kept is not None:
            return Verdict(Status.WARN, f"notifications would not outlive a restart: {self.kept}")
        settings, now = self._dispatcher.settings, self._dispatcher.now()
        for one in self._dispatcher.deliveries.values():
            if one.failing_since is not None and now - one.failing_since >= settings.failing_after:
                return Verdict(Status.WARN, f"{one.name} fails for {now - one.failing_since:.0f} s: {one.error}")
        return None

    def _collect(self) -> None:
        if self._kernel is None:
            return
        metrics, dispatcher = self._kernel.metrics, self._dispatcher
        queued = metrics.gauge("trivet_alert_queue_length", "Notifications that wait.", labels=("receiver",))
        oldest = metrics.gauge(
            "trivet_alert_queue_oldest_seconds", "Age of the first notification that waits.", labels=("receiver",)
        )
        now = dispatcher.now()
        for one in dispatcher.deliveries.values():
            queued.labels(one.name).set(len(one.outbox))
            since = one.outbox.oldest()
            oldest.labels(one.name).set(0.0 if since is None else now - since)
        muted = metrics.gauge("trivet_alerts_muted", "Firing alerts that are not told of.", labels=("reason",))
        firing, silences = dispatcher.firing, dispatcher.silences
        muted.labels("silenced").set(sum(silences.silenced(one) is not None for one in firing))
        muted.labels("acknowledged").set(sum(silences.acknowledgement(one) is not None for one in firing))
        muted.labels("inhibited").set(sum(map(dispatcher.inhibited, firing)))
        muted.labels("flapping").set(len(dispatcher.flapping))
