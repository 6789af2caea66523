"""Scalars: integers modulo the order of P-256, 32 bytes big-endian (SEC 1, section 2.3.7), never reduced when they are read."""

from __future__ import annotations

import secrets
from typing import Final

from trivet_plugins.zero_knowledge.errors import ProofError

__all__ = ("ORDER", "SCALAR_BYTES", "check_scalar", "decode_scalar", "encode_scalar", "invert", "random_scalar")

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SCALAR_BYTES: Final = 32


def check_scalar(value: int) -> int:
    """Return a scalar that is in range.

    Raises:
        ProofError: It is negative, or the order or above.
    """
    if not 0 <= value < ORDER:
        raise ProofError("a scalar is outside 0 .. order - 1: reduce it where it is made")
    return value


def encode_scalar(value: int) -> bytes:
    """Return 32 bytes, big-endian.

    Raises:
        ProofError: It is out of range.
    """
    return check_scalar(value).to_bytes(SCALAR_BYTES, "big")


def decode_scalar(data: bytes) -> int:
    """Read 32 bytes, big-endian.

    Raises:
        ProofError: Another length, or a value at or above the order.
    """
    if len(data) != SCALAR_BYTES:
        raise ProofError(f"a scalar has {SCALAR_BYTES} bytes, not {len(data)}")
    return check_scalar(int.from_bytes(data, "big"))


def invert(value: int) -> int:
    """Return ``1 / value`` modulo the order.

    Raises:
        ProofError: It is zero or out of range.
    """
    if check_scalar(value) == 0:
        raise ProofError("zero has no inverse")
    return pow(value, -1, ORDER)


def random_scalar() -> int:
    """Return a uniform scalar from 1 on, from the system's random source."""
    return secrets.randbelow(ORDER - 1) + 1
