"""`ByteSize`: a field's type for sizes."""

from __future__ import annotations

from typing import Self


class ByteSize(int):
    """A number of bytes, 0 or more. Every layer, files too, writes it as ``65536``, ``"10MiB"`` or ``"1.5GB"``.

    ``kB``, ``MB``, ``GB`` and ``TB`` count in thousands, ``KiB``, ``MiB``, ``GiB`` and ``TiB`` in 1,024s (IEC 80000-13). A field
    that is an `int` takes units from text layers only.

    Args:
        size: Bytes.

    Raises:
        ValueError: if it is negative.
    """

    __slots__ = ()

    def __new__(cls, size: int) -> Self:
        """Check the number."""
        if size < 0:
            raise ValueError("a size is 0 bytes or more")
        return super().__new__(cls, size)
