"""`RingKey`: a data key with its state, its dates and its count, and how it stands in a key file of version 2."""

from __future__ import annotations

import datetime as dt
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Final

import attrs

from trivet import Key, KeyInfo, KeyState
from trivet.ciphers import base64url
from trivet_plugins.security.keys.wrapping import binary

if TYPE_CHECKING:
    from trivet_plugins.security.keys.wrapping import Wrap

KEY_BYTES: Final = 32

_CHECK_BYTES: Final = 8
_CHECK_LABEL: Final = b"trivet/ring/key"
_FIELDS: Final = frozenset({"id", "suite", "state", "created", "activates", "expires", "messages", "check"})
_ID: Final = re.compile(r"[0-9a-f]{16}\Z")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
_MAX_MESSAGES: Final = 2**100


@attrs.frozen(eq=False, kw_only=True)
class RingKey:
    """A data key of a ring.

    Args:
        key: Id, suite and bytes; no bytes once it is destroyed.
        state: As written; `trivet_plugins.security.keys.lifecycle.at` says what it is now.
        created: UTC, whole seconds, like the other dates.
        activates: From when on it seals.
        expires: When another is to take its place.
        messages: Sealed, or reserved by processes that may seal them.
        check: Tells of bytes whether they are this key's.
    """

    key: Key
    state: KeyState
    created: dt.datetime
    activates: dt.datetime
    expires: dt.datetime | None = None
    messages: int = 0
    check: bytes = b""

    @classmethod
    def generate(
        cls, suite: int, state: KeyState, *, now: dt.datetime, activates: dt.datetime, age: dt.timedelta
    ) -> RingKey:
        """Make a key of random bytes."""
        key = Key(secrets.randbits(64), suite, secrets.token_bytes(KEY_BYTES))
        expires = activates + age
        return cls(key=key, state=state, created=now, activates=activates, expires=expires, check=check_of(key))

    @property
    def id(self) -> int:
        """The key's id."""
        return self.key.id

    def info(self) -> KeyInfo:
        """Return what may be shown."""
        names = ("state", "created", "activates", "expires", "messages")
        return KeyInfo(id=self.id, suite=self.key.suite, **{name: getattr(self, name) for name in names})

    def destroyed(self) -> RingKey:
        """Return the tombstone of this key."""
        return attrs.evolve(self, key=Key(self.id, self.key.suite, b""), state=KeyState.DESTROYED)

    # -- in the file ----------------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, entry: object, wrap: Wrap | None) -> RingKey:
        """Read an entry; `ValueError` says what is wrong with it, without its bytes."""
        state = _state(entry)
        bare = {key: value for key, value in entry.items() if key in _FIELDS} if isinstance(entry, dict) else {}
        rest = {*entry} - _FIELDS if isinstance(entry, dict) else set()
        if bare.keys() != _FIELDS or rest != _material_fields(state, wrap):
            wanted = ", ".join(sorted(_FIELDS | _material_fields(state, wrap)))
            raise ValueError(f"must be an object of {wanted}")
        made = cls(
            key=Key(read_id(bare["id"]), read_suite(bare["suite"]), b""),
            state=state,
            created=read_date(bare["created"]),
            activates=read_date(bare["activates"]),
            expires=None if bare["expires"] is None else read_date(bare["expires"]),
            messages=_messages(bare["messages"]),
            check=binary(bare["check"], _CHECK_BYTES),
        )
        return made if state is KeyState.DESTROYED else made._with(entry, wrap)

    def _with(self, entry: object, wrap: Wrap | None) -> RingKey:
        assert isinstance(entry, dict)  # noqa: S101 - for the type checkers: `of` has looked
        material = (
            binary(entry["material"], KEY_BYTES) if wrap is None else wrap.unwrap(entry["wrapped"], self._place())
        )
        key = Key(self.id, self.key.suite, material)
        if not hmac.compare_digest(check_of(key), self.check):
            raise ValueError("its bytes are not those that its check value was made of")
        return attrs.evolve(self, key=key)

    def entry(self, wrap: Wrap | None) -> dict[str, object]:
        """Return what stands in the file."""
        made: dict[str, object] = {
            "id": f"{self.id:016x}",
            "suite": self.key.suite,
            "state": str(self.state),
            "created": date_text(self.created),
            "activates": date_text(self.activates),
            "expires": None if self.expires is None else date_text(self.expires),
            "messages": self.messages,
            "check": base64url.encode(self.check),
        }
        if self.state is KeyState.DESTROYED:
            return made
        if wrap is None:
            return {**made, "material": base64url.encode(self.key.material)}
        return {**made, "wrapped": wrap.wrap(self.key.material, self._place())}

    def _place(self) -> bytes:
        # What never changes in an entry. State, dates and count do; they are under the MAC of the file.
        return f"{self.id:016x} {self.key.suite} {date_text(self.created)}".encode()


def check_of(key: Key) -> bytes:
    """Return the check value of a key: 64 bits of an HMAC under it, from which nothing leads back."""
    return hmac.digest(key.material, _CHECK_LABEL + key.id.to_bytes(8, "big"), "sha256")[:_CHECK_BYTES]


def date_text(date: dt.datetime) -> str:
    """Return a date as it stands in the file."""
    return f"{date.replace(tzinfo=None, microsecond=0).isoformat()}Z"  # a tenth of what strftime takes


def read_date(value: object) -> dt.datetime:
    """Read ``2026-11-24T18:00:00Z``."""
    if isinstance(value, str) and _DATE.match(value):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:  # a month 13
            pass
    raise ValueError("created, activates and expires must be dates like 2026-11-24T18:00:00Z")


def read_id(value: object) -> int:
    """Read 16 hex digits."""
    if not isinstance(value, str) or not _ID.match(value):
        raise ValueError("id has not the form it must have")
    return int(value, 16)


def read_suite(value: object) -> int:
    """Read a suite's number."""
    if type(value) is not int or not 0 < value <= 0xFFFF:
        raise ValueError("suite must be a number from 1 to 65535")
    return value


def _messages(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_MESSAGES:
        raise ValueError("messages must be a count")
    return value


def _state(entry: object) -> KeyState:
    value = entry.get("state") if isinstance(entry, dict) else None
    if value not in tuple(KeyState):
        raise ValueError(f"must be an object whose state is one of {', '.join(KeyState)}")
    return KeyState(value)


def _material_fields(state: KeyState, wrap: Wrap | None) -> set[str]:
    return set() if state is KeyState.DESTROYED else {"material" if wrap is None else "wrapped"}
