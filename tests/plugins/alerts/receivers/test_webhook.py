from __future__ import annotations

import hashlib
import hmac
import socket
import time

import pytest
from tests.webhook_server import webhook_server

from trivet import Secret
from trivet_plugins.alerts.receivers.conformance import AlertReceiverSuite, notification
from trivet_plugins.alerts.receivers.receiver import DeliveryError
from trivet_plugins.alerts.receivers.webhook import AlertWebhookConfig, alert_webhook


@pytest.fixture
def server():
    with webhook_server() as running:
        yield running


def webhook(*urls, **options):
    return alert_webhook(AlertWebhookConfig(urls=tuple(map(Secret, urls)), **options))


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class TestAlertWebhook(AlertReceiverSuite):
    @pytest.fixture
    def receiver(self, server):
        return webhook(f"{server.url}/hook")

    @pytest.fixture
    def received(self, server):
        return server.alerts

    @pytest.fixture
    def failing(self):
        return webhook(f"http://127.0.0.1:{closed_port()}/hook")


def test_without_addresses_there_is_no_receiver():
    assert webhook() is None


async def test_the_signature_is_over_the_time_and_the_body(server):
    await webhook(f"{server.url}/hook?a=b", secret=Secret("key")).deliver(notification("DiskFull"))
    [(path, headers, body)] = server.posts
    stamp, _, digest = headers["Trivet-Signature"].partition(",v1=")
    at = stamp.removeprefix("t=")
    assert path == "/hook?a=b"
    assert abs(time.time() - int(at)) < 30
    assert hmac.compare_digest(digest, hmac.new(b"key", f"{at}.".encode() + body, hashlib.sha256).hexdigest())
    assert headers["Idempotency-Key"] == server.messages()[0]["notificationId"] == "suite-1"


async def test_the_message_is_the_one_of_alertmanager(server):
    await webhook(server.url).deliver(notification("DiskFull", "HostDown"))
    [message] = server.messages()
    assert (message["version"], message["status"], message["truncatedAlerts"]) == ("4", "firing", 0)
    assert message["commonLabels"] == {"severity": "warning", "text": 'a "quote", é and \n'}
    assert message["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert message["alerts"][0]["annotations"] == {"summary": "DiskFull is there"}


@pytest.mark.parametrize(
    ("answer", "retry", "wait"),
    [
        ((503, {"Retry-After": "7"}), True, 7.0),
        ((429, {"Retry-After": "999999999999"}), True, 86_400.0),
        (500, True, 0.0),
        (401, True, 0.0),
        (400, False, 0.0),
        ("die", True, 0.0),
        ("stall", True, 0.0),
        ((307, {"Location": "/elsewhere"}), True, 0.0),
    ],
)
async def test_what_is_not_accepted_is_an_error_that_says_whether_to_try_again(server, answer, retry, wait):
    server.script.append(answer)
    receiver = webhook(f"{server.url}/token-in-path?key=hidden", timeout=1.0, secret=Secret("key"))
    if answer == "die":
        server.script.append("die")
    with pytest.raises(DeliveryError) as failure:
        await receiver.deliver(notification("DiskFull"))
    assert (failure.value.retry, failure.value.retry_after) == (retry, wait)
    assert "token-in-path" not in str(failure.value)
    assert "hidden" not in str(failure.value)
    assert len(server.tries) == 1
    assert not server.posts


async def test_an_answer_without_an_end_is_cut_off(server):
    server.script.append("flood")
    await webhook(server.url).deliver(notification("DiskFull"))
    assert server.alerts() == [("DiskFull", "firing")]


async def test_each_address_is_told_whatever_the_others_say(server):
    receiver = webhook(f"http://127.0.0.1:{closed_port()}", server.url)
    with pytest.raises(DeliveryError):
        await receiver.deliver(notification("DiskFull"))
    assert server.alerts() == [("DiskFull", "firing")]


async def test_no_proxy_is_taken_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")
    await webhook(server.url).deliver(notification("DiskFull"))
    assert server.alerts() == [("DiskFull", "firing")]


@pytest.mark.parametrize("url", ["ftp://host/secret", "https://", "secret", "http://ho st/secret", "http://h:0/secret"])
def test_what_is_no_address_is_refused_without_being_shown(url):
    with pytest.raises(ValueError, match="https://") as refusal:
        webhook(url)
    assert "secret" not in str(refusal.value)
