"""Open a file that only its owner may read: no link, no pipe, no bits for group and others."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from typing import TYPE_CHECKING

from trivet import AuditError

if TYPE_CHECKING:
    import pathlib


def open_private(path: pathlib.Path, flags: int = os.O_RDONLY) -> int:
    """Return a descriptor.

    Raises:
        FileNotFoundError: if there is none.
        AuditError: if it cannot be opened, is no regular file or is open to others.
    """
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as exc:
        why = (
            "a symbolic link; name the file itself" if exc.errno == errno.ELOOP else f"cannot be opened: {exc.strerror}"
        )
        raise AuditError(f"{path}: {why}") from None
    status = os.fstat(handle)
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode) or mode & (stat.S_IRWXG | stat.S_IRWXO):
        os.close(handle)
        if not stat.S_ISREG(status.st_mode):
            raise AuditError(f"{path}: not a regular file")
        raise AuditError(f"{path}: open to others (mode {mode:04o}); run: chmod 600 {shlex.quote(str(path))}")
    return handle


def read_private(path: pathlib.Path, limit: int) -> bytes:
    """Return its content.

    Raises:
        FileNotFoundError: if there is none.
        AuditError: as `open_private`, or if it has more than ``limit`` bytes.
    """
    handle = open_private(path)
    try:
        raw = os.read(handle, limit + 1)
    finally:
        os.close(handle)
    if len(raw) > limit:
        raise AuditError(f"{path}: larger than {limit} bytes; that is not the file it should be")
    return raw
