"""The content of a key file, version 2: a JSON object, at most 1 MiB.

.. code-block:: json

    {"version": 2, "generation": 7,
     "wrapping": {"salt": "<32 bytes>", "check": "<8 bytes>", "argon2id": {"memory": 65536, "passes": 3, "lanes": 4}},
     "keys": [{"id": "9f86d081884c7d65", "suite": 2, "state": "primary", "created": "2026-11-24T18:00:00Z",
               "activates": "2026-11-24T18:00:00Z", "expires": "2027-02-22T18:00:00Z", "messages": 1048576,
               "check": "<8 bytes>", "wrapped": "<60 bytes: nonce, key, tag>"}],
     "mac": "<32 bytes>"}

Bytes are base64url without padding. ``argon2id`` is null where the master key is no passphrase. Without a master key
``wrapping`` is null and a key has ``material``, its 32 bytes, in place of ``wrapped``. A destroyed key has neither.

``mac`` is HMAC-SHA256 over all the rest as compact JSON with sorted names, under a key from the master key
(`trivet_plugins.security.keys.wrapping`). In a file without wrapping it is a checksum: whoever may write that file has its keys.

Everything that this version does not know is refused, so that an older trivet never drops what a newer one wrote. Version 1
(`trivet_plugins.security.keys.document_v1`) is read, and written as version 2 with the first change.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Final

import attrs

from trivet import KeyState
from trivet.ciphers import base64url
from trivet_plugins.security.keys import document_v1
from trivet_plugins.security.keys.entry import RingKey
from trivet_plugins.security.keys.wrapping import Header, binary

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet_plugins.security.keys.wrapping import Wrap

MAX_BYTES: Final = 1024 * 1024
_MAX_GENERATION: Final = 2**63
_FIELDS: Final = {"version", "generation", "wrapping", "keys", "mac"}
_CHECKSUM_KEY: Final = b"trivet/ring/v2 unwrapped"
_MAC_BYTES: Final = 32


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


def _mac(tree: dict[str, object], wrap: Wrap | None) -> bytes:
    body = {name: value for name, value in tree.items() if name != "mac"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return hmac.digest(_CHECKSUM_KEY if wrap is None else wrap.mac_key, text, "sha256")


@attrs.frozen(eq=False)
class KeyDocument:
    """All keys of a file.

    Args:
        keys: In the order in which they were made.
        generation: How often the file was written; 0 in version 1.
        wrap: The master key at work; None where the keys stand as they are.
    """

    keys: tuple[RingKey, ...]
    generation: int = 1
    wrap: Wrap | None = None

    @classmethod
    def parse(cls, raw: bytes, unlock: Callable[[Header | None], Wrap | None]) -> KeyDocument:
        """Read a key file's content.

        Args:
            raw: The content.
            unlock: Gives the master key at work for what the file says of its wrapping; raises where it has none, or where the
                file has no wrapping and should.

        Raises:
            ValueError: with what is wrong; never with content.
        """
        loaded = _load(raw)
        if isinstance(loaded, dict) and loaded.get("version") == 1 and loaded["version"] is not True:
            keys = document_v1.read(loaded)
            return cls._checked(keys, 0, unlock(None))
        if not isinstance(loaded, dict) or not {"version", "keys"} <= loaded.keys():
            raise ValueError("not a key file: it must be an object of version, keys and more")
        if type(loaded["version"]) is not int or loaded["version"] != 2:
            raise ValueError("written by another version of trivet: this one reads versions 1 and 2")
        return cls._read(loaded, unlock)

    @classmethod
    def _read(cls, tree: dict[str, object], unlock: Callable[[Header | None], Wrap | None]) -> KeyDocument:
        if tree.keys() != _FIELDS:
            raise ValueError(f"not a key file: it must be an object of {', '.join(sorted(_FIELDS))}")
        generation, entries = tree["generation"], tree["keys"]
        if type(generation) is not int or not 0 < generation < _MAX_GENERATION:
            raise ValueError("generation must be a count")
        mac = binary(tree["mac"], _MAC_BYTES)
        wrap = unlock(None if tree["wrapping"] is None else Header.of(tree["wrapping"]))
        if not hmac.compare_digest(mac, _mac(tree, wrap)):
            raise ValueError("the file was changed by something else than trivet (its MAC does not fit)")
        if not isinstance(entries, list) or not entries:
            raise ValueError("keys must be a list of at least one key")
        return cls._checked([_entry(number, entry, wrap) for number, entry in enumerate(entries, 1)], generation, wrap)

    @classmethod
    def _checked(cls, keys: list[RingKey], generation: int, wrap: Wrap | None) -> KeyDocument:
        if sum(one.state is KeyState.PRIMARY for one in keys) != 1:
            raise ValueError("exactly one key must be primary")
        if len({one.id for one in keys}) != len(keys):
            raise ValueError("two keys have one id")
        return cls(tuple(keys), generation, wrap)

    def find(self, key_id: int) -> RingKey | None:
        """Return the key of an id, whatever its state."""
        return next((one for one in self.keys if one.id == key_id), None)

    def primary(self) -> RingKey:
        """Return the key that is written as the primary one."""
        return next(one for one in self.keys if one.state is KeyState.PRIMARY)

    def dump(self) -> bytes:
        """Return the file's content; a data key is encrypted anew each time."""
        tree: dict[str, object] = {
            "version": 2,
            "generation": self.generation,
            "wrapping": None if self.wrap is None else self.wrap.header.entry(),
            "keys": [one.entry(self.wrap) for one in self.keys],
        }
        return _text({**tree, "mac": base64url.encode(_mac(tree, self.wrap))}).encode()


def _text(tree: dict[str, object]) -> str:
    """Lay the JSON out with a line per key: short differences, and a third of the time that ``indent`` takes."""
    entries = tree["keys"]
    assert isinstance(entries, list)  # noqa: S101 - for the type checkers
    keys = ",\n".join(f"    {json.dumps(entry)}" for entry in entries)
    fields = [f'  "{name}": ' + (f"[\n{keys}\n  ]" if name == "keys" else json.dumps(tree[name])) for name in tree]
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _entry(number: int, entry: object, wrap: Wrap | None) -> RingKey:
    try:
        return RingKey.of(entry, wrap)
    except ValueError as exc:
        reason = str(exc)
    raise ValueError(f"key {number}: {reason}")
