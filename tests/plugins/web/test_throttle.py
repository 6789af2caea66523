"""How often a client may do what it should not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet_plugins.web.throttle import Throttle


@pytest.fixture
def clock():
    """A clock that stands until it is moved."""

    class Clock:
        now = 1000.0

        def __call__(self):
            return self.now

    return Clock()


def test_a_bucket_is_emptied_and_flows_back_evenly(clock):
    """Sixty a minute are one a second, and never more than sixty."""
    throttle = Throttle(60, clock=clock)
    assert [throttle.take("192.0.2.1") for _ in range(61)] == [True] * 60 + [False]
    assert throttle.wait("192.0.2.1") == pytest.approx(1.0)
    clock.now += 2.5
    assert throttle.wait("192.0.2.1") == 0.0
    assert [throttle.take("192.0.2.1") for _ in range(3)] == [True, True, False]
    clock.now += 10_000
    assert sum(throttle.take("192.0.2.1") for _ in range(100)) == 60


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        (None, "testclient", True),
    ],
)
def test_who_shares_a_bucket(clock, one, other, together):
    """An IPv4 address is one client, a /64 of IPv6 too; who has no address shares one."""
    throttle = Throttle(1, clock=clock)
    assert throttle.take(one)
    assert throttle.take(other) is not together


@given(st.lists(st.integers(0, 2**32 - 1), max_size=300))
def test_the_memory_is_bounded(addresses):
    """However many clients there are."""
    throttle = Throttle(3, clients=50, clock=lambda: 0.0)
    for address in addresses:
        throttle.take(f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}")
    assert len(throttle) <= 50


def test_the_quietest_is_forgotten_first(clock):
    throttle = Throttle(1, clients=2, clock=clock)
    for client in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        throttle.take(client)
    assert [throttle.take(f"192.0.2.{n}") for n in (3, 2, 1)] == [False, False, True]
