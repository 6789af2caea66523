from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trivet_plugins.monitoring.history.clock import RisingClock


class Hands:
    wall = 1_000_000.0
    monotonic = 50.0


def made():
    hands = Hands()
    return hands, RisingClock(wall=lambda: hands.wall, monotonic=lambda: hands.monotonic)


def test_a_jump_ahead_is_followed():
    hands, clock = made()
    hands.wall += 3_601
    hands.monotonic += 1
    assert clock.now() == 1_003_601


def test_a_jump_back_is_not():
    """Time goes on at its own pace until the machine's clock has caught up."""
    hands, clock = made()
    hands.wall -= 3_599
    hands.monotonic += 1
    assert clock.now() == 1_000_001
    hands.wall += 5_000
    hands.monotonic += 5_000
    assert clock.now() == 1_005_001


def test_it_goes_on_after_what_an_earlier_process_has_seen():
    _hands, clock = made()
    clock.pass_by(1_000_900.0)
    assert clock.now() == 1_000_900
    clock.pass_by(5.0)
    assert clock.now() == 1_000_900


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 100)), max_size=30))
def test_it_never_goes_back(steps):
    hands, clock = made()
    last = clock.now()
    for wall, monotonic in steps:
        hands.wall += wall
        hands.monotonic += monotonic
        assert clock.now() >= last - 1e-6
        last = clock.now()
