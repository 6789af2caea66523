"""The life of keys, without files and clocks."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet import KeyRingError, KeyState
from trivet_plugins.security.keys import lifecycle
from trivet_plugins.security.keys.document import KeyDocument
from trivet_plugins.security.keys.entry import RingKey
from trivet_plugins.security.keys.lifecycle import Policy

START = dt.datetime(2026, 11, 24, 18, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
POLICY = Policy(suite=2, age=90 * DAY, messages=2**32, delay=48 * HOUR)
AT_ONCE = dt.timedelta()


def ring(*states):
    keys = [
        attrs.evolve(RingKey.generate(2, KeyState(state), now=START, activates=START, age=POLICY.age), expires=None)
        for state in states
    ]
    return KeyDocument(tuple(keys))


def states(document):
    return [str(one.state) for one in document.keys]


def test_a_new_key_is_published_then_seals_then_opens_only():
    """For 48 hours everybody can learn of it; then it seals by its date alone, and the old one opens what it has sealed."""
    document = lifecycle.rotated(ring("primary"), START, POLICY, delay=POLICY.delay)
    assert states(document) == ["primary", "pending"]
    assert lifecycle.at(document, START + 48 * HOUR - dt.timedelta(seconds=1)) is document
    assert states(lifecycle.at(document, START + 48 * HOUR)) == ["decrypt-only", "primary"]


def test_an_emergency_takes_the_new_key_at_once():
    """A key that was pending may have leaked with the others: it never seals, but it opens."""
    document = lifecycle.rotated(ring("primary"), START, POLICY, delay=POLICY.delay)
    document = lifecycle.rotated(document, START + HOUR, POLICY, delay=AT_ONCE)
    assert states(document) == ["decrypt-only", "decrypt-only", "primary"]
    assert lifecycle.at(document, START + 100 * DAY) is document


def test_one_key_is_pending_at_a_time():
    """The refusal says when it seals, and what to do if that is too late."""
    document = lifecycle.rotated(ring("primary"), START, POLICY, delay=POLICY.delay)
    with pytest.raises(KeyRingError, match=r"pending already and seals from 2026-11-26 18:00 UTC on; .* rotate --now"):
        lifecycle.rotated(document, START + HOUR, POLICY, delay=POLICY.delay)


@pytest.mark.parametrize(
    ("step", "allowed", "becomes"),
    [
        (lifecycle.retired, {"pending", "disabled"}, "decrypt-only"),
        (lifecycle.disabled, {"pending", "decrypt-only"}, "disabled"),
        (lifecycle.destroyed, {"disabled"}, "destroyed"),
    ],
)
@pytest.mark.parametrize("state", list(KeyState))
def test_each_step_goes_from_some_states_only(step, allowed, becomes, state):
    """And touches no other key. What is refused names the key, its state and what would help."""
    document = ring("primary", "decrypt-only", state) if state != "primary" else ring("primary")
    key = document.keys[-1]
    if state in allowed:
        after = step(document, key.id)
        assert states(after) == [*states(document)[:-1], becomes]
        assert after.keys[:-1] == document.keys[:-1]
    else:
        with pytest.raises(KeyRingError, match=f"key {key.id:016x} is {state}"):
            step(document, key.id)


def test_a_destroyed_key_leaves_its_name_only():
    """The bytes are gone; the id stays, so that it is never given again."""
    document = ring("primary", "disabled")
    gone = lifecycle.destroyed(document, document.keys[1].id).keys[1]
    assert gone.key.material == b""
    assert gone.id == document.keys[1].id


@pytest.mark.parametrize("step", [lifecycle.retired, lifecycle.disabled, lifecycle.destroyed])
def test_a_key_that_is_not_there_is_named(step):
    """With the command that shows what is."""
    with pytest.raises(KeyRingError, match=r"no key 00000000000000ff in the ring; trivet keys list"):
        step(ring("primary"), 0xFF)


@pytest.mark.parametrize(
    ("age", "messages", "limit", "due"),
    [
        (0, 0, 2**32, False),
        (87, 0, 2**32, False),
        (88, 0, 2**32, True),  # 90 days less the time in which the new one becomes known
        (0, 2**31 - 1, 2**32, False),
        (0, 2**31, 2**32, True),  # half of what the cipher allows
        (0, 2**31, 2**80, False),
        (0, 2**32, 2**80, True),  # what the policy says
        (0, 2**32, None, True),
    ],
)
def test_a_key_is_replaced_by_age_and_by_count(age, messages, limit, due):
    """Whichever comes first."""
    document = ring("primary")
    document = lifecycle.reserved(document, document.keys[0].id, messages)
    now = START + age * DAY
    assert (lifecycle.overdue(document, now, POLICY, limit) is not None) is due
    after = lifecycle.maintained(document, now, POLICY, limit)
    assert states(after) == (["primary", "pending"] if due else ["primary"])
    assert lifecycle.maintained(after, now, POLICY, limit) is after


def test_a_key_that_is_nearly_used_up_does_not_wait_for_the_date():
    """Members that do not know the new key yet look it up; nobody could seal otherwise."""
    document = ring("primary")
    document = lifecycle.reserved(document, document.keys[0].id, 95)
    after = lifecycle.maintained(document, START, POLICY, 100)
    assert states(after) == ["decrypt-only", "primary"]
    assert after.keys[1].activates == START


@given(
    st.lists(st.tuples(st.sampled_from(["rotate", "now", "retire", "disable", "destroy", "wait"]), st.integers(0, 9)))
)
def test_whatever_is_done_there_is_one_primary_key_and_no_id_is_lost(steps):
    """Any order of steps, refused or not: one key seals, and all that ever were are still listed."""
    document, now, seen = ring("primary"), START, set()
    actions = {
        "rotate": lambda one, _: lifecycle.rotated(one, now, POLICY, delay=POLICY.delay),
        "now": lambda one, _: lifecycle.rotated(one, now, POLICY, delay=AT_ONCE),
        "retire": lifecycle.retired,
        "disable": lifecycle.disabled,
        "destroy": lifecycle.destroyed,
        "wait": lambda one, _: one,
    }
    for name, number in steps:
        now += number * 12 * HOUR
        document = lifecycle.at(document, now)
        try:
            document = actions[name](document, document.keys[number % len(document.keys)].id)
        except KeyRingError:
            assert name not in ("now", "wait")
        seen.update(one.id for one in document.keys)
        assert states(document).count("primary") == 1
        assert {one.id for one in document.keys} == seen
        assert KeyDocument.parse(document.dump(), lambda _: None).dump() == document.dump()
