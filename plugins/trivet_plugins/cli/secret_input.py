"""Take a secret from the user: a hidden prompt on a terminal, else standard input; never an argument, which `ps` shows."""

from __future__ import annotations

import contextlib
import sys

import click

from trivet import SealError, Secret
from trivet.ciphers.envelope import MAX_DATA_BYTES, PREFIX


def is_interactive() -> bool:
    """Whether someone will be asked."""
    return sys.stdin.isatty()


def read_secret(what: str, *, confirm: bool = True) -> Secret[str]:
    """Return the secret.

    Args:
        what: Shown in the prompt.
        confirm: Whether it must be typed twice.

    Raises:
        SealError: if it is empty, too long, no text, or sealed already.
    """
    value = _ask(what, confirm=confirm) if is_interactive() else _read()
    if not value:
        raise SealError("the value is empty; type it at the prompt, or redirect it from where it is kept: ... < FILE")
    if value.startswith(PREFIX):
        raise SealError("the value is sealed already; give the value itself")
    return Secret(value)


def _ask(what: str, *, confirm: bool) -> str:
    answer: str = click.prompt(
        what, hide_input=True, confirmation_prompt=confirm, err=True, default="", show_default=False
    )
    return answer


def _read() -> str:
    raw = sys.stdin.buffer.read(MAX_DATA_BYTES + 3)  # one line end more than fits, one byte to see that it does not
    for end in (b"\r\n", b"\n"):
        if raw.endswith(end):
            raw = raw.removesuffix(end)
            break
    if len(raw) > MAX_DATA_BYTES:
        raise SealError(f"the value is longer than {MAX_DATA_BYTES} bytes; seal a key, and encrypt the data with it")
    with contextlib.suppress(UnicodeDecodeError):  # it carries the secret
        return raw.decode()
    raise SealError("the value is not UTF-8 text; encode it first, e.g. with base64")
