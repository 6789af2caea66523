"""Write a file so that a crash at any moment leaves the old content or the new one, never a part."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import secrets
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

_SUFFIX: Final = ".tmp"
_NO_HARD_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def create(path: pathlib.Path, data: bytes) -> None:
    """Write a new file with mode 0600; of many processes that try at once, one succeeds.

    Raises:
        FileExistsError: if there is a file of that name, or a link.
        OSError: if it cannot be written.
    """
    with creating(path) as file:
        file.write(data)


@contextlib.contextmanager
def creating(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Write a new file with mode 0600 piece by piece: it is there, whole, when the block has ended well, and not before.

    A process that is killed in the block leaves a hidden ``.<name>.*.tmp`` beside it.

    Raises:
        FileExistsError: at the end, if there is a file of that name by then, or a link.
        OSError: if it cannot be written.
    """
    with _temporary(path, 0o600) as (temporary, file):
        yield file
        _sync(file)
        try:
            os.link(temporary, path)  # fails if the name is taken, and gives the whole content at once
        except OSError as exc:
            if exc.errno not in _NO_HARD_LINKS:
                raise
            _take(path)
            os.replace(temporary, path)  # noqa: PTH105 - a plain string, as mkstemp gave it
    _sync_directory(path)


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Write a file with mode 0600 piece by piece, in the place of the one that is there, if any, when the block has ended well.

    A process that is killed in the block leaves a hidden ``.<name>.*.tmp`` beside it.

    Raises:
        OSError: if it cannot be written; what was there is then as it was.
    """
    with _temporary(path, 0o600) as (temporary, file):
        yield file
        _sync(file)
        os.replace(temporary, path)  # noqa: PTH105 - a plain string, as mkstemp gave it
    _sync_directory(path)


def replace(path: pathlib.Path, data: bytes, *, backup: pathlib.Path | None = None) -> None:
    """Replace the content of an existing file, keeping its mode and, where allowed, its owner. A link stays a link.

    Args:
        path: The file.
        data: Its new content.
        backup: In the same directory: what the file was before is found here, also at every moment in between.

    Raises:
        OSError: if it cannot be written.
    """
    target = path.resolve(strict=True)
    status = target.stat()
    with _temporary(target, status.st_mode & 0o7777) as (temporary, file):
        file.write(data)
        _sync(file)
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            with contextlib.suppress(
                PermissionError
            ):  # only root gives files away; the content matters more than the owner
                os.chown(temporary, status.st_uid, status.st_gid)
                os.chmod(temporary, status.st_mode & 0o7777)  # noqa: PTH101 - chown may clear bits
        if backup is not None:
            _keep(target, backup, status.st_mode & 0o7777)
        os.replace(temporary, target)  # noqa: PTH105 - a plain string, as mkstemp gave it
    _sync_directory(target)


def remove_leftovers(path: pathlib.Path) -> None:
    """Remove what writers of a file have left that were killed. Only one that keeps all others from writing may do this."""
    for name in path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}"):
        name.unlink(missing_ok=True)


def _keep(path: pathlib.Path, backup: pathlib.Path, mode: int) -> None:
    # A second name for what is on the disk already costs no writing. Renamed into place, so that there always is a backup.
    link = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}")
    try:
        os.link(path, link)
    except OSError as exc:
        if exc.errno not in _NO_HARD_LINKS:
            raise
        with _temporary(path, mode) as (copy, file):
            file.write(path.read_bytes())
            _sync(file)
            os.replace(copy, backup)  # noqa: PTH105 - as above
        return
    try:
        link.replace(backup)
    finally:
        link.unlink(missing_ok=True)  # where both names were one file already, renaming does nothing


@contextlib.contextmanager
def _temporary(path: pathlib.Path, mode: int) -> Iterator[tuple[str, BinaryIO]]:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - the descriptor that mkstemp opened
            os.fchmod(handle, mode)
            yield name, file
    finally:
        with contextlib.suppress(FileNotFoundError):  # renamed into place
            os.unlink(name)  # noqa: PTH108 - as above


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _take(path: pathlib.Path) -> None:
    # For file systems without hard links (FAT, some network mounts): still exclusive, but a crash may leave an empty file.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _sync_directory(path: pathlib.Path) -> None:
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
