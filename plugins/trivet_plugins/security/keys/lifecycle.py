"""The life of the keys of a ring: what each step makes of a `KeyDocument`. Pure: no file, no clock.

.. code-block:: text

    rotate            its time has come         the next one's time has come      disable              destroy
    ------> pending -------------------> primary -----------------------> decrypt-only ----> disabled ---------> destroyed
               |                                                              ^                 |
               +--------------------------- retire ---------------------------+---- retire -----+

A pending key turns primary by its date alone: members that only read the ring change over at the same moment as the one that
writes, and none needs to hear of it in time. What the date has changed is written with the next change.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import attrs

from trivet import KeyRingError, KeyState
from trivet_plugins.security.keys.entry import RingKey

if TYPE_CHECKING:
    from trivet_plugins.security.keys.document import KeyDocument

USED_UP: Final = 0.9
"""The share of a cipher's limit from which on the next key does not wait for its date."""

_ANEW: Final = 10  # tries to find an id that no key of the ring has or had


@attrs.frozen(kw_only=True)
class Policy:
    """When keys are replaced.

    Args:
        suite: The cipher that new keys are for.
        age: How long a key seals.
        messages: How many it seals, unless half of its cipher's limit is less.
        delay: How long a new key is known before it seals.
    """

    suite: int
    age: dt.timedelta
    messages: int
    delay: dt.timedelta


def at(document: KeyDocument, now: dt.datetime) -> KeyDocument:
    """Return what a ring is at a time: the pending key whose date came last is primary, all before it are not."""
    due = [one for one in document.keys if one.state is KeyState.PENDING and one.activates <= now]
    if not due:
        return document
    return _promoted(document, max(due, key=lambda one: one.activates))


def _promoted(document: KeyDocument, key: RingKey) -> KeyDocument:
    """Make a key primary; what has sealed before it, or was to, only opens from now on."""

    def state_of(one: RingKey) -> KeyState:
        if one is key:
            return KeyState.PRIMARY
        passed = one.state is KeyState.PRIMARY or (one.state is KeyState.PENDING and one.activates <= key.activates)
        return KeyState.DECRYPT_ONLY if passed else one.state

    return attrs.evolve(document, keys=tuple(attrs.evolve(one, state=state_of(one)) for one in document.keys))


def rotated(document: KeyDocument, now: dt.datetime, policy: Policy, *, delay: dt.timedelta) -> KeyDocument:
    """Add a key that seals after a delay; without a delay it is primary at once, and a pending one will never be.

    Raises:
        KeyRingError: if a key is pending already, and the new one is to wait too.
    """
    pending = next((one for one in document.keys if one.state is KeyState.PENDING), None)
    if delay and pending is not None:
        raise KeyRingError(
            f"key {pending.id:016x} is pending already and seals from {pending.activates:%Y-%m-%d %H:%M} UTC on; "
            "wait for it, or take another at once: trivet keys rotate --now"
        )
    key = _fresh(document, now, policy, delay)
    if delay:
        return attrs.evolve(document, keys=(*document.keys, key))
    if pending is not None:
        document = retired(document, pending.id)
    return _promoted(attrs.evolve(document, keys=(*document.keys, key)), key)


def _fresh(document: KeyDocument, now: dt.datetime, policy: Policy, delay: dt.timedelta) -> RingKey:
    for _ in range(_ANEW):
        made = RingKey.generate(policy.suite, KeyState.PENDING, now=now, activates=now + delay, age=policy.age)
        if document.find(made.id) is None:
            return made
    raise KeyRingError("this machine's random numbers repeat themselves; make no keys on it")


def retired(document: KeyDocument, key_id: int) -> KeyDocument:
    """Have a pending or disabled key open values and seal none.

    Raises:
        KeyRingError: if it is in another state.
    """
    key = _known(document, key_id)
    if key.state is KeyState.PRIMARY:
        raise KeyRingError(f"key {key_id:016x} is primary: give it a successor first, trivet keys rotate --now")
    return _moved(document, key, (KeyState.PENDING, KeyState.DISABLED), KeyState.DECRYPT_ONLY)


def disabled(document: KeyDocument, key_id: int) -> KeyDocument:
    """Have a key open nothing.

    Raises:
        KeyRingError: if it is primary, disabled or destroyed.
    """
    key = _known(document, key_id)
    if key.state is KeyState.PRIMARY:
        raise KeyRingError(f"key {key_id:016x} is primary: give it a successor first, trivet keys rotate --now")
    return _moved(document, key, (KeyState.PENDING, KeyState.DECRYPT_ONLY), KeyState.DISABLED)


def destroyed(document: KeyDocument, key_id: int) -> KeyDocument:
    """Remove a key's bytes.

    Raises:
        KeyRingError: if it is not disabled.
    """
    key = _known(document, key_id)
    if key.state is not KeyState.DISABLED:
        remedy = (
            "give it a successor first, trivet keys rotate --now, then" if key.state is KeyState.PRIMARY else "first"
        )
        raise KeyRingError(
            f"key {key_id:016x} is {key.state}: {remedy} disable it, and destroy it once nothing has missed it"
        )
    return _replaced(document, key, key.destroyed())


def reserved(document: KeyDocument, key_id: int, block: int) -> KeyDocument:
    """Count a block of messages that a process is about to seal."""
    key = _known(document, key_id)
    return _replaced(document, key, attrs.evolve(key, messages=key.messages + block))


def overdue(document: KeyDocument, now: dt.datetime, policy: Policy, limit: int | None) -> str | None:
    """Say why the primary key wants a successor that is not there yet; None where all is well.

    Args:
        document: The ring as it is now.
        now: The time.
        policy: When keys are replaced.
        limit: The most messages that the primary key's cipher allows; None where it is not known.
    """
    primary = document.primary()
    if any(one.state is KeyState.PENDING for one in document.keys):
        return None
    if now >= (primary.expires or primary.activates + policy.age) - policy.delay:
        return f"it is {(now - primary.activates).days} days old"
    if primary.messages >= threshold(policy, limit):
        return "it has sealed as many messages as one key should"
    return None


def threshold(policy: Policy, limit: int | None) -> int:
    """Return at how many messages a key wants a successor: the policy's number, or half of its cipher's limit."""
    return policy.messages if limit is None else min(policy.messages, limit // 2)


def maintained(document: KeyDocument, now: dt.datetime, policy: Policy, limit: int | None) -> KeyDocument:
    """Do what is due: publish a successor in time, and have it seal early where the primary key is nearly used up."""
    if overdue(document, now, policy, limit) is not None:
        document = rotated(document, now, policy, delay=policy.delay)
    if limit is not None and document.primary().messages >= limit * USED_UP:
        pending = next((one for one in document.keys if one.state is KeyState.PENDING), None)
        if pending is not None:
            early = attrs.evolve(pending, activates=now)
            return _promoted(_replaced(document, pending, early), early)
    return document


def _known(document: KeyDocument, key_id: int) -> RingKey:
    key = document.find(key_id)
    if key is None:
        raise KeyRingError(f"there is no key {key_id:016x} in the ring; trivet keys list shows all")
    return key


def _moved(document: KeyDocument, key: RingKey, expected: tuple[KeyState, ...], state: KeyState) -> KeyDocument:
    if key.state not in expected:
        raise KeyRingError(
            f"key {key.id:016x} is {key.state}; only one that is {' or '.join(expected)} can become {state}"
        )
    return _replaced(document, key, attrs.evolve(key, state=state))


def _replaced(document: KeyDocument, old: RingKey, new: RingKey) -> KeyDocument:
    return attrs.evolve(document, keys=tuple(new if one is old else one for one in document.keys))
