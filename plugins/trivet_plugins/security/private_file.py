"""`read_private`: a small file that holds a key: nobody but its owner may read it, and it is no link."""

from __future__ import annotations

import errno
import os
import pathlib
import shlex
import stat

from trivet import KeyRingError

Stamp = tuple[int, int, int, int]
"""What changes when a file does: inode, times, size."""


def read_private(path: pathlib.Path, limit: int, *, missing: str, mode_checked: bool = True) -> tuple[bytes, Stamp]:
    """Read a file whole.

    Args:
        path: The file.
        limit: Its size at most, in bytes.
        missing: What to say where there is none.
        mode_checked: False where the directory it stands in keeps others out (credentials of systemd).

    Raises:
        KeyRingError: if it cannot be read, others may read or write it, it is a link, or it is too large.
    """
    try:
        # No link, which could be pointed elsewhere; not blocking, should it be a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            _check_private(path, status, mode_checked=mode_checked)
            with open(handle, "rb", closefd=False) as file:
                raw = file.read(limit + 1)
        finally:
            os.close(handle)
    except KeyRingError:
        raise
    except ValueError:  # a NUL byte
        raise KeyRingError("no file has such a name") from None
    except OSError as exc:
        raise KeyRingError(f"{path}: {_why_not_read(exc, missing)}") from None
    if len(raw) > limit:
        del raw
        raise KeyRingError(f"{path}: larger than {limit} bytes; that is no key file")
    return raw, stamp_of(status)


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of a file's status."""
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _why_not_read(exc: OSError, missing: str) -> str:
    if exc.errno == errno.ENOENT:
        return missing
    if exc.errno == errno.ELOOP:
        return "a symbolic link; name the file itself"
    if exc.errno == errno.EACCES:
        return "not readable for this user; give the file to the user that the service runs as"
    return f"cannot be read: {exc.strerror}"


def _check_private(path: pathlib.Path, status: os.stat_result, *, mode_checked: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyRingError(f"{path}: not a regular file")
    mode = stat.S_IMODE(status.st_mode)
    if mode_checked and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyRingError(f"{path}: open to others (mode {mode:04o}); run: chmod 600 {shlex.quote(str(path))}")
