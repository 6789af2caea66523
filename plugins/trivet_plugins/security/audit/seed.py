"""`Seed`: the first key of a log. Who has it can check every record; the auditor gets it once, and it stays off the machine."""

from __future__ import annotations

import pathlib
import re
from typing import Final

import attrs

from trivet import AuditError, durable_file
from trivet_plugins.security.private_file import read_private

_LINE: Final = re.compile(r"trivet-audit-seed-1 (\S{1,200}) ([0-9a-f]{64})\n?\Z")


@attrs.frozen
class Seed:
    """A first key.

    Args:
        origin: The log that it is for.
        key: 32 bytes; in no repr.
    """

    origin: str
    key: bytes = attrs.field(repr=False)

    def write(self, path: pathlib.Path) -> None:
        """Write it to a new file that only its owner may read.

        Raises:
            AuditError: if the file exists or cannot be written.
        """
        try:
            durable_file.create(path, f"trivet-audit-seed-1 {self.origin} {self.key.hex()}\n".encode())
        except FileExistsError:
            raise AuditError(f"{path}: exists; name another file for the seed") from None
        except OSError as exc:
            raise AuditError(f"{path}: cannot be written: {exc.strerror}") from exc

    @classmethod
    def read(cls, path: pathlib.Path) -> Seed:
        """Read it.

        Raises:
            AuditError: if the file is missing, open to others or no seed.
        """
        raw, _ = read_private(path, 1024, missing="there is no such file", error=AuditError)
        match = _LINE.match(raw.decode("ascii", "replace"))
        if match is None:
            raise AuditError(f"{path}: not the seed of an audit log")
        return cls(match[1], bytes.fromhex(match[2]))
