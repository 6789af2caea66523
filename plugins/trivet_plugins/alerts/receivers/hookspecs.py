"""The hook that alerts bring: `register_alert_receivers`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trivet.hookspecs import hookspec

if TYPE_CHECKING:
    from trivet import Composition, Provider
    from trivet_plugins.alerts.receivers.receiver import AlertReceiver


@hookspec(kind="alert_receiver")
def register_alert_receivers(composition: Composition) -> Iterable[Provider[AlertReceiver | None]]:  # type: ignore[empty-body]
    """Offer what takes notifications of alerts: a chat, a pager, a ticket system."""
