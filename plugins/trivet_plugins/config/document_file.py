"""A file that holds a document: its bytes, its text, and whether it may be half written."""

from __future__ import annotations

import os
import pathlib
import stat
import time

from trivet import FormatError
from trivet.config.limits import LIMITS

SETTLE_SECONDS = 0.05
"""A file that is bad and younger than this may be half written: it is read once more after as long."""


def is_fresh(path: pathlib.Path) -> bool:
    """Tell whether a file was written just now, so that it may be half written."""
    try:
        return abs(time.time() - path.stat().st_mtime) < SETTLE_SECONDS
    except OSError:
        return True  # it came or went just now


def read(path: pathlib.Path) -> bytes:
    """Read a file whole.

    Raises:
        FormatError: if that cannot be.
    """
    try:
        # Non-blocking, so that opening a named pipe without a writer does not wait for one.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FormatError("is no regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                raw = file.read(LIMITS.file_bytes + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise FormatError("no such file") from None
    except OSError as exc:
        raise FormatError(f"cannot be read: {exc.strerror or type(exc).__name__}{_remedy(exc)}") from None
    if len(raw) > LIMITS.file_bytes:
        raise FormatError(f"larger than {LIMITS.file_bytes:,} bytes, too large for configuration")
    return raw


def _remedy(exc: OSError) -> str:
    return f"; let user {os.geteuid()} read it" if isinstance(exc, PermissionError) else ""


def decode(raw: bytes) -> str:
    """Decode a document: UTF-8, with or without a byte order mark.

    Raises:
        FormatError: with the place of the first byte that is no text.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = raw[: exc.start]
        what = "a binary file?" if b"\0" in raw else "save it as UTF-8"
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise FormatError(f"not UTF-8 text; {what}", before.count(b"\n") + 1, column) from None
