"""`SecretFiles`: what is in one directory of secrets, and nothing from outside it.

Whoever may write into the directory must not be able to make the service read other files in its name (GHSA-4xgf-cpjx-pc3j): a
link that leads out is refused. Those of Kubernetes, ``password -> ..data/password`` and ``..data -> ..2026_01_31``, stay inside.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterable

import attrs

from trivet_plugins.config.value_file import VALUE_FILE_BYTES, as_value, read_raw

_SWAP = "..data"
_TRIES = 5  # of a directory whose ``..data`` turns to another generation while it is read
_READABLE, _WRITABLE = 0o004, 0o002


@attrs.frozen
class SecretFile:
    """One file.

    Args:
        path: As it is found in the directory.
        value: What it holds; None where that cannot be read.
        refusal: Why not, never with any of the content.
        mode: Its permission bits.
    """

    path: pathlib.Path
    value: str | None = attrs.field(default=None, repr=False)
    refusal: str = ""
    mode: int = 0

    @property
    def is_open(self) -> bool:
        """True where every user of the machine may read or change it."""
        return bool(self.mode & (_READABLE | _WRITABLE))


@attrs.frozen
class SecretFiles:
    """A directory of secrets.

    Args:
        directory: Its path, which may lead over links.
    """

    directory: pathlib.Path

    def read(self, wanted: Callable[[str], bool]) -> list[SecretFile]:
        """Read files, all of one generation where Kubernetes swaps ``..data`` in the meantime.

        Args:
            wanted: Tells of a file's name whether it is to be read; what is not may hold anything.

        Raises:
            OSError: if the directory cannot be listed.
        """
        found: list[SecretFile] = []
        for _ in range(_TRIES):
            before = self._generation()
            found = [self._read(name) for name in self._names() if wanted(name)]
            if self._generation() == before:
                break
        return found

    def _generation(self) -> str:
        try:
            return str((self.directory / _SWAP).readlink())
        except OSError:
            return ""

    def _names(self) -> Iterable[str]:
        with os.scandir(self.directory) as listing:
            names = sorted(entry.name for entry in listing)
        # What begins with a dot is a mount's own business. Directories hold others' secrets (kubernetes.io, rhsm).
        return [name for name in names if not name.startswith(".") and not self._is_directory(name)]

    def _is_directory(self, name: str) -> bool:
        # Path.is_dir raises where a link leads to what may not be seen: one bad link must not hide all other files.
        return os.path.isdir(self.directory / name)  # noqa: PTH112 - see above

    def _read(self, name: str) -> SecretFile:
        path = self.directory / name
        root, target = os.path.realpath(self.directory), os.path.realpath(path)
        if os.path.commonpath([root, target]) != root:
            return SecretFile(
                path, refusal="leads out of the directory; put the file itself there, or name it by ..._FILE"
            )
        try:
            # The target is no link any more. If it has become one since, it may lead anywhere.
            raw = read_raw(pathlib.Path(target), VALUE_FILE_BYTES, follow=False)
        except ValueError as exc:
            return SecretFile(path, refusal=str(exc))
        try:
            return SecretFile(path, as_value(raw.content), mode=raw.mode)
        except ValueError as exc:
            return SecretFile(path, refusal=str(exc), mode=raw.mode)
