"""`RememberedFile`: where the last known good configuration is.

Only its owner can read it (mode 0600), and where there is a key it is sealed, for it holds secrets too.
"""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import stat
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs

from trivet import durable_file
from trivet.ciphers.envelope import MAX_DATA_BYTES
from trivet.config.remembered import Remembered
from trivet.errors import KeyRingError, SealError

if TYPE_CHECKING:
    from trivet.ciphers.registry import Ciphers

PURPOSE: Final = "last-known-good"
_FORMAT: Final = 1
_START: Final = b'{\n "trivet_last_known_good"'
_MAX_BYTES: Final = 256 * 2**20


@attrs.frozen
class RememberedFile:
    """The file.

    Args:
        path: It need not exist; its directory must.
        kernel: Whose.
        ciphers: Seal and open it; None: there are none.
    """

    path: pathlib.Path
    kernel: str
    ciphers: Ciphers | None

    @property
    def seals(self) -> bool:
        """True where there is a key to seal with."""
        return self.ciphers is not None and self.ciphers.can_seal

    async def write(self, remembered: Remembered) -> None:
        """Write a configuration down; a crash leaves the old file or the new one.

        Raises:
            ValueError: if it cannot be written; says why.
        """
        body = await anyio.to_thread.run_sync(_body, remembered, abandon_on_cancel=True)
        head: dict[str, object] = {"trivet_last_known_good": _FORMAT, "kernel": self.kernel}
        if self.ciphers is not None and self.seals:
            head |= await _seal(self.ciphers, body)
        else:
            head |= {"body": body.decode()}
        await anyio.to_thread.run_sync(self._replace, json.dumps(head, indent=1).encode(), abandon_on_cancel=True)

    def _replace(self, data: bytes) -> None:
        try:
            try:
                durable_file.create(self.path, data)
            except FileExistsError:
                self._check_ours()
                self.path.chmod(0o600)  # `replace` keeps the mode
                durable_file.replace(self.path, data)
        except OSError as exc:
            raise ValueError(f"it cannot be written: {exc.strerror or type(exc).__name__}") from None

    def _check_ours(self) -> None:
        """Refuse to write over what something else wrote: a slip in the path must not cost a file."""
        raw = self.path.read_bytes() if self.path.is_file() else b""
        if not raw.startswith(_START):
            raise ValueError("there is something else; name another file, or remove it")
        try:
            kernel = json.loads(raw)["kernel"]
        except (ValueError, LookupError, RecursionError):
            return  # a damaged one of ours
        if kernel != self.kernel:
            raise ValueError(f"it is of another kernel ({kernel!r}); name another file")

    async def read(self) -> Remembered | None:
        """Return what is written down; None where there is no file.

        Raises:
            ValueError: if it cannot be used; says why.
        """
        raw = await anyio.to_thread.run_sync(_read_private, self.path, abandon_on_cancel=True)
        if raw is None:
            return None
        try:
            head = json.loads(raw)
            version, kernel = head["trivet_last_known_good"], head["kernel"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise ValueError("it is damaged; remove it") from None
        if version != _FORMAT:
            raise ValueError("it is of another version of trivet; remove it")
        if kernel != self.kernel:
            raise ValueError(f"it is of another kernel ({kernel!r}); name another file")
        body = await self._open(head)
        try:
            return Remembered.load(json.loads(body))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
            raise ValueError("it is damaged; remove it") from None

    async def _open(self, head: Any) -> bytes:  # noqa: ANN401 - JSON is of any type
        if "sealed" not in head:
            if self.seals:  # whoever cannot seal must not be able to pass values off as ours
                raise ValueError("it is not sealed, and there is a key ring; remove it")
            body = head.get("body")
            if isinstance(body, str):
                return body.encode()
            raise ValueError("it is damaged; remove it")
        parts, id_ = head["sealed"], head.get("id")
        if self.ciphers is None or not isinstance(parts, list) or not isinstance(id_, str):
            raise ValueError("it is damaged; remove it")
        try:
            opened = [
                await self.ciphers.open(str(part), purpose=PURPOSE, path=(id_, number, len(parts)))
                for number, part in enumerate(parts)
            ]
        except (SealError, KeyRingError) as exc:
            raise ValueError(f"it does not open: {exc}") from None
        return b"".join(opened)


def _body(remembered: Remembered) -> bytes:
    return json.dumps(remembered.dump()).encode()


async def _seal(ciphers: Ciphers, body: bytes) -> dict[str, object]:
    """Seal in parts, for an envelope is short; a part opens only in this file, at its place, among as many others."""
    id_ = secrets.token_hex(16)
    parts = [body[start : start + MAX_DATA_BYTES] for start in range(0, len(body), MAX_DATA_BYTES)]
    sealed = [
        await ciphers.seal(part, purpose=PURPOSE, path=(id_, number, len(parts))) for number, part in enumerate(parts)
    ]
    return {"id": id_, "sealed": sealed}


def _read_private(path: pathlib.Path) -> bytes | None:
    try:
        # Not blocking, should it be a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise ValueError(f"it cannot be read: {exc.strerror}") from None
    try:
        _check_private(os.fstat(handle))
        with open(handle, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES)
    except OSError as exc:
        raise ValueError(f"it cannot be read: {exc.strerror}") from None
    finally:
        os.close(handle)


def _check_private(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no regular file")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError("it is open to others, who may have written it; remove it, or chmod 600 it")
    if status.st_uid not in (os.geteuid(), 0):
        raise ValueError("it belongs to another user, who may have written it; remove it")
    if status.st_size > _MAX_BYTES:
        raise ValueError("it is too large; remove it")
