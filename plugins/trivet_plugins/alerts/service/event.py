"""`AlertChanged`: what the kernel's observers hear of alerts."""

from __future__ import annotations

import attrs

from trivet.events import Event
from trivet_plugins.alerts.rules.alert import Alert


@attrs.frozen(kw_only=True)
class AlertChanged(Event):
    """An alert went from one state to another.

    Args:
        before: ``inactive``, ``pending`` or ``firing``.
        alert: As it is now.
    """

    before: str
    alert: Alert
