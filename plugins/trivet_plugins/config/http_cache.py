"""`Cache`: the last good documents in a file, for a start without their server.

Only its owner can read it (mode 0600), for documents may hold secrets; sealed values stay sealed in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import pathlib
import stat
import time
from collections.abc import Mapping
from typing import Any, Final

import attrs

from trivet import durable_file
from trivet_plugins.config.http_answer import Answer

_VERSION: Final = 1
_MAX_BYTES: Final = 256 * 2**20


@attrs.frozen
class Cache:
    """The file.

    Args:
        path: It need not exist; its directory must.
    """

    path: pathlib.Path

    def read(self) -> dict[str, Answer]:
        """Return the documents by the digest of their address; none where there is no file. Blocks.

        Raises:
            ValueError: if the file cannot be used; says why.
        """
        try:
            raw = _read_private(self.path)
        except FileNotFoundError:
            return {}
        except OSError as exc:
            raise ValueError(f"the cache {self.path} cannot be read: {exc.strerror}") from None
        try:
            return _documents(json.loads(raw))
        except (ValueError, LookupError, TypeError, RecursionError, binascii.Error):
            raise ValueError(f"the cache {self.path} is damaged; remove it") from None

    def write(self, documents: Mapping[str, Answer]) -> None:
        """Write the documents; a crash leaves the old file or the new one. Blocks.

        Raises:
            ValueError: if it cannot be written; says why.
        """
        now = time.time()
        entries = {digest: _entry(answer, now) for digest, answer in documents.items()}
        data = json.dumps({"trivet_http_cache": _VERSION, "documents": entries}, indent=1).encode()
        try:
            try:
                durable_file.create(self.path, data)
            except FileExistsError:
                self.path.chmod(0o600)  # `replace` keeps the mode
                durable_file.replace(self.path, data)
        except OSError as exc:
            raise ValueError(f"the cache {self.path} cannot be written: {exc.strerror}") from None


def _read_private(path: pathlib.Path) -> bytes:
    # Not blocking, should it be a pipe.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"the cache {path} is no regular file")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError(f"the cache {path} is open to others, who may have written it; remove it or chmod 600 it")
        if status.st_size > _MAX_BYTES:
            raise ValueError(f"the cache {path} is too large; remove it")
        with open(handle, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES)
    finally:
        os.close(handle)


def _documents(data: Any) -> dict[str, Answer]:  # noqa: ANN401 - JSON is of any type
    if data["trivet_http_cache"] != _VERSION:
        raise ValueError("another version")
    return {digest: _answer(entry) for digest, entry in data["documents"].items()}


def _entry(answer: Answer, now: float) -> dict[str, object]:
    return {
        "etag": answer.etag,
        "last_modified": answer.last_modified,
        "content_type": answer.content_type,
        "saved": now if answer.cached is None else answer.cached,
        "body": base64.b64encode(answer.body).decode(),
    }


def _answer(entry: Any) -> Answer:  # noqa: ANN401 - as above
    return Answer(
        body=base64.b64decode(entry["body"], validate=True),
        etag=str(entry["etag"]),
        last_modified=str(entry["last_modified"]),
        content_type=str(entry["content_type"]),
        cached=float(entry["saved"]),
    )
