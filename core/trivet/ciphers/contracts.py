"""What plugins give to `kernel.ciphers`: cipher backends, and the key ring that says which key is used."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from trivet.ciphers.subkey import material

if TYPE_CHECKING:
    from trivet.ciphers.keys import Passphrase


@runtime_checkable
class CipherBackend(Protocol):
    """An authenticated cipher (AEAD). Local ones return `bytes`; remote ones (a vault) may return an awaitable of `bytes`.

    Suite numbers: 1 XAES-256-GCM, 2 AES-256-GCM, 3 XChaCha20-Poly1305, 4 AES-256-GCM-SIV, 0xE000 to 0xFFFF third parties.
    `Ciphers` calls it with a key that seals this one message only, see `trivet.ciphers.envelope`.
    """

    suite: int
    key_bytes: int
    nonce_bytes: int
    tag_bytes: int
    max_messages: int
    """Messages under one key before the collision risk of random nonces passes the suite's bound."""
    max_bytes: int
    """The longest plaintext of one message, at least 65,536: what an envelope, or a segment of a stream, may hold."""
    committing: bool
    """True where a ciphertext opens under one key only."""

    def seal(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes | Awaitable[bytes]:
        """Return ciphertext and tag, ``len(data) + tag_bytes`` bytes."""
        ...

    def open(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes | Awaitable[bytes]:
        """Return the plaintext.

        Raises:
            ValueError: if anything does not fit. The registry turns it into the one `SealError`.
        """
        ...


@attrs.frozen(eq=False)
class Key:
    """A data key.

    Args:
        id: Random 64-bit number; never reused.
        suite: The suite it is used with.
        material: The key's bytes; in no repr.
    """

    id: int
    suite: int
    material: bytes = attrs.field(repr=False)

    @functools.cached_property
    def keyed(self) -> hmac.HMAC:
        """HMAC-SHA512 that has taken in the key and nothing else, to be copied: half the cost of starting anew.

        Raises:
            KeyRingError: if the key is too short.
        """
        return hmac.new(material(self), digestmod="sha512")


@runtime_checkable
class KeyRing(Protocol):
    """The keys of a service: one seals, all open. A service provider with ``provides=KeyRing``."""

    def primary(self) -> Key:
        """Return the key to seal with.

        Raises:
            KeyRingError: if there is none.
        """
        ...

    def find(self, key_id: int) -> Key | None:
        """Return the key of that id, or None."""
        ...

    def key_ids(self) -> Sequence[int]:
        """Return all ids, the primary first."""
        ...


@runtime_checkable
class KeyStore(KeyRing, Protocol):
    """A key ring that makes its keys itself: what ``trivet secrets init`` asks the service's key ring to be."""

    place: str
    """Where the keys are, for messages: a file, an address."""

    def create(self, *, suite: int) -> Key:
        """Make the first key, primary, where there is none yet. Of many processes that try at once, one succeeds.

        Args:
            suite: The number of the cipher that the key is for.

        Raises:
            KeyRingError: if there are keys already, or the place cannot be written.
        """
        ...


@runtime_checkable
class KeySource(Protocol):
    """Gives master keys from files, the environment, a credential directory, a vault.

    A setting such as ``plugins.key_file.master = "vault:orders/master"`` names the source, by its provider's name, and the key.
    """

    async def load(self, name: str) -> bytes | Passphrase:
        """Return a master key.

        Args:
            name: Which one: what the setting says after the colon; empty where it says nothing.

        Returns:
            At least 32 bytes that nobody can guess; or a `Passphrase`, which is stretched before it is used.

        Raises:
            KeyRingError: if it is not there or open to others; names the place, never the bytes.
        """
        ...


@runtime_checkable
class PasswordHasher(Protocol):
    """Hashes passwords for storage. Applications use `Passwords`, which picks one by the stored hash.

    It never blocks the event loop, and bounds how much memory many calls at once take.
    """

    scheme: str
    """The PHC identifier, e.g. ``argon2id``."""

    async def hash(self, password: str) -> str:
        """Return a PHC string with a fresh salt, ASCII, at most 400 characters."""
        ...

    async def verify(self, password: str, hashed: str) -> bool:
        """Say whether the password fits, in constant time.

        Raises:
            PasswordError: if ``hashed`` is no hash of this scheme, or asks for more than a bound. Checked before any work.
        """
        ...

    def needs_rehash(self, hashed: str) -> bool:
        """Say whether ``hashed`` was made with other parameters than today's.

        Raises:
            PasswordError: if it is no hash of this scheme.
        """
        ...
