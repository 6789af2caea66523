"""The wire format of Protocol Buffers, as much of it as metrics need. Source: https://protobuf.dev/programming-guides/encoding/."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_DOUBLE = struct.Struct("<d")


def varint(number: int) -> bytes:
    """Write an unsigned number, seven bits a byte; a negative one as 64 bits of two's complement."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def zigzag(number: int) -> bytes:
    """Write a signed number so that small ones are short (``sint32``, ``sint64``)."""
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def integer(field: int, number: int) -> bytes:
    """Write a field of type ``uint64``, ``uint32``, ``int64`` or an enumeration."""
    return varint(field << 3) + varint(number)


def signed(field: int, number: int) -> bytes:
    """Write a field of type ``sint32`` or ``sint64``."""
    return varint(field << 3) + zigzag(number)


def double(field: int, number: float) -> bytes:
    """Write a field of type ``double``."""
    return varint(field << 3 | 1) + _DOUBLE.pack(number)


def packed(field: int, content: bytes) -> bytes:
    """Write a field of bytes: a message, or packed numbers."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """Write a field of type ``string``."""
    return packed(field, content.encode())


def zigzags(field: int, numbers: Iterable[int]) -> bytes:
    """Write a packed field of type ``sint64``."""
    return packed(field, b"".join(map(zigzag, numbers)))
