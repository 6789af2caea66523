"""`Segment`: one file of the log. It is named by the number of its first record, ``0000000000001000.jsonl``."""

from __future__ import annotations

import os
import pathlib
import re
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.security.audit.record import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = re.compile(r"([0-9]{16})\.jsonl\Z")


@attrs.frozen
class Line:
    """A line of a segment.

    Args:
        number: From 1.
        data: Its bytes, without its end.
        end: The offset of the byte behind its end.
        whole: False where it has no end, or is too long for a record.
    """

    number: int
    data: bytes
    end: int
    whole: bool


@attrs.frozen
class Segment:
    """A file of records.

    Args:
        path: Where it is.
        first: The number of its first record.
    """

    path: pathlib.Path
    first: int

    @classmethod
    def at(cls, directory: pathlib.Path, first: int) -> Segment:
        """Return the one that begins with a record; it need not exist."""
        return cls(directory / f"{first:016d}.jsonl", first)

    @classmethod
    def all(cls, directory: pathlib.Path) -> list[Segment]:
        """Return all that are in a directory, in order.

        Raises:
            OSError: if it cannot be read.
        """
        names = ((_NAME.match(name), name) for name in os.listdir(directory))  # noqa: PTH208 - names, not paths
        return sorted(
            (cls(directory / name, int(match[1])) for match, name in names if match), key=lambda one: one.first
        )

    def lines(self, offset: int = 0, until: int | None = None) -> Iterator[Line]:
        """Read the lines from an offset on, one at a time; the last one given is the first that is not whole.

        Args:
            offset: Where a line begins.
            until: How many bytes of the file to look at; None: all.

        Raises:
            OSError: if it cannot be read.
        """
        with self.path.open("rb") as file:
            file.seek(offset)
            number, end = 0, offset
            limit = self.path.stat().st_size if until is None else until
            while data := file.readline(max(0, min(MAX_LINE_BYTES + 1, limit - end))):
                number, end = number + 1, end + len(data)
                whole = data.endswith(b"\n")
                yield Line(number, data[:-1] if whole else data, end, whole)
                if not whole:
                    return
