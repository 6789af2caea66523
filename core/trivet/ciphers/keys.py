"""The keys of a ring as its keeper sees them, and what a ring offers that counts messages or manages its keys itself."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from typing import Final, Protocol, final, runtime_checkable

import attrs

from trivet.ciphers.contracts import Key, KeyRing, KeyStore

MASTER_KEY_BYTES: Final = 32
"""The least length of a master key."""


class KeyState(enum.StrEnum):
    """The life of a data key, in this order; ``retire`` brings a pending or disabled one to ``decrypt-only``."""

    PENDING = "pending"
    """Published: it opens already, and seals from `KeyInfo.activates` on, when every member knows it."""
    PRIMARY = "primary"
    """Seals, and opens. One key at most."""
    DECRYPT_ONLY = "decrypt-only"
    """Opens what it has sealed."""
    DISABLED = "disabled"
    """Does nothing; may come back."""
    DESTROYED = "destroyed"
    """Its bytes are gone. Its id stays in the ring, so that no other key gets it."""

    @property
    def opens(self) -> bool:
        """True where a key in this state opens values."""
        return self in (KeyState.PENDING, KeyState.PRIMARY, KeyState.DECRYPT_ONLY)


@attrs.frozen(kw_only=True)
class KeyInfo:
    """What there is to know of a key, without its bytes.

    Args:
        id: Its id.
        suite: The cipher it is for.
        state: Its state now.
        created: When it was made; UTC, like all of these.
        activates: From when on it seals.
        expires: When another is to take its place; None where the ring was not told.
        messages: How many it may have sealed: those counted, and those reserved by processes that have not sealed them yet.
    """

    id: int
    suite: int
    state: KeyState
    created: dt.datetime
    activates: dt.datetime
    expires: dt.datetime | None
    messages: int


@attrs.frozen(kw_only=True)
class KeyListing:
    """All keys of a ring.

    Args:
        place: Where they are: a file, an address.
        generation: How often the ring was written.
        wrapped_by: What protects the keys where they are stored; None where they stand as they are.
        writable: False where this process can only read the ring.
        keys: In the order in which they were made.
    """

    place: str
    generation: int
    wrapped_by: str | None
    writable: bool
    keys: Sequence[KeyInfo]


@runtime_checkable
class KeyCounter(KeyRing, Protocol):
    """A key ring that counts what its keys seal. `Ciphers` asks it before every message."""

    def count(self, key: Key, limit: int) -> None:
        """Count one more message under a key. Called in the event loop for every message: fast, and never waits for long.

        Args:
            key: The key that is about to seal.
            limit: The most messages that its cipher allows under one key.

        Raises:
            KeyRingError: if the key has reached the limit; says how to get another one.
        """
        ...


@runtime_checkable
class KeyKeeper(KeyStore, Protocol):
    """A key ring that manages its keys: what ``trivet keys`` asks the service's key ring to be.

    Every change is one `Operation` of the audit log and raises `KeyRingError` where it cannot be done.
    """

    async def listing(self) -> KeyListing:
        """Return all keys as they are now, destroyed ones too."""
        ...

    async def rotate(self, *, suite: int | None = None, delay: float | None = None) -> KeyInfo:
        """Make a new key that seals after a delay; the primary one stays until then and opens ever after.

        Args:
            suite: The cipher that it is for; None: as the ring is set up.
            delay: Seconds until it seals; 0: at once; None: as the ring is set up.
        """
        ...

    async def retire(self, key_id: int) -> KeyInfo:
        """Have a pending or disabled key open values, and seal none."""
        ...

    async def disable(self, key_id: int) -> KeyInfo:
        """Have a key that does not seal open nothing any more; `retire` takes it back."""
        ...

    async def destroy(self, key_id: int) -> KeyInfo:
        """Remove the bytes of a disabled key for good: what it has sealed is lost."""
        ...

    async def rewrap(self) -> KeyListing:
        """Wrap all keys under the master key that is set up now; touches no sealed value."""
        ...


@final
class Passphrase:
    """What a `KeySource` gives that has no key but something a human chose: the ring makes a key of it, with Argon2id.

    Args:
        text: The passphrase; in no repr.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the passphrase."""
        return self._text

    def __repr__(self) -> str:
        return "Passphrase(***)"
