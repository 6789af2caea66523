"""`LogDirectory`: the files of a log.

``state`` and ``signing.key`` are the service's alone. ``public.key``, ``checkpoints`` and the segments may be copied to whoever
verifies. What a crash left and no record is, is set aside in ``torn-<seq>``.
"""

from __future__ import annotations

import os
import pathlib
import secrets
import shlex
from typing import Final

import attrs

from trivet import AuditError, durable_file
from trivet_plugins.security.audit.checkpoint import PublicKey, Signer
from trivet_plugins.security.audit.notes import NotesFile
from trivet_plugins.security.audit.ratchet import FIRST_PREVIOUS, KEY_BYTES
from trivet_plugins.security.audit.seed import Seed
from trivet_plugins.security.audit.state import LogState, StateFile
from trivet_plugins.security.private_file import read_private

_ID_BYTES: Final = 4


@attrs.frozen
class LogDirectory:
    """Where a log is.

    Args:
        path: The directory.
    """

    path: pathlib.Path

    @property
    def state(self) -> pathlib.Path:
        """The file of `StateFile`."""
        return self.path / "state"

    @property
    def signing_key(self) -> pathlib.Path:
        """What signs checkpoints."""
        return self.path / "signing.key"

    @property
    def public_key(self) -> pathlib.Path:
        """What checks them."""
        return self.path / "public.key"

    @property
    def notes(self) -> NotesFile:
        """The checkpoints."""
        return NotesFile(self.path / "checkpoints")

    def create(self, name: str) -> Seed:
        """Make a new log.

        Args:
            name: Of the service; part of the log's own.

        Returns:
            What the auditor gets: it is not kept here.

        Raises:
            AuditError: if there is a log already, or it cannot be written.
        """
        origin, seed = f"{name}/audit/{secrets.token_hex(_ID_BYTES)}", secrets.token_bytes(KEY_BYTES)
        state = LogState(
            generation=0,
            seq=0,
            key=seed,
            tag=FIRST_PREVIOUS,
            segment=0,
            size=0,
            peaks=(),
            notes=0,
            signed=0,
            signed_at=0.0,
        )
        signing = secrets.token_bytes(KEY_BYTES)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                raise AuditError(f"{self.path}: not empty; a new log begins in a directory of its own")
            durable_file.create(self.signing_key, f"{origin} {signing.hex()}\n".encode())
            durable_file.create(self.public_key, f"{Signer(origin, signing).public}\n".encode())
            StateFile.create(self.state, state)
        except OSError as exc:
            raise AuditError(f"{self.path}: cannot be written: {exc.strerror}") from exc
        return Seed(origin, seed)

    def open_state(self) -> StateFile:
        """Open the state.

        Raises:
            AuditError: if there is no log here, or it cannot be used.
        """
        begun = self.path.is_dir() and any(self.path.iterdir())
        remedy = f"make one: trivet audit init {shlex.quote(str(self.path))}"
        lost = (
            "missing; the log cannot go on without it. Keep the directory as evidence, and begin a new log in another: "
            "trivet audit init DIRECTORY"
        )
        return StateFile(self.state, missing=lost if begun else f"there is no audit log; {remedy}")

    def signer(self) -> Signer:
        """Read the key that signs checkpoints.

        Raises:
            AuditError: if it is missing or damaged.
        """
        raw, _ = read_private(self.signing_key, 1024, missing="missing; restore it from a backup", error=AuditError)
        try:
            name, _, key = raw.decode().strip().rpartition(" ")
            return Signer(name, bytes.fromhex(key))
        except ValueError:  # it holds the key: nothing may be chained to it
            raise AuditError(f"{self.signing_key}: damaged; restore it from a backup") from None

    def public(self) -> PublicKey:
        """Read the public key.

        Raises:
            AuditError: if it is missing or damaged.
        """
        return read_public_key(self.public_key)

    def sync(self) -> None:
        """Have the names in it survive a loss of power."""
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_public_key(path: pathlib.Path) -> PublicKey:
    """Read a public key from a file.

    Raises:
        AuditError: if it is missing or damaged.
    """
    try:
        with path.open("rb") as file:
            return PublicKey.parse(file.read(1024).decode().strip())
    except OSError as exc:
        raise AuditError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise AuditError(f"{path}: {exc}") from None
