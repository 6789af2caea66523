"""What takes notifications of alerts: the hook ``register_alert_receivers``, and the receivers that are built in.

The plugin ``alert_receivers`` brings the hook and three receivers, each with a section of its own: ``plugins.alert_log``,
``plugins.alert_webhook`` and ``plugins.alertmanager``. One that its section leaves idle is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Provider, hookimpl
from trivet_plugins.alerts.receivers import hookspecs as trivet_hookspecs
from trivet_plugins.alerts.receivers.alertmanager import AlertmanagerConfig, alertmanager
from trivet_plugins.alerts.receivers.log import AlertLogConfig, alert_log
from trivet_plugins.alerts.receivers.webhook import AlertWebhookConfig, alert_webhook

if TYPE_CHECKING:
    from trivet import Composition
    from trivet_plugins.alerts.receivers.receiver import AlertReceiver

__all__ = ("register_alert_receivers", "trivet_hookspecs")


@hookimpl
def register_alert_receivers(composition: Composition) -> list[Provider[AlertReceiver | None]]:
    """Offer ``alert_receiver/alert_log``, ``alert_receiver/alert_webhook`` and ``alert_receiver/alertmanager``."""
    return [
        Provider(name="alert_log", factory=alert_log, config=AlertLogConfig),
        Provider(
            name="alert_webhook",
            factory=alert_webhook,
            config=AlertWebhookConfig,
            critical=False,
            extra="http",
            modules=("httpx2",),
        ),
        Provider(
            name="alertmanager",
            factory=alertmanager,
            config=AlertmanagerConfig,
            critical=False,
            extra="http",
            modules=("httpx2",),
        ),
    ]
