"""`Body`: the content of an answer, decompressed as it comes and never beyond its limit."""

from __future__ import annotations

import zlib
from typing import Final

_GZIP: Final = zlib.MAX_WBITS | 16


class TooLarge(Exception):
    """There is more than the limit allows."""


class Body:
    """Collects an answer piece by piece.

    Args:
        encoding: Its ``Content-Encoding``.
        limit: Bytes, counted twice: over the wire and after decompression. A gzip bomb is found at the first byte too many.

    Raises:
        ValueError: for an encoding that nobody asked for.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise ValueError("answers in a content encoding that was not asked for; gzip or none is")
        self._limit = limit
        self._received = 0
        self._content = bytearray()
        self._zipped = zlib.decompressobj(_GZIP) if "gzip" in encoding else None

    def feed(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            TooLarge: if that is too much.
            ValueError: if it is no gzip.
        """
        self._received += len(data)
        if self._received > self._limit:
            raise self._too_large()
        if self._zipped is None:
            self._content += data
            return
        try:
            self._inflate(data)
        except zlib.error:
            raise ValueError("answers with damaged gzip") from None

    def _inflate(self, data: bytes) -> None:
        while data and self._zipped is not None:
            if self._zipped.eof:  # one member may follow another (RFC 1952)
                self._zipped = zlib.decompressobj(_GZIP)
            self._content += self._zipped.decompress(data, self._limit - len(self._content) + 1)
            if len(self._content) > self._limit:
                raise self._too_large()
            data = self._zipped.unconsumed_tail or self._zipped.unused_data

    def _too_large(self) -> TooLarge:
        return TooLarge(f"larger than {self._limit:,} bytes; raise plugins.http.max_bytes if it must be")

    def finish(self) -> bytes:
        """Return the content.

        Raises:
            ValueError: if it was cut.
        """
        if self._zipped is not None and not self._zipped.eof:
            raise ValueError("answers with gzip that is cut short")
        return bytes(self._content)
