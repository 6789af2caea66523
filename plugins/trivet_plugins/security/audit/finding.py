"""`Finding`: what is wrong with a log, where, and what to do."""

from __future__ import annotations

from typing import Final

import attrs

KEEP: Final = "keep a copy of the directory as evidence"


@attrs.frozen
class Finding(Exception):
    """The first thing that is wrong.

    Args:
        file: Name of the file.
        line: Of that file, from 1; None where it is about the whole file.
        seq: Number of the first record that is not as it was written, or is not there.
        what: What is wrong.
        remedy: What to do.
    """

    file: str
    line: int | None
    seq: int | None
    what: str
    remedy: str = f"{KEEP}, compare it with what sinks and backups hold, and trust no record from here on"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        record = f" record {self.seq}:" if self.seq is not None else ""
        return f"{place}:{record} {self.what}; {self.remedy}"
