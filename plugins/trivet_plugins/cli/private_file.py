"""`PrivateFile`: a file that an editor may have secrets in: in memory where there is such a place, wiped when it is done with."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
from typing import Final, Self

_IN_MEMORY: Final = pathlib.Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it, mode 0700


class PrivateFile:
    """A file of mode 0600 in a directory of mode 0700 of its own, for what editors put beside the file they edit.

    The directory is in ``$XDG_RUNTIME_DIR`` or ``/dev/shm``, which are memory, else where temporary files are. Leaving
    the block overwrites all that is in it and removes it. An editor's own copies elsewhere are out of reach.

    Args:
        name: The file's name: its suffix tells the editor the language.
        text: What it begins with.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._directory = pathlib.Path()

    @property
    def path(self) -> pathlib.Path:
        """The file, inside the block."""
        return self._directory / self._name

    @property
    def in_memory(self) -> bool:
        """True where the file never reaches a disk, but for swap."""
        return self._directory.parent in {_runtime_directory(), _IN_MEMORY}

    def __enter__(self) -> Self:
        places = [place for place in (_runtime_directory(), _IN_MEMORY) if place is not None and _is_ours(place)]
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="trivet-", dir=next(iter(places), None)))
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(handle, "wb") as file:  # noqa: PTH123 - the descriptor just opened
                file.write(self._text.encode())
        except BaseException:
            self._wipe()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._wipe()

    def read(self) -> str:
        """Return the text as it is now.

        Raises:
            ValueError: if it is no UTF-8.
            OSError: if it is not there any more.
        """
        with contextlib.suppress(UnicodeDecodeError):  # it carries the text
            return self.path.read_bytes().decode("utf-8-sig")
        raise ValueError("the edited text is not UTF-8")

    def _wipe(self) -> None:
        try:
            for path in self._directory.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    _overwrite(path)
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)


def _overwrite(path: pathlib.Path) -> None:
    with contextlib.suppress(OSError), path.open("r+b") as file:  # whether or not it works, it is removed
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def _runtime_directory() -> pathlib.Path | None:
    named = os.environ.get("XDG_RUNTIME_DIR")
    return pathlib.Path(named) if named else None


def _is_ours(place: pathlib.Path) -> bool:
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
