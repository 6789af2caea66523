from __future__ import annotations

import base64
import socket

import pytest
from tests.alertmanager import alertmanager_server
from tests.webhook_server import webhook_server

from trivet import Secret
from trivet_plugins.alerts.receivers.alertmanager import AlertmanagerConfig, alertmanager
from trivet_plugins.alerts.receivers.conformance import AlertReceiverSuite, notification


@pytest.fixture
def webhook():
    with webhook_server() as running:
        yield running


@pytest.fixture
def server(program, tmp_path, webhook):
    binary = program("prometheus-alertmanager", package="prometheus-alertmanager")
    with alertmanager_server(binary, tmp_path, webhook.url, group_by=("severity",)) as running:
        yield running


def receiver_of(*urls, **options):
    return alertmanager(AlertmanagerConfig(urls=tuple(map(Secret, urls)), **options))


class TestAlertmanager(AlertReceiverSuite):
    @pytest.fixture
    def receiver(self, server):
        return receiver_of(server.url)

    @pytest.fixture
    def received(self, server):
        seen = []

        def look():
            now = server.alerts()
            gone = [(name, "resolved") for name in dict(seen) if name not in now]
            seen.extend([*((name, "firing") for name in now), *gone])
            return list(dict.fromkeys(seen))

        return look

    @pytest.fixture
    def failing(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        return receiver_of(f"http://127.0.0.1:{port}")


async def test_it_groups_tells_and_resolves(server, webhook):
    receiver = receiver_of(server.url)
    await receiver.deliver(notification("DiskFull", "HostDown"))
    webhook.until(lambda: len(webhook.alerts()) == 2)
    assert server.groups() == [({"severity": "warning"}, ["DiskFull", "HostDown"])]
    [message] = webhook.messages()
    assert message["groupLabels"] == {"severity": "warning"}
    await receiver.deliver(notification("DiskFull", "HostDown", resolved=True))
    webhook.until(lambda: ("HostDown", "resolved") in webhook.alerts())
    assert server.alerts() == {}


async def test_a_token_or_a_user_is_sent_and_the_path_put_at_the_end(webhook):
    user = webhook.url.replace("//", "//me:p%40ss@")
    await receiver_of(f"{user}/am/", token=Secret("token")).deliver(notification("DiskFull"))
    await receiver_of(webhook.url, token=Secret("token")).deliver(notification("DiskFull"))
    (first, with_user, _), (second, with_token, _) = webhook.posts
    assert (first, second) == ("/am/api/v2/alerts", "/api/v2/alerts")
    assert with_user["Authorization"] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"
    assert with_token["Authorization"] == "Bearer token"
