"""`UnixSocket`: listen on a unix socket; replace what a dead process left, and take nothing from a live one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pathlib
import socket
import stat
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from trivet import StartupRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SCHEME: Final = "unix:"
_BACKLOG: Final = 128
_LONGEST: Final = 107
"""Bytes: ``sun_path`` of unix(7) with its final zero has 108."""
_TURN_SECONDS: Final = 5.0
_REMEDY: Final = "choose another with --set plugins.web.socket=..."


@attrs.frozen
class UnixSocket:
    """A unix socket that is listened on.

    Args:
        path: Where it is, as it was bound.
        listener: The listening socket, non-blocking.
        identity: Device and inode of the file.
    """

    path: pathlib.Path
    listener: socket.socket
    identity: tuple[int, int]

    @property
    def url(self) -> str:
        """What ``--url`` takes."""
        return f"{SCHEME}{self.path}"

    def remove(self) -> None:
        """Remove the file, unless it is another's by now."""
        with contextlib.suppress(FileNotFoundError):
            if _identity(self.path) == self.identity:
                self.path.unlink()


def socket_path(text: str) -> pathlib.Path:
    """Read ``unix:/run/orders/admin.sock``; the scheme may be left out.

    Raises:
        ValueError: if it is no path that a unix socket can have.
    """
    path = text.removeprefix(SCHEME)
    if not path or path.endswith("/") or "\0" in path:
        raise ValueError("must be a path like unix:/run/orders/admin.sock")
    if len(os.fsencode(path)) > _LONGEST:
        raise ValueError(f"a unix socket's path has at most {_LONGEST} bytes, this one {len(os.fsencode(path))}")
    return pathlib.Path(path)


@contextlib.asynccontextmanager
async def listening_at(path: pathlib.Path, mode: int) -> AsyncIterator[UnixSocket]:
    """Listen on a unix socket until the end of the block, and remove its file then.

    Nobody can connect before the file has its mode. Of processes that start at once, one gets the path.

    Args:
        path: Where; the directory must exist.
        mode: The file's permissions, e.g. 0o600.

    Raises:
        StartupRefused: if another process listens there, a file is in the way, or the directory does not let us.
    """
    try:
        async with _turn(path.parent):
            bound = _bind(path, mode)
    except OSError as exc:
        raise StartupRefused(_refused(path, exc)) from exc
    try:
        yield bound
    finally:
        bound.remove()
        bound.listener.close()


def _bind(path: pathlib.Path, mode: int) -> UnixSocket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen(_BACKLOG)  # not before the mode is right: until now, connections were refused
        listener.settimeout(0)
        return UnixSocket(path, listener, _identity(path))
    except OSError:
        listener.close()
        raise


def _remove_stale(path: pathlib.Path) -> None:
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise StartupRefused(f"the web surface cannot listen on {path}: a file that is no socket is there; {_REMEDY}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)  # a live one with a full queue must not hold us up
        answer = probe.connect_ex(str(path))
    if answer == errno.ECONNREFUSED:  # nobody listens: what a killed process left
        path.unlink(missing_ok=True)
    elif answer in (0, errno.EAGAIN):
        raise StartupRefused(f"the web surface cannot listen on {path}: a running process does; stop it, or {_REMEDY}")
    elif answer != errno.ENOENT:  # gone by itself
        raise OSError(answer, os.strerror(answer))


def _identity(path: pathlib.Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


@contextlib.asynccontextmanager
async def _turn(directory: pathlib.Path) -> AsyncIterator[None]:
    """Hold the directory's lock: of two that find a stale socket, the second must not remove the first one's new one."""
    with _opened(directory) as handle:
        with anyio.move_on_after(_TURN_SECONDS) as limit:
            while not _locked(handle):  # noqa: ASYNC110 - a lock of another process sends no event
                await anyio.sleep(0.02)
        if limit.cancelled_caught:
            raise OSError(
                errno.EWOULDBLOCK, f"another process has held the lock of {directory} for {_TURN_SECONDS:g} s"
            )
        yield


@contextlib.contextmanager
def _opened(directory: pathlib.Path) -> Iterator[int]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)  # which gives the lock back


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refused(path: pathlib.Path, exc: OSError) -> str:
    if exc.errno in (errno.ENOENT, errno.ENOTDIR):
        why = f"the directory {path.parent} is not there; create it (systemd: RuntimeDirectory=), or {_REMEDY}"
    else:
        why = f"{(exc.strerror or str(exc)).lower()}; {_REMEDY}"
    return f"the web surface cannot listen on {path}: {why}"
