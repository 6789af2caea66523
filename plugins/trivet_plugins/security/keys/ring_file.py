"""`RingFile`: a key file on the disk: read, created, and changed by one process at a time."""

from __future__ import annotations

import datetime as dt
import os
import shlex
from typing import TYPE_CHECKING, Final

import attrs

from trivet import KeyRingError, durable_file
from trivet_plugins.security.keys import lifecycle
from trivet_plugins.security.keys.document import MAX_BYTES, KeyDocument
from trivet_plugins.security.keys.lock import ReadOnlyRingError, locked
from trivet_plugins.security.private_file import read_private, stamp_of

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from trivet_plugins.security.keys.masters import Masters
    from trivet_plugins.security.keys.wrapping import Header, Wrap
    from trivet_plugins.security.private_file import Stamp

BACKUP_SUFFIX: Final = ".bak"
LOCK_SECONDS: Final = 10.0


class NotUnlockedError(KeyRingError):
    """Unlocking the file takes the time of Argon2id, and the caller has none."""


@attrs.frozen(eq=False)
class Loaded:
    """A file as it was read.

    Args:
        document: Its content.
        stamp: Its status then.
    """

    document: KeyDocument
    stamp: Stamp


def utc_now() -> dt.datetime:
    """Return the time in whole seconds: what a key file can say."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


@attrs.frozen(eq=False)
class RingFile:
    """A key file. All of it blocks: the time of a small file, or of Argon2id where a passphrase is met for the first time.

    Args:
        path: Where it is; need not exist yet.
        masters: Unlock it.
        clock: Says what time it is.
    """

    path: pathlib.Path
    masters: Masters
    clock: Callable[[], dt.datetime] = utc_now

    @property
    def backup(self) -> pathlib.Path:
        """Where the generation before the present one is."""
        return self.path.with_name(self.path.name + BACKUP_SUFFIX)

    def load(self, *, at_once: bool = False) -> Loaded:
        """Read the file.

        Args:
            at_once: Raise `NotUnlockedError` rather than take the time of Argon2id.

        Raises:
            KeyRingError: if it is missing, damaged, open to others, or no master key fits.
        """
        return self._load(self._unlock_at_once if at_once else self.masters.unlock)

    def create(self, document: KeyDocument) -> Loaded:
        """Write a new file. Of many processes that try at once, one succeeds.

        Raises:
            FileExistsError: if there is one, or a link.
            KeyRingError: if it cannot be written.
        """
        try:
            with locked(self.path, seconds=LOCK_SECONDS):
                durable_file.create(self.path, document.dump())
        except FileExistsError:
            raise
        except OSError as exc:
            raise KeyRingError(f"{self.path} cannot be written: {exc.strerror}") from exc
        return self.load()

    def change(
        self,
        step: Callable[[KeyDocument], KeyDocument],
        *,
        known: Loaded | None = None,
        seconds: float = LOCK_SECONDS,
        keep_backup: bool = True,
        unwrapped: bool = False,
    ) -> Loaded:
        """Change the file, as it is now, under the lock; write nothing where the step changes nothing.

        Args:
            step: From the keys as they are at this time to what they are to be.
            known: As it was read last: spares reading it again where it has not changed since.
            seconds: How long to wait for another process that is writing.
            keep_backup: False where the generation before must not be found afterwards.
            unwrapped: Take a file without wrapping though there is a master key.

        Raises:
            ReadOnlyRingError: if the file cannot be written here.
            RingBusyError: if another process is writing for longer.
            KeyRingError: if the step is refused or the file cannot be read.
        """
        with locked(self.path, seconds=seconds):
            if known is not None and known.stamp == self.stamp():
                loaded = known
            else:
                loaded = self._load(self.masters.unlock_any if unwrapped else self.masters.unlock)
            changed = step(lifecycle.at(loaded.document, self.clock()))
            if changed is loaded.document:
                return loaded
            made = attrs.evolve(changed, generation=loaded.document.generation + 1)
            return Loaded(made, self._write(made, keep_backup=keep_backup))

    def is_writable(self) -> bool:
        """Tell whether this process may change the file."""
        return os.access(self.path.parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)

    def stamp(self) -> Stamp | None:
        """Return the file's status; None where there is none."""
        try:
            return stamp_of(self.path.lstat())
        except OSError:
            return None  # then it has changed, and reading it says how

    def _load(self, unlock: Callable[[Header | None], Wrap | None]) -> Loaded:
        place = shlex.quote(str(self.path))
        missing = f"there is no key file; make one: trivet secrets init --key-file {place}"
        raw, stamp = read_private(self.path, MAX_BYTES, missing=missing)
        try:
            return Loaded(KeyDocument.parse(raw, unlock), stamp)
        except NotUnlockedError:
            raise
        except KeyRingError as exc:
            reason = str(exc)
        except ValueError as exc:
            backup = f"{self.backup.name} or another backup" if self.backup.exists() else "a backup"
            reason = f"{exc}; restore it from {backup}"
        del raw  # a traceback that shows local variables must not show keys
        raise KeyRingError(f"{self.path}: {reason}")

    def _unlock_at_once(self, header: Header | None) -> Wrap | None:
        if not self.masters.knows(header):
            raise NotUnlockedError("the file was wrapped anew")
        return self.masters.unlock(header)

    def _write(self, document: KeyDocument, *, keep_backup: bool) -> Stamp:
        data = document.dump()
        KeyDocument.parse(data, lambda _header: document.wrap)  # what cannot be read back must not replace what can
        try:
            durable_file.remove_leftovers(self.path)
            if not keep_backup:
                self.backup.unlink(missing_ok=True)
            durable_file.replace(self.path, data, backup=self.backup if keep_backup else None)
            return stamp_of(self.path.lstat())  # under the lock: nobody else has written since
        except PermissionError as exc:
            raise ReadOnlyRingError(f"{self.path} cannot be changed: {exc.strerror}") from None
        except OSError as exc:
            raise KeyRingError(f"{self.path} cannot be written: {exc.strerror}") from exc
