"""`StreamSealer` and `StreamOpener`: data of any length, sealed in segments of 64 KiB; the bytes of a sealed stream, version 1.

======  =====  =======================================================================================
offset  bytes  content (numbers are big-endian)
======  =====  =======================================================================================
0       2      ``TS``
2       1      version, 1
3       2      suite: the number of the cipher, see `CipherBackend`
5       8      key id: says which key of the ring opens the stream
13      1      flags: 0; every bit is reserved, and a set one refuses the stream
14      32     commitment to the key
46      24     nonce: 192 random bits
70      ...    segments, without anything between them: ciphertext, as long as the plaintext, and the cipher's tag
======  =====  =======================================================================================

A segment holds 65,536 bytes of plaintext; the last one holds 1 to 65,536, or none where the stream is empty. So a stream of
n bytes is 70 + n + 16 x max(1, n / 65,536 rounded up) bytes long under the built-in suites, and has one form only.

**Key.** Every stream has a key of its own: ``HMAC-SHA512(data key, "trivet/stream/v1" || header || nonce)``, header being
bytes 0 to 13; its first 32 bytes (as many as the cipher takes) are the key, its last 32 the commitment, as in
`trivet.ciphers.envelope`.

**STREAM.** Segment i has the nonce ``prefix || i as u32 || flag``: the prefix is the first bytes of the stream's nonce, as
many as the cipher's nonce has room for (7 of AES-256-GCM's 12), the flag is 1 for the last segment and 0 for all others. This
is the construction of Hoang, Reyhanitabar, Rogaway and Vizar, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance" (CRYPTO 2015), section 7: since each segment opens at its own number only, none can be moved, repeated or
left out, and since the last one is marked, nothing can be cut off or added. No nonce repeats, for the counter never does
under a key that seals one stream.

**What is authenticated** with every segment: header || `Binding.encode` (purpose, service, path, type ``stream``).

**What an opener must know.** A segment is genuine and in its place as soon as it is opened, but only the end shows that the
stream is whole. Until then what was opened is a part.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final, Self

import attrs

from trivet.ciphers.envelope import NONCE_BYTES, derive, header, read_start
from trivet.errors import SealError

if TYPE_CHECKING:
    from trivet.ciphers.contracts import Key
    from trivet.ciphers.suite import Suite

SEGMENT_BYTES: Final = 65_536
"""Plaintext of one segment; also how long a cipher holds up the event loop."""

HEADER_BYTES: Final = 70

_MAGIC: Final = b"TS"
_LABEL: Final = b"trivet/stream/v1"
_MAX_SEGMENTS: Final = 2**32
_COUNTER_AND_FLAG: Final = 5
_MIN_NONCE: Final = 12


class StreamError(ValueError):
    """No stream of this version, or one that was changed. Never leaves `Ciphers`: users see one `SealError`."""


@attrs.frozen
class StreamHeader:
    """The first 70 bytes of a stream, taken apart.

    Args:
        suite: The cipher's number, 16 bits.
        key_id: The key's id, 64 bits.
        commitment: 32 bytes.
        nonce: 24 bytes.
    """

    suite: int
    key_id: int
    commitment: bytes = attrs.field(repr=False)
    nonce: bytes = attrs.field(repr=False)

    @property
    def start(self) -> bytes:
        """The 14 bytes that say what and whose it is."""
        return header(self.suite, self.key_id, _MAGIC)

    def encode(self) -> bytes:
        """Return the 70 bytes."""
        return self.start + self.commitment + self.nonce

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Take a header apart.

        Raises:
            StreamError: for all that `encode` does not give.
        """
        if len(raw) != HEADER_BYTES:
            raise StreamError("too short for a stream")
        start = read_start(raw, _MAGIC)
        if start is None:
            raise StreamError("unknown magic, version or flags")
        return cls(*start)


class _Segments:
    """Cut what comes in pieces of any length into segments, each with its nonce; hold the last one back until it is known."""

    def __init__(self, suite: Suite, head: StreamHeader, place: bytes, *, key: bytes, size: int) -> None:
        self._suite = suite
        self._cipher = suite.backend
        self._key = key[: suite.backend.key_bytes]
        self._aad = head.start + place
        self._prefix = head.nonce[: suite.backend.nonce_bytes - _COUNTER_AND_FLAG]
        self._size = size
        self._held: list[bytes] = []
        self._room = size
        self._number = 0

    def update(self, data: bytes) -> bytes:
        """Take the next piece; return what of the result is certain by now, often nothing.

        Args:
            data: Of any length; the result is about as long.
        """
        done: list[bytes] = []
        at = 0
        while len(data) - at > self._room:  # more comes after it: a whole segment, and not the last
            at, end = at + self._room, at
            done.append(self._next(data[end:at], last=False))
        if at < len(data):
            self._held.append(data[at:])
            self._room -= len(data) - at
        return b"".join(done)

    def finish(self) -> bytes:
        """Return the last part of the result. Call it once, after the last `update`."""
        return self._next(b"", last=True)

    def _next(self, end: bytes, *, last: bool) -> bytes:
        segment = b"".join((*self._held, end)) if self._held else end
        self._held.clear()
        self._room = self._size
        if self._number == _MAX_SEGMENTS:
            raise SealError(f"a stream has at most 2^32 segments of {SEGMENT_BYTES} bytes; seal it in parts")
        nonce = self._prefix + self._number.to_bytes(4, "big") + bytes((last,))
        result = self._turn(segment, nonce, last=last)
        self._number += 1
        return result

    def _turn(self, segment: bytes, nonce: bytes, *, last: bool) -> bytes:
        raise NotImplementedError


class StreamSealer(_Segments):
    """Seal one stream: `header`, then what every `update` gives, then what `finish` gives.

    Args:
        suite: The cipher; it must work in this process.
        key: The data key.
        place: What `Binding.encode` gives.

    Raises:
        SealError: if the cipher is none for streams.
        KeyRingError: if the data key is too short.
    """

    def __init__(self, suite: Suite, key: Key, place: bytes) -> None:
        _check_nonce(suite)
        nonce = secrets.token_bytes(NONCE_BYTES)
        stream_key, commitment = derive(key, header(key.suite, key.id, _MAGIC), nonce, _LABEL)
        head = StreamHeader(key.suite, key.id, commitment, nonce)
        super().__init__(suite, head, place, key=stream_key, size=SEGMENT_BYTES)
        self.header: Final = head.encode()

    def _turn(self, segment: bytes, nonce: bytes, *, last: bool) -> bytes:  # noqa: ARG002 - it is in the nonce
        answer = self._cipher.seal(self._key, nonce, self._aad, segment)
        return self._suite.whole(self._suite.here(answer), segment)


class StreamOpener(_Segments):
    """Open one stream: what every `update` gives, then what `finish` gives, is the plaintext.

    Args:
        suite: The cipher that the header names.
        key: The data key that the header names.
        place: What `Binding.encode` gives.
        head: The header.

    Raises:
        StreamError: if the key is not the one. Also `update` and `finish` raise it.
        SealError: if the cipher is none for streams.
        KeyRingError: if the data key is too short.
    """

    def __init__(self, suite: Suite, key: Key, place: bytes, head: StreamHeader) -> None:
        _check_nonce(suite)
        stream_key, commitment = derive(key, head.start, head.nonce, _LABEL)
        if not hmac.compare_digest(commitment, head.commitment):
            raise StreamError("another key")
        super().__init__(suite, head, place, key=stream_key, size=SEGMENT_BYTES + suite.backend.tag_bytes)

    def _turn(self, segment: bytes, nonce: bytes, *, last: bool) -> bytes:
        text_bytes = len(segment) - self._cipher.tag_bytes
        if text_bytes < 0 or (not text_bytes and last and self._number):
            raise StreamError("cut off")
        try:
            return self._suite.here(self._cipher.open(self._key, nonce, self._aad, segment))
        except SealError:
            raise
        except ValueError:  # the contract's word for "does not fit"
            pass
        raise StreamError("a segment does not open")


def _check_nonce(suite: Suite) -> None:
    if not _MIN_NONCE <= suite.backend.nonce_bytes <= NONCE_BYTES + _COUNTER_AND_FLAG:
        raise SealError(
            f"cipher {suite.name} is none for streams: its nonce has {suite.backend.nonce_bytes} bytes, and "
            f"{_MIN_NONCE} to {NONCE_BYTES + _COUNTER_AND_FLAG} are needed; seal values of up to 64 KiB with it"
        )
