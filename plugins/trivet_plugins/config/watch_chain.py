"""What to watch so that no change of a file is missed, and whether it changed. Works on the file system only.

A path leads to a file over directories and symbolic links, any of which may be replaced: a Kubernetes volume swaps the link
``..data``, an editor renames a new file over the old one, a deployment turns a link to another release. So the chain of a path is
walked link by link, and the directory of every link, of the file, and the one above are to be watched; never an inode.
"""

from __future__ import annotations

import hashlib
import pathlib
import stat
import time

import attrs

_LINKS = 40  # as many as Linux follows
_COARSE_SECONDS = 2.0  # a file younger than this may have changed without a change of its time stamp
_READ_BYTES = 2**23


@attrs.frozen
class Chain:
    """What one path leads over.

    Args:
        directories: To watch, all existing.
        points: Absolute paths whose creation, change, renaming or removal may change what the path leads to.
        listed: Directories of which any entry counts, because the path itself leads to one.
    """

    directories: frozenset[str]
    points: frozenset[str]
    listed: frozenset[str]


def chain(path: pathlib.Path) -> Chain:
    """Walk a path, which need not exist."""
    rest = list(path.absolute().parts[1:])[::-1]
    root = pathlib.Path(path.absolute().anchor)
    here, final, links = root, root, 0
    directories: set[pathlib.Path] = set()
    points: set[pathlib.Path] = set()
    while rest:
        part = rest.pop()
        if part == "..":
            here = final = here.parent
            continue
        final = here / part
        points.add(final)
        target = _link(final)
        if target is not None and links < _LINKS:
            links += 1
            directories.add(here)
            here = root if target.is_absolute() else here
            rest += target.parts[bool(target.anchor) :][::-1]
        elif rest and _is_directory(final):
            here = final
        else:
            break
    listed = {final} if not rest and _is_directory(final) else set[pathlib.Path]()
    return Chain(_texts(directories | {here, here.parent} | listed), _texts(points), _texts(listed))


def _texts(paths: set[pathlib.Path]) -> frozenset[str]:
    return frozenset(map(str, paths))


def _is_directory(point: pathlib.Path) -> bool:
    try:
        return point.is_dir()
    except OSError:  # in a directory that may not be searched: as far as it goes
        return False


def _link(point: pathlib.Path) -> pathlib.Path | None:
    try:
        return point.readlink()
    except OSError:
        return None


@attrs.frozen
class Look:
    """What a path was like when looked at; equal where a reader would see no difference.

    Args:
        digest: Of the content; of a directory, of its entries' names; of a path that leads nowhere, a word for that.
        stat: Identity, time and size.
        changed: When it last changed in any way, in seconds since the epoch; of a path that leads nowhere, the directory.
        at: When it was looked at.
    """

    digest: bytes
    stat: tuple[int, int, int, int] | None = attrs.field(eq=False, default=None)
    changed: float = attrs.field(eq=False, default=0.0)
    at: float = attrs.field(eq=False, default=0.0)


def look(path: pathlib.Path, before: Look | None = None) -> Look:
    """Look at a path.

    Args:
        path: A file or directory, existing or not.
        before: The last look: where nothing can have changed without a trace, the content is not read again.
    """
    now = time.time()
    try:
        status = path.stat()
    except OSError as exc:
        return Look(type(exc).__name__.encode(), changed=_changed(path.parent), at=now)
    key = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    if before is not None and before.stat == key and before.at - status.st_ctime > _COARSE_SECONDS:
        return attrs.evolve(before, at=now)
    try:
        digest = _digest(path, status.st_mode)
    except OSError as exc:
        digest = type(exc).__name__.encode()
    return Look(digest, key, status.st_ctime, now)


def _changed(directory: pathlib.Path) -> float:
    try:
        return directory.stat().st_ctime
    except OSError:
        return 0.0


def _digest(path: pathlib.Path, mode: int) -> bytes:
    if stat.S_ISDIR(mode):
        return hashlib.sha256(
            "\0".join(sorted(entry.name for entry in path.iterdir())).encode(errors="surrogateescape")
        ).digest()
    if not stat.S_ISREG(mode):
        return b""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(_READ_BYTES)).digest()
