"""What the audit log is told of requests to the admin pages."""

from __future__ import annotations

import pytest

from trivet import AuditError, Provider, hookimpl
from trivet.ciphers.recorder import Recorder
from trivet.events import SecurityOperation

TOKEN = "correct-horse-battery-staple"
RIGHT = {"authorization": f"Bearer {TOKEN}"}
WRONG = {"authorization": "Bearer hunter2-canary-hunter2"}


@pytest.fixture
def watched(served):
    """Start a kernel whose pages want a token; gives a client and the operations that it tells of."""

    async def start(*plugins, **section):
        kernel, client = await served({"token": TOKEN, "attempts": 1000, **section}, plugins=plugins)
        operations = []

        def note(event):
            if isinstance(event, SecurityOperation):
                operations.append((event.operation, event.target, event.actor, event.outcome, event.reason))

        kernel.observe(note)
        return client, operations

    return start


async def test_an_order_is_recorded_with_who_gave_it(watched):
    """Carried out or not; the name is what the client says, the address what is known."""
    client, operations = await watched()
    async with client:
        assert (await client.post("/config/pin", json={"actor": "alice"}, headers=RIGHT)).status_code == 200
        assert (await client.post("/config/unpin", json={}, headers=RIGHT)).status_code == 200
        assert (await client.post("/config/rollback", json={"generation": 9}, headers=RIGHT)).status_code == 404
        bad = {"values": {"plugins.web.port": "many"}}
        assert (await client.post("/config/override", json=bad, headers=RIGHT)).status_code == 409
    assert operations == [
        ("pin_config", "admin /config/pin", "http:alice at 127.0.0.1", "ok", None),
        ("unpin_config", "admin /config/unpin", "http:an HTTP client at 127.0.0.1", "ok", None),
        (
            "rollback_config",
            "admin /config/rollback",
            "http:an HTTP client at 127.0.0.1",
            "failed",
            "unknown_generation_error",
        ),
        ("override_config", "admin /config/override", "http:an HTTP client at 127.0.0.1", "failed", "rejected"),
    ]


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({}, b"{}", "no_token"),
        (WRONG, b"{}", "wrong_token"),
        ({**RIGHT, "host": "evil.example"}, b"{}", "unknown_host"),
        ({**RIGHT, "origin": "https://evil.example"}, b"{}", "another_site"),
        ({**RIGHT, "content-type": "text/plain"}, b"{}", "media_type"),
        (RIGHT, b"[", "malformed"),
        (RIGHT, b" " * 100_000, "too_large"),
    ],
)
async def test_an_order_that_is_refused_is_recorded_with_why(watched, headers, body, reason):
    """With a code: nothing that the client sent is in it."""
    client, operations = await watched()
    async with client:
        answer = await client.post("/config/pin", content=body, headers={"content-type": "application/json", **headers})
    assert answer.status_code >= 400
    assert operations == [("pin_config", "admin /config/pin", "http:127.0.0.1", "failed", reason)]


async def test_a_wrong_token_is_recorded_and_looking_without_one_is_not(watched):
    """Who looks with the right one is not either: a page changes nothing."""
    client, operations = await watched()
    async with client:
        for headers in ({}, WRONG, RIGHT):
            await client.get("/plugins", headers=headers)
    assert operations == [("authenticate", "admin /plugins", "http:127.0.0.1", "failed", "wrong_token")]
    assert "canary" not in repr(operations)


async def test_refusals_do_not_fill_the_log(watched):
    """Of one client no more than sixty at a time; what it is allowed to do is recorded all the same."""
    client, operations = await watched()
    async with client:
        for _ in range(80):
            await client.post("/config/pin", json={})
        assert 60 <= len(operations) < 70
        await client.post("/config/pin", json={}, headers=RIGHT)
    assert operations[-1][0:4:3] == ("pin_config", "ok")


class Broken:
    """An audit log that can take nothing."""

    trivet_name = "broken_log"

    def admit(self):
        raise AuditError("audit.log: no space left on device; make room")

    def record(self, operation):
        return None

    @hookimpl
    def register_services(self, composition):
        return [Provider(name="broken_log", factory=lambda: self, provides=Recorder)]


async def test_where_nothing_can_be_recorded_no_order_is_carried_out(watched, kernel_factory):
    """A log that is fail-closed refuses orders, with its reason; what is refused anyway stays what it is."""
    client, operations = await watched(Broken())
    async with client:
        refused = await client.post("/config/pin", json={}, headers=RIGHT)
        assert (refused.status_code, refused.text) == (503, "audit.log: no space left on device; make room\n")
        assert (await client.post("/config/pin", json={})).status_code == 401
        history = (await client.get("/config/history", headers=RIGHT)).json()
    assert history["pinned"] is None
    assert operations == []
