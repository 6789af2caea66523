"""Validators of ``plugins.http``. Of a secret only their repr is shown when they refuse it, so that says what is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from trivet import Secret
from trivet_plugins.config.http_address import Address

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, 5.6.2
_VALUE: Final = re.compile(r"[ -~\t]*")
_OURS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
        "transfer-encoding",
    }
)
"""Headers that the source itself sends or that would change what an answer means."""


class IsUrl:
    """Refuses what is no HTTP URL."""

    def __call__(self, _instance: object, _attribute: object, value: Secret[str] | None) -> None:
        """Check a URL."""
        if value is not None:
            Address.of(value)

    def __repr__(self) -> str:
        return "<it must begin with https:// or http:// and name a host>"


class AreHeaders:
    """Refuses headers that cannot be sent, and those that belong to the source."""

    def __call__(self, _instance: object, _attribute: object, value: Mapping[str, Secret[str]]) -> None:
        """Check all headers."""
        for name, text in value.items():
            ours = name.lower() in _OURS
            if ours or not _NAME.fullmatch(name) or not _VALUE.fullmatch(text.reveal()):
                raise ValueError(repr(self)[1:-1])

    def __repr__(self) -> str:
        return "<names must be tokens, values printable ASCII; conditions, ranges and encoding are the source's own>"
