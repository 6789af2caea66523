"""`Delivery`: hands what waits for one receiver over, again and again until it is taken."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import anyio

from trivet_plugins.alerts.notifications.outbox import Outbox
from trivet_plugins.alerts.receivers.receiver import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trivet_plugins.alerts.notifications.outbox import Waiting
    from trivet_plugins.alerts.notifications.settings import NotificationSettings
    from trivet_plugins.alerts.receivers.receiver import AlertReceiver

_STEPS: Final = 16
_LONGEST: Final = 86_400.0


class Delivery:
    """The worker of one receiver; it waits for no other.

    Args:
        name: Of the receiver.
        receiver: Who is told.
        settings: Limits and back-off.
        clock: Gives seconds since the epoch.
        counted: Is called with the name and the outcome of each try: ``delivered``, ``failed`` or ``refused``.
        changed: Is awaited when the queue has become shorter.
    """

    def __init__(
        self,
        name: str,
        receiver: AlertReceiver,
        settings: NotificationSettings,
        *,
        clock: Callable[[], float],
        counted: Callable[[str, str], None],
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self.name = name
        self.outbox = Outbox(settings.queue_limit)
        self.failing_since: float | None = None
        self.error: str | None = None
        self._receiver = receiver
        self._settings = settings
        self._clock = clock
        self._counted = counted
        self._changed = changed
        self._news = anyio.Event()
        self._failures = 0

    def wake(self) -> None:
        """Say that something waits."""
        self._news.set()

    async def run(self) -> None:
        """Deliver, for ever."""
        while True:
            self._news = anyio.Event()
            one = self.outbox.first()
            if one is None:
                await self._news.wait()
                continue
            pause = await self._try(one)
            if pause is None:
                await self._changed()
            else:
                await anyio.sleep(pause)

    async def _try(self, one: Waiting) -> float | None:
        """Hand one over; return the seconds to the next try, None where it is done with."""
        try:
            with anyio.fail_after(self._settings.timeout):
                await self._receiver.deliver(one.batch)
        except DeliveryError as exc:
            if not exc.retry:
                self._failed(str(exc), "refused")
                self.outbox.remove(one)
                return None
            return self._failed(str(exc), "failed", exc.retry_after)
        except TimeoutError:
            return self._failed(f"takes longer than {self._settings.timeout:g} s", "failed")
        except Exception as exc:  # noqa: BLE001 - whatever a receiver of others does, the others are told
            return self._failed(f"is broken: {type(exc).__name__}", "failed")
        self.outbox.remove(one)
        self._failures, self.failing_since, self.error = 0, None, None
        self._counted(self.name, "delivered")
        return None

    def _failed(self, why: str, outcome: str, retry_after: float = 0.0) -> float:
        self._counted(self.name, outcome)
        self.error = why
        if self.failing_since is None:
            self.failing_since = self._clock()
        longest: float = min(
            self._settings.max_backoff, self._settings.min_backoff * 2.0 ** min(self._failures, _STEPS)
        )
        self._failures += 1
        return max(longest * random.uniform(0.5, 1.0), min(retry_after, _LONGEST))  # noqa: S311 - jitter
