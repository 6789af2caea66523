"""`Signing`: message authentication under the key ring. A signature in text form is ``trivet-mac:1:<base64url, 54 characters>``.

======  =====  =====================================================
offset  bytes  content
======  =====  =====================================================
0       8      key id, big-endian: which key of the ring verifies it
8       32     tag
======  =====  =====================================================

The tag is ``HMAC-SHA256(subkey, Binding.encode || data)`` (RFC 2104) with ``subkey = HMAC-SHA512(data key,
"trivet/mac/v1")[:32]``. The encoding of the binding (purpose, service, path, type ``bytes``) says where it ends, so no byte can
move between it and the data. After a rotation new signatures are under the new primary key; the key id finds the older one.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Final

from trivet.ciphers import base64url
from trivet.ciphers.binding import bind
from trivet.ciphers.subkey import subkey
from trivet.errors import SealError

if TYPE_CHECKING:
    from trivet.ciphers.contracts import Key, KeyRing
    from trivet.ciphers.operation import Operation
    from trivet.config.origin import Path

PREFIX: Final = "trivet-mac:1:"
"""What every signature starts with."""

_FORM: Final = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]{54}\Z")
_LABEL: Final = b"trivet/mac/v1"
_ID_BYTES: Final = 8
_DOES_NOT_FIT: Final = (
    "the signature does not fit: it or the data is damaged, or it was made with another key or for another place"
)


class Signing:
    """The part of `Ciphers` that signs and verifies."""

    _name: str

    if TYPE_CHECKING:  # what `Ciphers` has

        def operation(self, name: str, target: str) -> Operation:
            """See `Ciphers.operation`."""
            raise NotImplementedError

        def _require_ring(self) -> KeyRing: ...

    def sign(self, data: bytes, *, purpose: str, path: Path = ()) -> str:
        """Sign data under the primary key, so that whoever has the key ring can tell that it is unchanged.

        Args:
            data: Of any length; a gigabyte takes about a second, in a thread if that matters.
            purpose: What the signature is for; verifying must name the same.
            path: Where the data stands; verifying must name the same.

        Returns:
            The signature, 67 ASCII characters; the same for the same data, purpose, path and key.

        Raises:
            KeyRingError: if there is no key to sign with.
        """
        place, target = bind(purpose, self._name, path, "bytes")
        with self.operation("sign", target) as operation:
            key = self._require_ring().primary()
            operation.key_id = key.id
            return PREFIX + base64url.encode(key.id.to_bytes(_ID_BYTES, "big") + _tag(key, place, data))

    async def verify(self, data: bytes, signature: str, *, purpose: str, path: Path = ()) -> None:
        """Verify what `sign` gave, in constant time.

        Args:
            data: The data.
            signature: Its signature.
            purpose: As at signing.
            path: As at signing.

        Raises:
            SealError: with one and the same text whatever does not fit.
            KeyRingError: if the ring itself cannot be used.
        """
        place, target = bind(purpose, self._name, path, "bytes")
        async with self.operation("verify", target) as operation:
            ring, parts = self._require_ring(), _parse(signature)
            if parts is None:
                operation.reason = "malformed"
                raise SealError(_DOES_NOT_FIT)
            key_id, tag = parts
            operation.key_id = key_id
            key = ring.find(key_id)
            if key is None or not hmac.compare_digest(_tag(key, place, data), tag):
                operation.reason = "unknown_key" if key is None else "not_authentic"
                raise SealError(_DOES_NOT_FIT)


def key_id_of(signature: str) -> int | None:
    """Return the id of the key that a signature names; None where it is no signature."""
    parts = _parse(signature)
    return None if parts is None else parts[0]


def _tag(key: Key, place: bytes, data: bytes) -> bytes:
    return hmac.digest(subkey(key, _LABEL), place + data, "sha256")


def _parse(signature: str) -> tuple[int, bytes] | None:
    """Return key id and tag, or None where it is no signature in canonical form."""
    if not _FORM.match(signature):
        return None
    try:
        raw = base64url.decode(signature[len(PREFIX) :])
    except ValueError:
        return None
    return int.from_bytes(raw[:_ID_BYTES], "big"), raw[_ID_BYTES:]
