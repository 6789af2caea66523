"""`printable`: text of a service, as a terminal may show it."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return text without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
