"""`Routing`: which receiver is told of an alert, in which group. `Inhibitions`: which alert mutes which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trivet import CompositionError
from trivet_plugins.alerts.notifications.matching import selectors_of
from trivet_plugins.alerts.promql.labels import Labels, keeping, value_of
from trivet_plugins.alerts.promql.selector import all_fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trivet_plugins.alerts.notifications.settings import Inhibition, NotificationSettings, Timing
    from trivet_plugins.alerts.receivers.receiver import AlertReceiver
    from trivet_plugins.alerts.rules.alert import Alert

_EACH: Final = "..."


class Routing:
    """Finds the groups of an alert. The route after the last takes what no other takes, for all receivers.

    Args:
        settings: With the routes.
        receivers: By name. Each of the `peers` of one has a queue of its own.

    Raises:
        CompositionError: if a route names a receiver that is not there.
    """

    def __init__(self, settings: NotificationSettings, receivers: Mapping[str, AlertReceiver]) -> None:
        self.queues: dict[str, AlertReceiver] = {}
        self.resends: dict[str, float] = {}
        self._grouped: dict[str, list[str]] = {}
        for name, receiver in receivers.items():
            self._add(name, receiver)
        self._timing = settings.timing
        self._routes = [(selectors_of(one.matchers), one) for one in settings.routes]
        for place, (_, route) in enumerate(self._routes):
            if unknown := sorted(set(route.receivers) - receivers.keys()):
                there = ", ".join(sorted(receivers)) or "none"
                raise CompositionError(
                    f"route {place + 1} names the receiver {unknown[0]}, which is not there: {there}"
                )

    def has(self, place: int) -> bool:
        """Tell whether there is a route of that place."""
        return 0 <= place <= len(self._routes)

    def timing(self, place: int) -> Timing:
        """Return the timing of a route."""
        own = self._routes[place][1].timing if place < len(self._routes) else None
        return own or self._timing

    def groups_of(self, alert: Alert) -> Iterator[tuple[str, int, Timing, Labels]]:
        """Give queue, route, timing and group labels of each group that an alert belongs to."""
        for place, names in self._taking(alert.labels):
            timing = self.timing(place)
            by = timing.group_by
            labels = alert.labels if _EACH in by else keeping(alert.labels, by)
            for name in names or self._grouped:
                for queue in self._grouped[name]:
                    yield queue, place, timing, labels

    def _taking(self, labels: Labels) -> Iterator[tuple[int, tuple[str, ...]]]:
        taken = False
        for place, (selectors, route) in enumerate(self._routes):
            if all_fit(selectors, labels):
                taken = True
                yield place, route.receivers
                if not route.goes_on:
                    return
        if not taken:
            yield len(self._routes), ()

    def _add(self, name: str, receiver: AlertReceiver) -> None:
        peers: Mapping[str, AlertReceiver] = getattr(receiver, "peers", {})
        queues = {f"{name}/{peer}": one for peer, one in peers.items()} or {name: receiver}
        self.queues |= queues
        resend: float | None = getattr(receiver, "resend", None)
        self._grouped[name] = [] if resend is not None else [*queues]
        if resend is not None:
            self.resends |= dict.fromkeys(queues, resend)


class Inhibitions:
    """Mutes alerts while others fire.

    Args:
        rules: As configured.
    """

    def __init__(self, rules: Iterable[Inhibition]) -> None:
        self._rules = [(selectors_of(one.source), selectors_of(one.target), one.equal) for one in rules]

    def mute(self, alert: Alert, firing: Mapping[str, Alert]) -> bool:
        """Tell whether one of those that fire mutes an alert; none mutes what could mute it, nor itself."""
        for source, target, equal in self._rules:
            if not all_fit(target, alert.labels) or all_fit(source, alert.labels):
                continue
            for one in firing.values():
                if all_fit(source, one.labels) and all(
                    value_of(one.labels, name) == value_of(alert.labels, name) for name in equal
                ):
                    return True
        return False
