"""The key ring in a file: data keys in JSON (`trivet_plugins.security.key_document`), readable by its owner only.

Config (``plugins.key_file``): ``path``; default ``$TRIVET_KEY_FILE``, else ``./<kernel name>.keys``. Example::

    [plugins.key_file]
    path = "/etc/orders/orders.keys"

``trivet secrets init`` makes the file. It is read when a key is first needed, so a service without sealed values needs none,
and again when a value asks for a key that it does not know and the file has changed since.
"""

from __future__ import annotations

import errno
import os
import pathlib
import shlex
import stat
from typing import TYPE_CHECKING, Final

import attrs

from trivet import KeyRing, KeyRingError, Provider, durable_file, hookimpl
from trivet_plugins.security.key_document import MAX_BYTES, KeyDocument, StoredKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import Composition, Kernel, Key

VARIABLE: Final = "TRIVET_KEY_FILE"

_Stamp = tuple[int, int, int, int]


@attrs.frozen
class KeyFileConfig:
    """The section ``plugins.key_file``."""

    path: pathlib.Path | None = None


@attrs.frozen(eq=False)
class _Loaded:
    document: KeyDocument
    by_id: dict[int, Key]
    stamp: _Stamp


class KeyFile:
    """A `KeyStore` in a file. Reading is one small synchronous read, at most once per change of the file.

    Args:
        path: The file; need not exist yet.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.place = str(path)
        self._loaded: _Loaded | None = None

    def primary(self) -> Key:
        """Return the key that seals."""
        return self._current().document.primary()

    def find(self, key_id: int) -> Key | None:
        """Return the key of that id; an unknown one may stand in a newer version of the file."""
        loaded = self._current()
        if key_id not in loaded.by_id and self._stamp_now() != loaded.stamp:
            self._loaded = loaded = self._load()
        return loaded.by_id.get(key_id)

    def key_ids(self) -> Sequence[int]:
        """Return all ids, the primary first."""
        loaded = self._current()
        first = loaded.document.primary().id
        return [first, *(key_id for key_id in loaded.by_id if key_id != first)]

    def create(self, *, suite: int) -> Key:
        """Write a new file with one primary key. Of many processes that try at once, one succeeds.

        Args:
            suite: The number of the cipher that the key is for.

        Raises:
            KeyRingError: if the file exists or cannot be written.
        """
        document = KeyDocument((StoredKey.generate(suite),))
        try:
            durable_file.create(self.path, document.dump())
        except FileExistsError:
            raise KeyRingError(
                f"{self.path} exists; the values sealed with its keys would be lost. "
                "Use it as it is, or name another file with --key-file"
            ) from None
        except OSError as exc:
            raise KeyRingError(f"{self.path} cannot be written: {exc.strerror}") from exc
        return document.primary()

    def _current(self) -> _Loaded:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> _Loaded:
        raw, stamp = _read_private(self.path)
        try:
            document = KeyDocument.parse(raw)
        except ValueError as exc:
            reason = str(exc)
        else:
            return _Loaded(document, {stored.key.id: stored.key for stored in document.keys}, stamp)
        del raw  # a traceback that shows local variables must not show keys
        raise KeyRingError(f"{self.path}: {reason}; restore it from a backup")

    def _stamp_now(self) -> _Stamp | None:
        try:
            return _stamp(self.path.lstat())
        except OSError:
            return None  # then it has changed, and reading it says how


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _read_private(path: pathlib.Path) -> tuple[bytes, _Stamp]:
    try:
        # No link, which could be pointed elsewhere; not blocking, should it be a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            _check_private(path, status)
            with open(handle, "rb", closefd=False) as file:
                raw = file.read(MAX_BYTES + 1)
        finally:
            os.close(handle)
    except OSError as exc:
        raise KeyRingError(f"{path}: {_why_not_read(path, exc)}") from None
    if len(raw) > MAX_BYTES:
        del raw
        raise KeyRingError(f"{path}: larger than {MAX_BYTES} bytes; that is no key file")
    return raw, _stamp(status)


def _why_not_read(path: pathlib.Path, exc: OSError) -> str:
    if exc.errno == errno.ENOENT:
        return f"there is no key file; make one: trivet secrets init --key-file {shlex.quote(str(path))}"
    if exc.errno == errno.ELOOP:
        return "a symbolic link; name the file itself"
    if exc.errno == errno.EACCES:
        return "not readable for this user; give the file to the user that the service runs as"
    return f"cannot be read: {exc.strerror}"


def _check_private(path: pathlib.Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyRingError(f"{path}: not a regular file")
    mode = stat.S_IMODE(status.st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyRingError(f"{path}: open to others (mode {mode:04o}); run: chmod 600 {shlex.quote(str(path))}")


def connect(config: KeyFileConfig, kernel: Kernel) -> KeyFile:
    """Make the ring of a kernel; read nothing yet."""
    from_environment = kernel.launch.environ.get(VARIABLE)
    return KeyFile(config.path or pathlib.Path(from_environment or f"{kernel.name}.keys"))


@hookimpl
def register_services(composition: Composition) -> list[Provider[KeyRing]]:
    """Offer ``service/key_file``."""
    return [Provider(name="key_file", factory=connect, config=KeyFileConfig, provides=KeyRing)]
