"""The content of a key file, version 1, which had no wrapping, no dates and no counts. It is read and no longer written.

.. code-block:: json

    {"version": 1, "keys": [{"id": "9f86d081884c7d65", "suite": 2, "state": "primary",
                             "created": "2026-11-24T18:00:00Z", "material": "<43 characters base64url: 32 bytes>"}]}
"""

from __future__ import annotations

from typing import Final

from trivet import Key, KeyState
from trivet_plugins.security.keys.entry import KEY_BYTES, RingKey, check_of, read_date, read_id, read_suite
from trivet_plugins.security.keys.wrapping import binary

_FIELDS: Final = frozenset({"id", "suite", "state", "created", "material"})
_STATES: Final = (KeyState.PRIMARY, KeyState.DECRYPT_ONLY)


def read(tree: dict[str, object]) -> list[RingKey]:
    """Read the keys; `ValueError` says what is wrong with them, without their bytes."""
    if tree.keys() != {"version", "keys"}:
        raise ValueError("not a key file: in version 1 it must be an object of version and keys")
    entries = tree["keys"]
    if not isinstance(entries, list) or not entries:
        raise ValueError("keys must be a list of at least one key")
    return [_entry(number, entry) for number, entry in enumerate(entries, 1)]


def _entry(number: int, entry: object) -> RingKey:
    try:
        return _key(entry)
    except ValueError as exc:
        reason = str(exc)
    raise ValueError(f"key {number}: {reason}")


def _key(entry: object) -> RingKey:
    if not isinstance(entry, dict) or entry.keys() != _FIELDS:
        raise ValueError(f"must be an object of {', '.join(sorted(_FIELDS))}")
    if entry["state"] not in _STATES:
        raise ValueError(f"state must be {' or '.join(_STATES)}")
    created = read_date(entry["created"])
    key = Key(read_id(entry["id"]), read_suite(entry["suite"]), binary(entry["material"], KEY_BYTES))
    return RingKey(key=key, state=KeyState(entry["state"]), created=created, activates=created, check=check_of(key))
