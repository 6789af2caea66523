"""The text of a failed check: what its exception says, fit for a page that strangers read."""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 300

# postgres://user:password@host: drivers quote the address that they could not reach, credentials included.
_CREDENTIALS: Final = re.compile(r"(\w://[^/\s:@]*):[^/\s@]*@")


def failure_text(exc: BaseException) -> str:
    """Return ``TypeOfError: text`` in one line of at most 300 characters, without the passwords of URLs.

    Of an exception group with one member, the member speaks.
    """
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    text = " ".join(f"{type(exc).__name__}: {exc}".split()).removesuffix(":")
    text = _CREDENTIALS.sub(r"\1:***@", text)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."
