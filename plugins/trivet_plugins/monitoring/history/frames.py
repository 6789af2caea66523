"""Frames: the pieces of a saved history, each with its kind, its length and a checksum, so that damage is found where it is.

A file is `MAGIC`, then frames: kind (1 byte), length (4 bytes, little-endian), CRC-32 of the content (4 bytes), content. The
last one is an `END`; a file that was cut off has none.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC: Final = b"trivet history 1\n"
END: Final = b"e"
MAX_FRAME: Final = 16 << 20
"""The longest content of a frame, in bytes."""

_HEAD: Final = struct.Struct("<cII")


class DamagedError(ValueError):
    """A saved history is not what was saved."""


def frame(kind: bytes, content: bytes) -> bytes:
    """Return a frame."""
    return _HEAD.pack(kind, len(content), zlib.crc32(content)) + content


def read_frames(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of all frames but the end.

    Raises:
        DamagedError: where the file is no history, a checksum is wrong, or the end is missing.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise DamagedError("it is no history of this version of trivet")
    while True:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise DamagedError("it ends too early")
        kind, length, checksum = _HEAD.unpack(head)
        content = file.read(length) if length <= MAX_FRAME else b""
        if len(content) != length or zlib.crc32(content) != checksum:
            raise DamagedError(f"a checksum is wrong before byte {file.tell():,}")
        if kind == END:
            return
        yield kind, content
