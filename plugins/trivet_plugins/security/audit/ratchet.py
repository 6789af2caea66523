"""`Ratchet`: the key that authenticates records and moves on after each, so that who takes it cannot go back.

Record i is authenticated with the key of position i, and each position has a key of its own::

    K_0       the seed: 32 random bytes, handed to the auditor and not kept
    tag_i   = HMAC-SHA256(K_i, "trivet/audit/v1 record" || u64 i || tag_(i-1) || canonical record)      tag_(-1): 32 zero bytes
    K_(i+1) = HKDF-Expand(SHA-256, K_i, "trivet/audit/v1 next", 32)                                     RFC 5869, section 2.3

With one key per record, an epoch is a record: there is no entry that a newer key could seal anew without leaving a gap
(CVE-2023-31439, where systemd took such entries, cannot be said in this format). After B. Schneier and J. Kelsey, "Secure Audit
Logs to Support Computer Forensics" (1999), and M. Bellare and B. Yee, "Forward-Security in Private-Key Cryptography" (2003).
"""

from __future__ import annotations

import hmac
from typing import Final

KEY_BYTES: Final = 32
FIRST_PREVIOUS: Final = bytes(32)

_RECORD: Final = b"trivet/audit/v1 record"
_NEXT: Final = b"trivet/audit/v1 next\x01"  # HKDF-Expand of one block is HMAC(key, info || 0x01)


class Ratchet:
    """A key and its position.

    Args:
        position: Number of the record that the key is for.
        key: 32 bytes; copied, so that this one can be overwritten.
    """

    __slots__ = ("_key", "position")

    def __init__(self, position: int, key: bytes | bytearray) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("the key of an audit log has 32 bytes")
        self.position = position
        self._key = bytearray(key)

    def __repr__(self) -> str:
        return f"Ratchet(position={self.position})"

    def tag(self, previous: bytes, record: bytes) -> bytes:
        """Return the tag of the record at this position.

        Args:
            previous: The tag of the record before it, 32 bytes.
            record: Its canonical bytes.
        """
        return hmac.digest(self._key, b"%b%b%b%b" % (_RECORD, self.position.to_bytes(8), previous, record), "sha256")

    def step(self) -> None:
        """Move on to the next position; the old key is overwritten."""
        self._key[:] = hmac.digest(self._key, _NEXT, "sha256")
        self.position += 1

    def forward(self, position: int) -> None:
        """Move on to a later position.

        Raises:
            ValueError: if it lies behind: there is no way back.
        """
        if position < self.position:
            raise ValueError(f"the key is at record {self.position} already and cannot go back to {position}")
        while self.position < position:
            self.step()

    def key(self) -> bytes:
        """Return the key, to be stored."""
        return bytes(self._key)

    def copy(self) -> Ratchet:
        """Return another one at the same position."""
        return Ratchet(self.position, self._key)

    def wipe(self) -> None:
        """Overwrite the key."""
        self._key[:] = bytes(KEY_BYTES)
