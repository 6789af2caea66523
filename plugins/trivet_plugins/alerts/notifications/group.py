"""`Group`: alerts of one route, one receiver and the same group labels, and what was told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.alerts.promql.labels import Labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trivet_plugins.alerts.notifications.settings import Timing
    from trivet_plugins.alerts.rules.alert import Alert

FLAPPING: Final = "flapping"
"""The annotation of a notification that an alert has begun to flap (``started``), or no longer does (``stopped``)."""


@attrs.define(kw_only=True)
class Group:
    """Decides when to tell what, as Alertmanager does (``notify.DedupStage``).

    Args:
        receiver: The name of the queue.
        route: The place of its route among the routes.
        labels: What its alerts share.
        due: When it is looked at next, in seconds since the epoch.
        alerts: By fingerprint, in their newest state.
        told: When each firing alert that the receiver knows of began to fire, by fingerprint.
        told_at: When the receiver was told last.
        flapping: Alerts that the receiver was told are flapping.
    """

    receiver: str
    route: int
    labels: Labels
    due: float
    alerts: dict[str, Alert] = attrs.field(factory=dict)
    told: dict[str, int | None] = attrs.field(factory=dict)
    told_at: float = 0.0
    flapping: set[str] = attrs.field(factory=set)

    def look(self, now: float, timing: Timing, muted: Callable[[Alert], bool], flapping: set[str]) -> list[Alert]:
        """Return what is to be told now; nothing where there is no news. Resolved alerts are then forgotten.

        Args:
            now: In seconds since the epoch.
            timing: Of its route.
            muted: Tells whether an alert is silenced, inhibited or acknowledged.
            flapping: All alerts that flap.
        """
        self.due = now + timing.group_interval
        turned = self._turned(flapping)
        calm = [alert for one, alert in self.alerts.items() if one not in flapping or one in turned]
        firing = [alert for alert in calm if alert.state == "firing" and not muted(alert)]
        ended = [alert for alert in calm if alert.state == "resolved" and alert.fingerprint in self.told]
        is_news = ended or any(alert.fingerprint not in self.told or alert.fingerprint in turned for alert in firing)
        if not is_news and not (firing and now - self.told_at >= timing.repeat_interval):
            self._forget(flapping)
            return []
        for alert in ended:
            del self.told[alert.fingerprint]
        self.told.update({alert.fingerprint: alert.fired_at for alert in firing})
        self.told_at = now
        self._forget(flapping)
        return [*self._marked(firing, turned), *self._marked(ended, turned)]

    @property
    def is_over(self) -> bool:
        """True where there is nothing left to tell."""
        return not self.alerts

    def _turned(self, flapping: set[str]) -> dict[str, str]:
        here = flapping & self.alerts.keys()
        turned = dict.fromkeys(here - self.flapping, "started")
        turned |= dict.fromkeys((self.flapping - flapping) & self.alerts.keys(), "stopped")
        for one in turned:
            if turned[one] == "started" and one not in self.told and self.alerts[one].state == "resolved":
                self.told[one] = None  # that it flaps is news though it is down at the moment
        self.flapping = here
        return turned

    def _forget(self, flapping: set[str]) -> None:
        for one, alert in [*self.alerts.items()]:
            if alert.state == "resolved" and one not in flapping:
                del self.alerts[one]

    @staticmethod
    def _marked(alerts: Iterable[Alert], turned: dict[str, str]) -> list[Alert]:
        return [
            attrs.evolve(alert, annotations=(*alert.annotations, (FLAPPING, turned[alert.fingerprint])))
            if alert.fingerprint in turned
            else alert
            for alert in alerts
        ]
