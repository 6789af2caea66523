"""`read_private`: a small file that holds a key: nobody but its owner may read it, and it is no link."""

from __future__ import annotations

import errno
import os
import pathlib
import shlex
import stat

from trivet import KeyRingError, TrivetError

Stamp = tuple[int, int, int, int]
"""What changes when a file does: inode, times, size."""


def open_private(
    path: pathlib.Path,
    flags: int = os.O_RDONLY,
    *,
    missing: str,
    mode_checked: bool = True,
    error: type[TrivetError] = KeyRingError,
) -> int:
    """Open a file; the descriptor is the caller's.

    Args:
        path: The file.
        flags: For reading, or for writing too.
        missing: What to say where there is none.
        mode_checked: False where the directory it stands in keeps others out (credentials of systemd).
        error: What to raise.

    Raises:
        KeyRingError: or ``error``, if it cannot be opened, others may read or write it, or it is a link.
    """
    try:
        # No link, which could be pointed elsewhere; not blocking, should it be a pipe.
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise error(f"{path}: {_why_not_read(exc, missing)}") from None
    except ValueError:  # a NUL byte
        raise error("no file has such a name") from None
    refusal = _refusal(path, os.fstat(handle), mode_checked=mode_checked)
    if refusal is not None:
        os.close(handle)
        raise error(f"{path}: {refusal}")
    return handle


def read_private(
    path: pathlib.Path,
    limit: int,
    *,
    missing: str,
    mode_checked: bool = True,
    error: type[TrivetError] = KeyRingError,
) -> tuple[bytes, Stamp]:
    """Read a file whole.

    Args:
        path: The file.
        limit: Its size at most, in bytes.
        missing: What to say where there is none.
        mode_checked: As in `open_private`.
        error: What to raise.

    Raises:
        KeyRingError: or ``error``, if it cannot be read, others may read or write it, it is a link, or it is too large.
    """
    handle = open_private(path, missing=missing, mode_checked=mode_checked, error=error)
    try:
        status = os.fstat(handle)
        with open(handle, "rb", closefd=False) as file:
            raw = file.read(limit + 1)
    except OSError as exc:
        raise error(f"{path}: {_why_not_read(exc, missing)}") from None
    finally:
        os.close(handle)
    if len(raw) > limit:
        del raw
        raise error(f"{path}: larger than {limit} bytes; that is not the file it should be")
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


def _refusal(path: pathlib.Path, status: os.stat_result, *, mode_checked: bool) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    mode = stat.S_IMODE(status.st_mode)
    if mode_checked and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"open to others (mode {mode:04o}); run: chmod 600 {shlex.quote(str(path))}"
    return None
