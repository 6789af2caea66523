"""`Draft`: an edit that could not be saved, kept beside its file: sealed as a whole, so that no secret of it lies there open."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

import attrs

from trivet import SealError, durable_file

if TYPE_CHECKING:
    import pathlib

    from trivet.ciphers.registry import Ciphers
    from trivet.config.origin import Path

_CHUNK: Final = 60_000
_PURPOSE: Final = "draft"
_MAX_BYTES: Final = 64 * 1024 * 1024


@attrs.frozen(eq=False)
class Draft:
    """The draft of a file.

    Args:
        file: The file that was edited.
        ciphers: Seal and open it.
    """

    file: pathlib.Path
    ciphers: Ciphers

    @property
    def path(self) -> pathlib.Path:
        """Where it is kept."""
        return self.file.with_name(f".{self.file.name}.draft")

    async def keep(self, text: str, *, base: bytes) -> None:
        """Write the draft.

        Args:
            text: The edited text.
            base: The file as it was when the edit began.

        Raises:
            SealError: if it cannot be sealed.
            OSError: if it cannot be written.
        """
        raw, digest = text.encode(), hashlib.sha256(base).hexdigest()
        chunks = [raw[start : start + _CHUNK] for start in range(0, len(raw), _CHUNK)]
        sealed = [
            await self.ciphers.seal(chunk, purpose=_PURPOSE, path=self._place(digest, number, len(chunks)))
            for number, chunk in enumerate(chunks)
        ]
        self.drop()
        document = {"version": 1, "base": digest, "text": sealed}
        durable_file.create(self.path, json.dumps(document, indent=1).encode())

    async def read(self) -> tuple[str, str]:
        """Return the edited text, and the SHA-256 of the file that it was made of, in hexadecimal digits.

        Raises:
            SealError: if there is none that opens.
        """
        digest, sealed = self._document()
        pieces = [
            await self.ciphers.open(token, purpose=_PURPOSE, path=self._place(digest, number, len(sealed)))
            for number, token in enumerate(sealed)
        ]
        return b"".join(pieces).decode(), digest

    def drop(self) -> None:
        """Remove it, where there is one."""
        self.path.unlink(missing_ok=True)

    def _place(self, digest: str, number: int, count: int) -> Path:
        return (self.file.name, digest, number, count)

    def _document(self) -> tuple[str, list[str]]:
        try:
            with self.path.open("rb") as file:
                document = json.loads(file.read(_MAX_BYTES))
        except FileNotFoundError:
            raise SealError(f"{self.file}: there is no draft to resume; leave out --resume") from None
        except (OSError, ValueError, RecursionError):
            document = None
        found = document if isinstance(document, dict) else {}
        digest, sealed = found.get("base"), found.get("text")
        if isinstance(digest, str) and isinstance(sealed, list) and all(isinstance(one, str) for one in sealed):
            return digest, sealed
        raise SealError(f"{self.path}: no draft that can be read; remove it")
