"""`NotesFile`: the checkpoints of a log, one signed note after the other, an empty line behind each."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.security.audit.checkpoint import MAX_NOTE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@attrs.frozen
class Note:
    """A note as it stands in the file.

    Args:
        line: Of the file, from 1, where it begins.
        text: What was signed and its signatures; not more than `MAX_NOTE_BYTES` and a line.
        whole: True where an empty line stands behind it.
    """

    line: int
    text: str
    whole: bool


@attrs.frozen
class NotesFile:
    """A file of checkpoints.

    Args:
        path: Where it is.
    """

    path: pathlib.Path

    def append(self, note: str, offset: int) -> int:
        """Add a note and wait for the disk.

        Args:
            note: With its line's end.
            offset: How long the file is as far as it belongs to the log; what is beyond was left by a crash.

        Returns:
            The new offset.

        Raises:
            OSError: if it cannot be written.
        """
        data = f"{note}\n".encode()
        handle = os.open(self.path, _FLAGS, 0o600)
        try:
            offset = min(offset, os.fstat(handle).st_size)  # shorter where somebody cut it: verifying says so
            os.ftruncate(handle, offset)
            if os.pwrite(handle, data, offset) < len(data):
                os.ftruncate(handle, offset)
                raise OSError(28, "No space left on device", str(self.path))
            os.fdatasync(handle)
        finally:
            os.close(handle)
        return offset + len(data)

    def read(self, until: int) -> Iterator[Note]:
        """Read the notes, one at a time. Where there is no file, there are none.

        Args:
            until: How many bytes of the file to look at.

        Raises:
            OSError: if it cannot be read.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            number, begin, text, empty = 0, 1, b"", 0
            while line := file.readline(max(0, min(MAX_NOTE_BYTES + 1, until))):
                number, text, until = number + 1, text + line, until - len(line)
                empty += line == b"\n"
                if empty == 2 or len(text) > MAX_NOTE_BYTES:  # one parts text and signatures, the other ends the note
                    yield Note(begin, text[:-1].decode("utf-8", "replace"), empty == 2)
                    begin, text, empty = number + 1, b"", 0
            if text:
                yield Note(begin, text.decode("utf-8", "replace"), whole=False)
