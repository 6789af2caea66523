"""Write alerts into the service's own log, through structlog, one record each.

Config (``plugins.alert_log``): ``enabled`` (true). Entries are ``alert.firing`` and ``alert.resolved`` of the logger
``trivet.alerts``. The label ``severity`` gives the level of a firing one: ``critical`` and ``page`` error, ``info`` and ``none``
info, all others warning; resolved ones are info. Example::

    [plugins.alert_log]
    enabled = false
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.alerts.promql.labels import value_of

if TYPE_CHECKING:
    from trivet_plugins.alerts.receivers.receiver import Notification
    from trivet_plugins.alerts.rules.alert import Alert

_LEVELS: Final = {"critical": logging.ERROR, "page": logging.ERROR, "info": logging.INFO, "none": logging.INFO}


@attrs.frozen
class AlertLogConfig:
    """The section ``plugins.alert_log``."""

    enabled: bool = True


class AlertLog:
    """A receiver that logs."""

    async def deliver(self, batch: Notification) -> None:
        """Log each alert."""
        import structlog

        logger = structlog.stdlib.get_logger("trivet.alerts")
        for alert in batch.alerts:
            logger.log(
                _level(alert),
                "alert.resolved" if alert.state == "resolved" else "alert.firing",
                alert=alert.name,
                labels=dict(alert.labels),
                annotations=dict(alert.annotations),
                value=alert.value,
                fingerprint=alert.fingerprint,
                notification=batch.id,
            )


def _level(alert: Alert) -> int:
    if alert.state == "resolved":
        return logging.INFO
    return _LEVELS.get(value_of(alert.labels, "severity"), logging.WARNING)


def alert_log(config: AlertLogConfig) -> AlertLog | None:
    """Make the receiver; none where it is not enabled."""
    return AlertLog() if config.enabled else None
