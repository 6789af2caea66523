"""`Dispatcher`: takes the alerts of each round, and sees to it that receivers hear what is news to them."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from trivet_plugins.alerts.notifications.delivery import Delivery
from trivet_plugins.alerts.notifications.flap_detector import FlapDetector
from trivet_plugins.alerts.notifications.group import Group
from trivet_plugins.alerts.notifications.keeper import Keeper
from trivet_plugins.alerts.notifications.outbox import Waiting
from trivet_plugins.alerts.notifications.resending import Resending
from trivet_plugins.alerts.notifications.routing import Inhibitions, Routing
from trivet_plugins.alerts.notifications.settings import NotificationSettings
from trivet_plugins.alerts.notifications.silences import Silences
from trivet_plugins.alerts.notifications.state import State
from trivet_plugins.alerts.notifications.watch import Watch
from trivet_plugins.alerts.promql.labels import Labels, series_text
from trivet_plugins.alerts.receivers.receiver import Notification

if TYPE_CHECKING:
    import pathlib
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from trivet import Kernel
    from trivet_plugins.alerts.receivers.receiver import AlertReceiver
    from trivet_plugins.alerts.rules.alert import Alert

_IDLE: Final = 5.0
"""Seconds after which it looks for lost alerts though no group is due."""


class Dispatcher:
    """Groups, mutes, repeats and delivers. All of it runs on the event loop; only the file is written in a thread.

    Args:
        receivers: By name; None for one that is idle.
        settings: Who is told, and when.
        store: The file that keeps what is not delivered yet, silences and the like; None: nothing outlives the process.
        kernel: Whose metrics, health and audit log.
        clock: Gives seconds since the epoch.
    """

    def __init__(
        self,
        receivers: Mapping[str, AlertReceiver | None],
        settings: NotificationSettings | None = None,
        *,
        store: pathlib.Path | None = None,
        kernel: Kernel | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings or NotificationSettings()
        self._clock = clock
        self._keeper = Keeper(store, self._state)
        self._routing = Routing(self._settings, {name: one for name, one in receivers.items() if one is not None})
        self._inhibitions = Inhibitions(self._settings.inhibitions)
        self._flaps = FlapDetector(self._settings.flapping)
        self._firing: dict[str, Alert] = {}
        self._seen: dict[str, float] = {}
        self._groups: dict[tuple[str, int, Labels], Group] = {}
        self._news = anyio.Event()
        self.silences = Silences(self._keeper, clock, kernel)
        self.watch = Watch(self, kernel)
        self.deliveries = {
            name: Delivery(name, one, self._settings, clock=clock, counted=self.watch.count, changed=self._delivered)
            for name, one in self._routing.queues.items()
        }
        self._resending = {name: Resending(every) for name, every in self._routing.resends.items()}

    @property
    def settings(self) -> NotificationSettings:
        """As given."""
        return self._settings

    @property
    def firing(self) -> tuple[Alert, ...]:
        """All alerts that fire."""
        return tuple(self._firing.values())

    @property
    def flapping(self) -> frozenset[str]:
        """Fingerprints of the alerts that flap."""
        return frozenset(self._flaps.flapping)

    def now(self) -> float:
        """Return what the clock says."""
        return self._clock()

    def put(self, alerts: Iterable[Alert]) -> None:
        """Take the alerts of a round: all that fire, and those that were resolved in it. Call it from the event loop.

        All rules' alerts come in one call: each call is a round for the detection of flapping.
        """
        now = self._clock()
        told = [one for one in alerts if one.state != "pending"]
        for alert in told:
            self._take(alert, now)
        self._flaps.observe({one.fingerprint for one in told if one.state == "firing"})
        for name, resending in self._resending.items():
            if due := resending.due(told, now):
                self._send(name, "all", (), due, merge=True)
        self._keeper.changed()
        self._news.set()

    async def acknowledge(self, fingerprint: str, actor: str, comment: str = "") -> None:
        """Keep a firing alert from being repeated until it is resolved; its end is told.

        Raises:
            LookupError: if no alert of that fingerprint fires.
            OSError: if that cannot be written down.
        """
        alert = self._firing.get(fingerprint)
        if alert is None:
            raise LookupError(f"no alert {fingerprint} is firing")
        await self.silences.acknowledge(alert, actor, comment)

    def inhibited(self, alert: Alert) -> bool:
        """Tell whether another alert that fires mutes this one."""
        return self._inhibitions.mute(alert, self._firing)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver while the block runs; what is not delivered then is kept.

        Raises:
            KeptStateError: if the file cannot be read.
        """
        self._load(await self._keeper.load())
        with self.watch.shown():
            async with anyio.create_task_group() as tasks:
                for delivery in self.deliveries.values():
                    tasks.start_soon(delivery.run)
                tasks.start_soon(self._run)
                yield
                tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await self._kept()

    async def _run(self) -> None:
        while True:
            self._news = anyio.Event()
            self._look()
            await self._kept()
            for delivery in self.deliveries.values():
                delivery.wake()
            due = min((group.due for group in self._groups.values()), default=self._clock() + _IDLE)
            with anyio.move_on_after(min(max(due - self._clock(), 0.0), _IDLE)):
                await self._news.wait()

    def _take(self, alert: Alert, now: float) -> None:
        one = alert.fingerprint
        if alert.state == "firing":
            self._firing[one], self._seen[one] = alert, now
        else:
            self._firing.pop(one, None)
            self._seen.pop(one, None)
            self.silences.resolved(one)
        for name, place, timing, labels in self._routing.groups_of(alert):
            key = (name, place, labels)
            group = self._groups.get(key)
            if group is None:
                if alert.state == "resolved":
                    continue
                due = now + timing.group_wait
                group = self._groups[key] = Group(receiver=name, route=place, labels=labels, due=due)
            group.alerts[one] = alert

    def _look(self) -> None:
        now = self._clock()
        for one in [one for one, seen in self._seen.items() if now - seen > self._settings.lost_after]:
            lost = attrs.evolve(self._firing[one], state="resolved", resolved_at=round(now * 1_000))
            self._take(lost, now)
        for key, group in [*self._groups.items()]:
            if group.due > now:
                continue
            told = group.look(now, self._routing.timing(group.route), self._mutes, self._flaps.flapping)
            told = told if self._settings.send_resolved else [one for one in told if one.state == "firing"]
            if told:
                self._send(group.receiver, f"{group.route}:{series_text(group.labels)}", group.labels, told)
            if group.is_over:
                del self._groups[key]
            self._keeper.changed()

    def _mutes(self, alert: Alert) -> bool:
        return (
            self.silences.silenced(alert) is not None
            or self.silences.acknowledgement(alert) is not None
            or self.inhibited(alert)
        )

    def _send(self, name: str, group: str, labels: Labels, alerts: list[Alert], *, merge: bool = False) -> None:
        most = len(alerts) if merge else self._settings.max_alerts
        batch = Notification(
            id=secrets.token_hex(8),
            receiver=name,
            group_labels=labels,
            alerts=tuple(alerts[:most]),
            external_url=self._settings.external_url,
            truncated=max(0, len(alerts) - most),
        )
        self.deliveries[name].outbox.put(Waiting(group=group, since=self._clock(), batch=batch), merge=merge)

    async def _delivered(self) -> None:
        self._keeper.changed()
        await self._kept()

    async def _kept(self) -> None:
        try:
            await self._keeper.save()
        except OSError:
            self.watch.kept = self._keeper.error  # health warns; delivery goes on
        else:
            self.watch.kept = None

    def _state(self) -> State:
        return State(
            queues={name: one.outbox.all() for name, one in self.deliveries.items()},
            groups=[*self._groups.values()],
            silences=[*self.silences.list()],
            acknowledgements=[*self.silences.acknowledgements()],
            flaps=self._flaps.dump(),
        )

    def _load(self, state: State) -> None:
        now = self._clock()
        for name, waiting in state.queues.items():
            if name in self.deliveries:
                self.deliveries[name].outbox.load(waiting)
        for group in state.groups:
            if group.receiver in self.deliveries and self._routing.has(group.route):
                self._groups[group.receiver, group.route, group.labels] = group
                for one, alert in group.alerts.items():
                    if alert.state == "firing":
                        self._firing[one], self._seen[one] = alert, now
        self.silences.load(state.silences, state.acknowledgements)
        if state.flaps:
            self._flaps.load(state.flaps["states"], state.flaps["flapping"])
