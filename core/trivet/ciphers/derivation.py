"""`Derivation`: keys for the application's own use, made of the key ring: for cookies, a client's tokens, a cache's encryption.

``HKDF-Expand`` with SHA-512 (RFC 5869, section 2.3; the data key is random already, so nothing is extracted, section 3.3) of
``subkey = HMAC-SHA512(data key, "trivet/kdf/v1")[:32]`` with ``info = Binding.encode || length u16``: what differs in purpose,
service, path or length has nothing in common.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import attrs

from trivet.ciphers.binding import bind
from trivet.ciphers.subkey import subkey
from trivet.errors import KeyRingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet.ciphers.contracts import KeyRing
    from trivet.ciphers.operation import Operation
    from trivet.config.origin import Path

MIN_BYTES: Final = 16
MAX_BYTES: Final = 64
"""One block of SHA-512: more than any cipher or MAC takes."""

_LABEL: Final = b"trivet/kdf/v1"


@attrs.frozen(eq=False)
class DerivedKey:
    """A key for the application's own use.

    Args:
        id: Of the data key that it is made of. Store it with what the key protects: after a rotation it finds the same key.
        material: The key's bytes; in no repr.
    """

    id: int
    material: bytes = attrs.field(repr=False)


class Derivation:
    """The part of `Ciphers` that derives keys."""

    _name: str

    if TYPE_CHECKING:  # what `Ciphers` has

        def operation(self, name: str, target: str) -> Operation:
            """See `Ciphers.operation`."""
            raise NotImplementedError

        def _require_ring(self) -> KeyRing: ...

    def derive(self, *, purpose: str, length: int = 32, path: Path = (), key_id: int | None = None) -> DerivedKey:
        """Derive a key for the application's own use. The same arguments and data key always give the same.

        Args:
            purpose: What it is for, e.g. ``cookies``.
            length: Bytes, 16 to 64.
            path: Narrows the purpose down, e.g. ``("tenant", 7)``.
            key_id: Of the data key to make it of; default: the primary key, which is another one after a rotation.

        Returns:
            The key, with the id of its data key.

        Raises:
            ValueError: if the length is out of range.
            KeyRingError: if there is no key, or none of that id.

        Example:
            >>> current = kernel.ciphers.derive(purpose="cookies")
            >>> older = kernel.ciphers.derive(purpose="cookies", key_id=id_from_the_cookie)
        """
        if not MIN_BYTES <= length <= MAX_BYTES:
            raise ValueError(f"a derived key has {MIN_BYTES} to {MAX_BYTES} bytes, not {length}")
        place, target = bind(purpose, self._name, path, "bytes")
        with self.operation("derive", target) as operation:
            ring = self._require_ring()
            operation.key_id = key_id
            key = ring.primary() if key_id is None else ring.find(key_id)
            if key is None:
                raise KeyRingError(
                    f"there is no key {key_id:016x} in the ring; what it protected can no longer be read"
                )
            operation.key_id = key.id
            info = place + length.to_bytes(2, "big")
            okm = hmac.digest(subkey(key, _LABEL), info + b"\x01", "sha512")
            return DerivedKey(key.id, okm[:length])

    def key_ids(self) -> Sequence[int]:
        """Return the ids of all keys that can be used, the primary first.

        Raises:
            KeyRingError: if the ring cannot be used.
        """
        return self._require_ring().key_ids()
