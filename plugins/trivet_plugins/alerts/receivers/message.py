"""Notifications as JSON: the message of Alertmanager's webhook, version 4, and the alerts of its API, version 2.

Sources: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, Alertmanager's ``api/v2/openapi.yaml``.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.labels import series_text

if TYPE_CHECKING:
    from trivet_plugins.alerts.receivers.receiver import Notification
    from trivet_plugins.alerts.rules.alert import Alert

_NEVER: Final = "0001-01-01T00:00:00Z"
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def time_text(milliseconds: int) -> str:
    """Return a time as RFC 3339 has it, in UTC."""
    moment = _EPOCH + dt.timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def webhook_message(batch: Notification) -> bytes:
    """Return the message of a webhook. ``notificationId`` is added to what Alertmanager has."""
    message = {
        "version": "4",
        "notificationId": batch.id,
        "groupKey": f"{{}}:{series_text(batch.group_labels)}",
        "truncatedAlerts": batch.truncated,
        "status": batch.status,
        "receiver": batch.receiver,
        "groupLabels": dict(batch.group_labels),
        "commonLabels": dict(batch.common_labels),
        "commonAnnotations": dict(batch.common_annotations),
        "externalURL": batch.external_url,
        "alerts": [_of_webhook(alert) for alert in batch.alerts],
    }
    return json.dumps(message, separators=(",", ":")).encode()


def api_alerts(batch: Notification, ends: int) -> bytes:
    """Return the alerts for ``POST /api/v2/alerts``.

    Args:
        batch: What to tell.
        ends: When those that fire count as resolved unless they are told again, in milliseconds since the epoch.
    """
    alerts = [
        {
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "startsAt": time_text(_start(alert)),
            "endsAt": time_text(alert.resolved_at if alert.resolved_at is not None else ends),
            "generatorURL": alert.generator,
        }
        for alert in batch.alerts
    ]
    return json.dumps(alerts, separators=(",", ":")).encode()


def _start(alert: Alert) -> int:
    return alert.fired_at if alert.fired_at is not None else alert.active_at


def _of_webhook(alert: Alert) -> dict[str, object]:
    return {
        "status": alert.state,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": time_text(_start(alert)),
        "endsAt": _NEVER if alert.resolved_at is None else time_text(alert.resolved_at),
        "generatorURL": alert.generator,
        "fingerprint": alert.fingerprint,
    }
