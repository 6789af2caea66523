"""A file that holds one value: what ``ORDERS_..._FILE`` and ``--set-file`` name, and what is in a secrets directory."""

from __future__ import annotations

import os
import pathlib
import stat

import attrs

VALUE_FILE_BYTES = 65_536
"""How large a file that holds one value may be."""


@attrs.frozen
class RawFile:
    """A file as it is.

    Args:
        content: All of it.
        mode: Its permission bits.
    """

    content: bytes = attrs.field(repr=False)
    mode: int


def read_raw(path: pathlib.Path, limit: int, *, follow: bool = True) -> RawFile:
    """Read a small regular file whole.

    Args:
        path: The file.
        limit: Its size at most, in bytes.
        follow: Whether the path itself may be a symbolic link.

    Raises:
        ValueError: if it cannot be read; says why and what to do, without the path.
    """
    # Non-blocking, so that opening a named pipe without a writer does not wait for one.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError("is no regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(limit + 1)
        finally:
            os.close(descriptor)
    except OSError as exc:
        remedy = f"; let user {os.geteuid()} read it" if isinstance(exc, PermissionError) else ""
        raise ValueError(f"cannot be read: {exc.strerror or type(exc).__name__}{remedy}") from None
    if len(content) > limit:
        raise ValueError(f"is larger than {limit:,} bytes, more than is read")
    return RawFile(content, stat.S_IMODE(status.st_mode))


def as_value(content: bytes) -> str:
    """Return the value in a file's content: without a byte order mark, and without one newline at the end.

    Raises:
        ValueError: if it is no text.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # which holds the bytes
        raise ValueError("is not UTF-8 text; store binary content as base64") from None
    if "\0" in text:
        raise ValueError("is not text: it holds NUL bytes; store binary content as base64")
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def read_value(path: pathlib.Path) -> str:
    """Read the value that a file holds.

    Raises:
        ValueError: if it cannot be read or holds no value; names the file.
    """
    try:
        return as_value(read_raw(path, VALUE_FILE_BYTES).content)
    except ValueError as exc:
        raise ValueError(f"{path} {exc}") from None
