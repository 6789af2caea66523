"""A process that queues notifications for a server that is down, says so, and waits to be killed."""

from __future__ import annotations

import anyio

from trivet import Secret
from trivet_plugins.alerts.notifications.dispatcher import Dispatcher
from trivet_plugins.alerts.notifications.settings import NotificationSettings, Timing
from trivet_plugins.alerts.notifications.state import State
from trivet_plugins.alerts.promql.labels import labels_of
from trivet_plugins.alerts.receivers.webhook import AlertWebhookConfig, alert_webhook
from trivet_plugins.alerts.rules.alert import Alert


def alert(host, state):
    labels = labels_of({"alertname": "Down", "host": str(host)})
    ended = 3_000 if state == "resolved" else None
    return Alert(labels=labels, state=state, value=1.0, active_at=1_000, fired_at=2_000, resolved_at=ended)


async def main(url, store):
    timing = Timing(group_by=("host",), group_wait=0, group_interval=0.05)
    receiver = alert_webhook(AlertWebhookConfig(urls=(Secret(url),)))
    dispatcher = Dispatcher({"r0": receiver}, NotificationSettings(timing=timing), store=store)

    def queued():
        waiting = State.decode(store.read_bytes()).queues.values() if store.exists() else ()
        return sum(len(one.batch.alerts) for queue in waiting for one in queue)

    async with dispatcher.running():
        dispatcher.put([alert(host, "firing") for host in range(20)])
        while queued() < 20:
            await anyio.sleep(0.02)
        dispatcher.put([alert(3, "resolved"), *(alert(host, "firing") for host in range(20) if host != 3)])
        while queued() < 21:
            await anyio.sleep(0.02)
        print("queued", flush=True)  # noqa: T201 - to the test
        await anyio.sleep_forever()
