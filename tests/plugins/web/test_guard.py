"""Who gets in."""

from __future__ import annotations

import hashlib
import hmac
from types import SimpleNamespace

import pytest

import trivet_plugins.web.guard as guard_module
from trivet import Secret
from trivet_plugins.web.guard import Guard, is_loopback

TOKEN = "correct-horse-battery-staple"
LOCAL = ("127.0.0.1", 50000)


def status(guard, headers, client=LOCAL):
    refusal = guard.refusal({"host": "localhost", **headers}, client)
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        ("Bearer ", 401),
        ("Bearer", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer caf\xe9", 401),
    ],
)
def test_only_the_right_token_gets_in(given, expected):
    """The whole token under the scheme Bearer, and nothing else, opens the guard; from this machine too."""
    guard = Guard(Secret(TOKEN))
    assert status(guard, {"authorization": given}) == expected


def test_no_authorization_asks_for_it():
    """A request without a token is told which scheme is wanted."""
    refusal = Guard(Secret(TOKEN)).refusal({"host": "localhost"}, LOCAL)
    assert refusal.status == 401
    assert refusal.headers["www-authenticate"].startswith("Bearer")
    assert TOKEN not in refusal.reason


def test_the_token_opens_from_other_machines():
    """With a token it does not matter where the client is."""
    guard = Guard(Secret(TOKEN))
    assert status(guard, {"authorization": f"Bearer {TOKEN}"}, ("203.0.113.5", 4)) == 200


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("127.0.0.1", 1), 200),
        (("127.8.9.1", 1), 200),
        (("::1", 1), 200),
        (("::ffff:127.0.0.1", 1), 200),
        (None, 200),
        (("203.0.113.5", 1), 403),
        (("::ffff:203.0.113.5", 1), 403),
        (("testclient", 1), 403),
    ],
)
def test_without_a_token_only_this_machine_gets_in(client, expected):
    """Addresses of the loopback interface and unix sockets are this machine; nothing else is."""
    assert status(Guard(None), {}, client) == expected


def test_a_trusted_socket_stands_for_the_token_unless_a_proxy_is_behind_it():
    """Only clients without an address, and only where the guard was told so; what a proxy adds takes the trust away."""
    trusting = Guard(Secret(TOKEN), trusts_socket=True)
    assert status(trusting, {}, None) == 200
    assert status(trusting, {}, LOCAL) == 401
    assert status(trusting, {"x-forwarded-for": "203.0.113.5"}, None) == 401
    assert status(trusting, {"host": "evil.example"}, None) == 421
    assert status(Guard(Secret(TOKEN)), {}, None) == 401


@pytest.mark.parametrize("header", ["forwarded", "via", "x-forwarded-for", "x-real-ip"])
def test_without_a_token_a_proxied_client_stays_outside(header):
    """Behind a proxy on this machine every client looks local; what the proxy adds gives it away."""
    assert status(Guard(None), {header: "203.0.113.5"}) == 403


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200),
        ("LocalHost:9310", 200),
        ("app.localhost:9310", 200),
        ("127.0.0.1:9310", 200),
        ("[::1]:9310", 200),
        ("10.1.2.3:9310", 200),
        ("orders.internal:9310", 200),
        ("orders.internal.", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_only_known_names_are_answered(host, expected):
    """A page of evil.example cannot read ours by making its name resolve to 127.0.0.1."""
    guard = Guard(None, ["Orders.internal"])
    assert status(guard, {"host": host}) == expected


def test_a_short_token_is_no_token():
    """An empty or guessable token is refused, without being shown."""
    for short in ("", "hunter2"):
        with pytest.raises(ValueError, match="at least 16 characters") as caught:
            Guard(Secret(short))
        assert not short or short not in str(caught.value)


HASH = Secret(f"sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}")
OTHER = "another-token-of-24-chars"


def test_a_hash_stands_for_the_token():
    """What it is a hash of opens; the hash itself does not."""
    guard = Guard(None, token_hash=HASH)
    assert status(guard, {"authorization": f"Bearer {TOKEN}"}) == 200
    for wrong in (OTHER, HASH.reveal(), HASH.reveal().removeprefix("sha256:")):
        assert status(guard, {"authorization": f"Bearer {wrong}"}) == 401
    assert status(guard, {}) == 401


def test_a_token_and_the_hash_of_another_both_open():
    """So that a token is changed without a moment in which one of them is refused."""
    guard = Guard(Secret(OTHER), token_hash=HASH)
    assert [status(guard, {"authorization": f"Bearer {one}"}) for one in (TOKEN, OTHER, "third")] == [200, 200, 401]


def test_the_comparison_is_constant_time(monkeypatch):
    """By `hmac.compare_digest` alone, on digests of one length, whatever is sent, and for every token that opens."""
    compared = []

    def compare(one, other):
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(guard_module, "hmac", SimpleNamespace(compare_digest=compare))
    guard = Guard(Secret(OTHER), token_hash=HASH)
    for given in (TOKEN, OTHER, "x", "", "x" * 10_000):
        status(guard, {"authorization": f"Bearer {given}"})
    assert compared == [(32, 32)] * 10


def test_after_too_many_wrong_tokens_a_client_is_not_heard_for_a_while(monkeypatch):
    """Not with the right one either, or the limit would not slow anybody down. Others are, and the waiting has an end."""
    now = [1000.0]
    guard = Guard(Secret(TOKEN), attempts=5)
    monkeypatch.setattr(guard._attempts, "_clock", lambda: now[0])
    right, wrong = {"authorization": f"Bearer {TOKEN}"}, {"authorization": "Bearer wrong"}
    assert [status(guard, wrong) for _ in range(6)] == [401] * 5 + [429]
    refusal = guard.refusal({"host": "localhost", **right}, LOCAL)
    assert (refusal.status, refusal.code, refusal.headers["retry-after"]) == (429, "too_many_attempts", "12")
    assert status(guard, right, ("203.0.113.5", 1)) == 200
    assert status(guard, {}) == 401, "who sends none learns that one is needed"
    now[0] += 11.9
    assert status(guard, right) == 429
    now[0] += 0.2
    assert status(guard, right) == 200


def test_the_right_token_and_none_at_all_cost_no_attempt():
    guard = Guard(Secret(TOKEN), attempts=1)
    assert [status(guard, {"authorization": f"Bearer {TOKEN}"}) for _ in range(50)] == [200] * 50
    assert [status(guard, {}) for _ in range(50)] == [401] * 50
    assert status(guard, {"authorization": f"Bearer {TOKEN}"}) == 200


@pytest.mark.parametrize("name", ["localhost", "", "0.0.0.0", "::", "10.0.0.1", "128.0.0.1"])
def test_what_is_no_loopback_address(name):
    """Names, wildcards and other addresses are not loopback."""
    assert not is_loopback(name)
