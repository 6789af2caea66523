"""`Url`: a field's type for addresses."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import SplitResult, urlsplit

from trivet.config.redaction import mask_userinfo

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\x00-\x1f\x7f]+")


class Url(str):
    """A text that is a URL with a scheme and ``//`` (RFC 3986): ``https://example.org/``, ``postgres://db/orders``.

    As a field's type it refuses ``localhost:8000``, blanks inside and ports that are none. It is a `str` wherever one is wanted;
    its repr masks a password, and so do all that show configuration.

    Args:
        text: The URL.

    Raises:
        ValueError: if it is none.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if not _URL.fullmatch(text):
            raise ValueError("a URL is written like https://example.org/")
        url = super().__new__(cls, text)
        _ = url.port  # raises for what is no number, or too large
        return url

    @property
    def parts(self) -> SplitResult:
        """The parts, as `urllib.parse.urlsplit` gives them."""
        return urlsplit(str(self))

    @property
    def scheme(self) -> str:
        """The scheme, in lower case."""
        return self.parts.scheme

    @property
    def host(self) -> str:
        """The host, in lower case, without brackets; empty where there is none, as in ``unix:///run/app.sock``."""
        return self.parts.hostname or ""

    @property
    def port(self) -> int | None:
        """The port; None where none is written."""
        return self.parts.port

    def __repr__(self) -> str:
        return f"Url({mask_userinfo(str(self))!r})"
