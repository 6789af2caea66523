"""`Resending`: what an Alertmanager is told, which wants all firing alerts again and again and groups them itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trivet_plugins.alerts.rules.alert import Alert


class Resending:
    """Remembers when each alert was told.

    Args:
        every: Seconds after which one that fires is told again.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._told: dict[str, float] = {}

    def due(self, alerts: Iterable[Alert], now: float) -> list[Alert]:
        """Return those that are news, or due again."""
        due: list[Alert] = []
        for alert in alerts:
            one = alert.fingerprint
            if alert.state == "resolved":
                self._told.pop(one, None)
                due.append(alert)
            elif now - self._told.get(one, -self._every) >= self._every:
                self._told[one] = now
                due.append(alert)
        return due
