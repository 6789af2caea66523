"""`Envelope`: the bytes of a sealed value, version 1, and their text form ``trivet:1:<base64url without padding>``.

======  =====  =======================================================================================
offset  bytes  content (numbers are big-endian)
======  =====  =======================================================================================
0       2      ``TV``
2       1      version, 1
3       2      suite: the number of the cipher, see `CipherBackend`
5       8      key id: random, never reused; says which key of the ring opens the value
13      1      flags: 0; every bit is reserved, and a set one refuses the value
14      32     commitment to the key
46      24     nonce: 192 random bits
70      n      ciphertext, as long as the plaintext (0 to 65,536 bytes)
70 + n  t      the cipher's tag (t is 16 for the built-in suites); it ends the envelope
======  =====  =======================================================================================

**Keys.** Every message has a key of its own: ``HMAC-SHA512(data key, "trivet/env/v1" || header || nonce)``, header being
bytes 0 to 13. Its first 32 bytes (as many as the cipher takes) are the message key, its last 32 the commitment. The three
parts of the input have fixed lengths, so no two inputs are one.

**Why the inner nonce is fixed.** The cipher itself gets a nonce of zeros. That is sound only because its key never seals
twice: two messages share a key only if their 192-bit nonces collide, a chance of 2^-33 after 2^80 messages under one data
key. A random 96-bit nonce directly under the data key reaches that chance at 2^32 messages (NIST SP 800-38D, 8.3).

**Why a commitment.** AES-GCM lets an attacker make a ciphertext that opens under two keys. The commitment binds the
envelope to one data key; it is compared in constant time before the cipher is called.

**What is authenticated.** header || `Binding.encode` (purpose, service, path, type) as associated data; nonce and
commitment by way of the key.

**One form.** A value has one text only: padding, other alphabets, stray bits in the last character, white space, unknown
flags and versions, lengths out of range are refused, so an altered text never opens.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

import attrs

from trivet.ciphers import base64url
from trivet.ciphers.subkey import KEY_BYTES

if TYPE_CHECKING:
    from trivet.ciphers.contracts import Key

PREFIX: Final = "trivet:1:"
"""What every sealed value in text form starts with."""

TOKEN: Final = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]*")
"""A sealed value in a text: alone, or in a reference, ``${trivet:1:...}``."""

MAX_DATA_BYTES: Final = 65_536
"""The longest plaintext of one envelope; larger data is for a stream."""

COMMITMENT_BYTES: Final = 32
NONCE_BYTES: Final = 24
MAX_TAG_BYTES: Final = 64

_MAGIC: Final = b"TV"
_VERSION: Final = 1
_FLAGS: Final = 0
_HEADER: Final = struct.Struct(">2sBHQB")
_START: Final = struct.Struct(f"{_HEADER.format}{COMMITMENT_BYTES}s{NONCE_BYTES}s")
_OVERHEAD: Final = _START.size
_LABEL: Final = b"trivet/env/v1"
_MAX_BYTES: Final = _OVERHEAD + MAX_DATA_BYTES + MAX_TAG_BYTES
_MAX_TEXT: Final = len(PREFIX) + _MAX_BYTES * 4 // 3 + 4


class EnvelopeError(ValueError):
    """A text is no envelope of this version in canonical form. Never leaves `Ciphers`: users see one `SealError`."""


def header(suite: int, key_id: int, magic: bytes = _MAGIC) -> bytes:
    """Return the 14 bytes that start an envelope, or a stream."""
    return _HEADER.pack(magic, _VERSION, suite, key_id, _FLAGS)


def read_start(raw: bytes, magic: bytes = _MAGIC) -> tuple[int, int, bytes, bytes] | None:
    """Return suite, key id, commitment and nonce: what the first 70 bytes say.

    Args:
        raw: At least so many.
        magic: Of an envelope, or a stream.

    Returns:
        None for another magic, version or flags.
    """
    found, version, suite, key_id, flags, commitment, nonce = _START.unpack_from(raw)
    if found != magic or version != _VERSION or flags != _FLAGS:
        return None
    return suite, key_id, commitment, nonce


def derive(key: Key, head: bytes, nonce: bytes, label: bytes = _LABEL) -> tuple[bytes, bytes]:
    """Derive the key of one message and the commitment to it.

    Args:
        key: The data key.
        head: The envelope's header.
        nonce: The envelope's nonce, `NONCE_BYTES` random bytes.
        label: What the key is for: an envelope, a stream.

    Returns:
        The message key (32 bytes) and the commitment (32 bytes).

    Raises:
        KeyRingError: if the data key is too short.
    """
    mac = key.keyed.copy()
    mac.update(label + head + nonce)
    okm = mac.digest()
    return okm[:KEY_BYTES], okm[KEY_BYTES:]


def text_form(head: bytes, commitment: bytes, nonce: bytes, sealed: bytes) -> str:
    """Return the text form of the parts of an envelope."""
    return PREFIX + base64url.encode(head + commitment + nonce + sealed)


@attrs.frozen(slots=False)  # one for every sealed value: it is made faster without slots
class Envelope:
    """A sealed value, taken apart.

    Args:
        suite: The cipher's number, 16 bits.
        key_id: The key's id, 64 bits.
        commitment: 32 bytes.
        nonce: 24 bytes.
        sealed: Ciphertext and tag.
    """

    suite: int
    key_id: int
    commitment: bytes = attrs.field(repr=False)
    nonce: bytes = attrs.field(repr=False)
    sealed: bytes = attrs.field(repr=False)

    @property
    def header(self) -> bytes:
        """The 14 bytes that start the envelope."""
        return header(self.suite, self.key_id)

    def encode(self) -> str:
        """Return the text form."""
        return text_form(self.header, self.commitment, self.nonce, self.sealed)

    @classmethod
    def decode(cls, text: str) -> Envelope:
        """Take a text form apart.

        Raises:
            EnvelopeError: for every text that `encode` does not give.
        """
        if len(text) > _MAX_TEXT or not text.startswith(PREFIX):
            raise EnvelopeError("no envelope, or too long")
        try:
            raw = base64url.decode(text[len(PREFIX) :])
        except ValueError as exc:
            raise EnvelopeError(str(exc)) from None
        if not _OVERHEAD <= len(raw) <= _MAX_BYTES:
            raise EnvelopeError("length out of range")
        start = read_start(raw)
        if start is None:
            raise EnvelopeError("unknown magic, version or flags")
        return cls(*start, raw[_OVERHEAD:])
