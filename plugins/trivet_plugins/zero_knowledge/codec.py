"""The encodings of the draft "Fiat-Shamir Transformation": little-endian integers and lengths, and a `Reader` of them.

Scalars and points of P-256 have encodings of their own, in `scalar` and `point`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.point import POINT_BYTES, Point, decode_point
from trivet_plugins.zero_knowledge.scalar import SCALAR_BYTES, decode_scalar

__all__ = (
    "EXTRA_BYTES",
    "Reader",
    "decode_challenge",
    "encode_bytes",
    "encode_field",
    "encode_length",
    "encode_uint",
    "width",
)

EXTRA_BYTES: Final = 16
"""Squeezed beyond the modulus, so that the remainder is within 2^-128 of uniform."""


def width(modulus: int) -> int:
    """Return the bytes that hold every integer below a modulus."""
    return ((modulus - 1).bit_length() + 7) // 8


def encode_length(value: int) -> bytes:
    """Return 4 bytes, little-endian.

    Raises:
        ProofError: It is negative or needs more.
    """
    if not 0 <= value < 2**32:
        raise ProofError("a length, count or index does not fit 4 bytes")
    return value.to_bytes(4, "little")


def encode_bytes(data: bytes) -> bytes:
    """Return a byte string behind its length."""
    return encode_length(len(data)) + data


def encode_uint(value: int, modulus: int) -> bytes:
    """Return an integer below a modulus, little-endian.

    Raises:
        ProofError: It is out of range.
    """
    if not 0 <= value < modulus:
        raise ProofError("an integer is outside 0 .. modulus - 1")
    return value.to_bytes(width(modulus), "little")


def encode_field(coordinates: Sequence[int], modulus: int) -> bytes:
    """Return an element of an extension field, the lowest coordinate first."""
    return b"".join(encode_uint(coordinate, modulus) for coordinate in coordinates)


def decode_challenge(data: bytes, modulus: int) -> int:
    """Make an integer below a modulus from squeezed bytes: `EXTRA_BYTES` more than the modulus has. Never fails."""
    return int.from_bytes(data, "little") % modulus


class Reader:
    """Reads encodings from the front of bytes; every method raises `ProofError` where they end early or are not canonical."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def take(self, length: int) -> bytes:
        """Read that many bytes."""
        if length > self.remaining:
            raise ProofError(f"an encoding ends early: {length} bytes wanted, {self.remaining} there")
        self._at += length
        return self._data[self._at - length : self._at]

    def length(self) -> int:
        """Read 4 bytes, little-endian."""
        return int.from_bytes(self.take(4), "little")

    def count(self, limit: int) -> int:
        """Read a count that is at most ``limit``, before anything is made for it."""
        if (count := self.length()) > limit:
            raise ProofError(f"an encoding counts {count} parts; at most {limit} are taken")
        return count

    def byte_string(self) -> bytes:
        """Read a byte string behind its length."""
        return self.take(self.length())

    def uint(self, modulus: int) -> int:
        """Read an integer below a modulus, little-endian."""
        if (value := int.from_bytes(self.take(width(modulus)), "little")) >= modulus:
            raise ProofError("an integer is not below its modulus")
        return value

    def field(self, modulus: int, degree: int) -> tuple[int, ...]:
        """Read an element of an extension field."""
        return tuple(self.uint(modulus) for _ in range(degree))

    def scalar(self) -> int:
        """Read a scalar of P-256."""
        return decode_scalar(self.take(SCALAR_BYTES))

    def scalars(self, count: int) -> tuple[int, ...]:
        """Read scalars of P-256."""
        return tuple(self.scalar() for _ in range(count))

    def points(self, count: int) -> tuple[Point, ...]:
        """Read points of P-256."""
        return tuple(decode_point(self.take(POINT_BYTES)) for _ in range(count))

    def end(self) -> None:
        """Refuse bytes that nobody asked for."""
        if self.remaining:
            raise ProofError(f"an encoding has {self.remaining} bytes too many")
