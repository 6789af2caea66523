"""Payloads: many values of one series in few bytes.

The bytes of the values are put in another order, all first bytes, all second bytes and so on (shuffle), so that the signs,
exponents and leading digits that neighbours share stand side by side; then zlib packs them. Values that are all the same are
eight bytes.
"""

from __future__ import annotations

import zlib
from array import array
from typing import Final

WIDTH: Final = 8


def encode(values: array[float]) -> bytes:
    """Pack values, at least one."""
    raw = values.tobytes()
    first = raw[:WIDTH]
    if raw == first * len(values):
        return first
    return zlib.compress(b"".join([raw[place::WIDTH] for place in range(WIDTH)]), 1)


def decode(payload: bytes, count: int) -> array[float]:
    """Unpack values.

    Args:
        payload: Of `encode`.
        count: How many there are.

    Raises:
        ValueError: if there are not as many.
    """
    if len(payload) == WIDTH:
        return array("d", payload * count)
    size = count * WIDTH
    unpacking = zlib.decompressobj()
    try:
        shuffled = unpacking.decompress(payload, size + 1)
    except zlib.error as exc:
        raise ValueError(f"the payload is damaged: {exc}") from None
    if len(shuffled) != size or not unpacking.eof:
        raise ValueError(f"the payload has not {count} values")
    raw = bytearray(size)
    for place in range(WIDTH):
        raw[place::WIDTH] = shuffled[place * count : (place + 1) * count]
    values = array("d")
    values.frombytes(raw)
    return values
