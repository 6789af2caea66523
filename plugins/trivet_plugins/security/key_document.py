"""The content of a key file, version 1: a JSON object, at most 1 MiB.

.. code-block:: json

    {"version": 1, "keys": [{"id": "9f86d081884c7d65", "suite": 2, "state": "primary",
                             "created": "2026-11-24T18:00:00Z", "material": "<43 characters base64url: 32 bytes>"}]}

``state``: exactly one key is ``primary`` and seals; the others are ``decrypt-only``. Everything that this version does not
know is refused, so that an older trivet never drops what a newer one wrote.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
import secrets
from typing import Final, cast

import attrs

from trivet import Key

MAX_BYTES: Final = 1024 * 1024
PRIMARY: Final = "primary"
DECRYPT_ONLY: Final = "decrypt-only"

_KEY_BYTES: Final = 32
_FIELDS: Final = frozenset({"id", "suite", "state", "created", "material"})
_ID: Final = re.compile(r"[0-9a-f]{16}\Z")
_MATERIAL: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_CREATED: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _load(raw: bytes) -> object:
    try:
        return json.loads(raw, object_pairs_hook=_object)
    except json.JSONDecodeError as exc:  # it carries the whole document: only the place may leave
        place = f"line {exc.lineno}, column {exc.colno}"
    except (ValueError, RecursionError):  # no UTF-8, a name twice, nested too deep
        place = "encoding or structure"
    raise ValueError(f"not the JSON of a key file ({place})")


@attrs.frozen(eq=False)
class StoredKey:
    """A key as it stands in the file.

    Args:
        key: Id, suite and bytes.
        state: ``primary`` or ``decrypt-only``.
        created: UTC, ``2026-11-24T18:00:00Z``.
    """

    key: Key
    state: str
    created: str

    @classmethod
    def generate(cls, suite: int) -> StoredKey:
        """Make a random primary key for a cipher suite."""
        now = dt.datetime.now(dt.UTC)
        key = Key(secrets.randbits(64), suite, secrets.token_bytes(_KEY_BYTES))
        return cls(key, PRIMARY, f"{now:%Y-%m-%dT%H:%M:%SZ}")

    @classmethod
    def of(cls, entry: object) -> StoredKey:
        """Read one entry of the file; `ValueError` says what is wrong with it, without its bytes."""
        if not isinstance(entry, dict) or entry.keys() != _FIELDS:
            raise ValueError(f"must be an object of {', '.join(sorted(_FIELDS))}")
        id_, material = _text(entry, "id", _ID), _text(entry, "material", _MATERIAL)
        suite, state = entry["suite"], entry["state"]
        if type(suite) is not int or not 0 < suite <= 0xFFFF:
            raise ValueError("suite must be a number from 1 to 65535")
        if state not in (PRIMARY, DECRYPT_ONLY):
            raise ValueError(f"state must be {PRIMARY} or {DECRYPT_ONLY}")
        return cls(Key(int(id_, 16), suite, _material(material)), cast("str", state), _text(entry, "created", _CREATED))

    def entry(self) -> dict[str, object]:
        """Return what stands in the file."""
        material = base64.urlsafe_b64encode(self.key.material).rstrip(b"=").decode()
        values = (f"{self.key.id:016x}", self.key.suite, self.state, self.created, material)
        return dict(zip(("id", "suite", "state", "created", "material"), values, strict=True))


def _text(entry: dict[str, object], name: str, form: re.Pattern[str]) -> str:
    value = entry[name]
    if not isinstance(value, str) or not form.match(value):
        raise ValueError(f"{name} has not the form it must have")
    return value


def _material(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=")
    except binascii.Error:
        pass
    raise ValueError("material is no base64url")


@attrs.frozen(eq=False)
class KeyDocument:
    """All keys of a file.

    Args:
        keys: In the order of the file.
    """

    keys: tuple[StoredKey, ...]

    @classmethod
    def parse(cls, raw: bytes) -> KeyDocument:
        """Read a key file's content.

        Raises:
            ValueError: with what is wrong; never with content.
        """
        loaded = _load(raw)
        if not isinstance(loaded, dict) or loaded.keys() != {"version", "keys"}:
            raise ValueError("not a key file: it must be an object of version and keys")
        version, entries = loaded["version"], loaded["keys"]
        if type(version) is not int or version != 1:
            raise ValueError("written by another version of trivet: this one reads version 1")
        if not isinstance(entries, list) or not entries:
            raise ValueError("keys must be a list of at least one key")
        keys = [cls._entry(number, entry) for number, entry in enumerate(entries, 1)]
        if sum(stored.state == PRIMARY for stored in keys) != 1:
            raise ValueError("exactly one key must be primary")
        if len({stored.key.id for stored in keys}) != len(keys):
            raise ValueError("two keys have one id")
        return cls(tuple(keys))

    @staticmethod
    def _entry(number: int, entry: object) -> StoredKey:
        try:
            return StoredKey.of(entry)
        except ValueError as exc:
            reason = str(exc)
        raise ValueError(f"key {number}: {reason}")

    def primary(self) -> Key:
        """Return the key that seals."""
        return next(stored.key for stored in self.keys if stored.state == PRIMARY)

    def dump(self) -> bytes:
        """Return the file's content."""
        tree = {"version": 1, "keys": [stored.entry() for stored in self.keys]}
        return json.dumps(tree, indent=2).encode() + b"\n"
