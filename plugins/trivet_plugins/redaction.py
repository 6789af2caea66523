"""`redacted`: a log entry's fields without what should not be in a log.

A `Secret` masks itself. This is the net below it: values under names like ``password`` or ``api_key`` are masked,
sealed values are shortened to what identifies them, and the passwords of URLs go, in texts and inside containers alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from trivet import Secret

MASK: Final = "***"

_DEPTH: Final = 8
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ALWAYS: Final = frozenset({"passphrase", "passwd", "password", "passwords", "pwd", "secret", "secrets"})
_LAST: Final = frozenset({"authorization", "cookie", "cookies", "credential", "credentials", "jwt", "token", "tokens"})
_KEYS: Final = frozenset({"access", "api", "encryption", "master", "private", "signing"})
_ENVELOPE: Final = re.compile(r"(trivet:1:[A-Za-z0-9_-]{6})[A-Za-z0-9_-]+")
_CREDENTIALS: Final = re.compile(r"(\w://[^/\s:@]*):[^/\s@]*@")


def redacted(name: str, value: object) -> object:
    """Return a field's value as it may be logged; what is no plain data becomes text.

    Args:
        name: The field's name. One that speaks of a secret masks every value but None and booleans.
        value: The value.
    """
    if value is None or isinstance(value, bool):
        return value
    return MASK if names_a_secret(name) else _redacted(value, _DEPTH)


def redacted_text(text: str) -> str:
    """Return a text with its sealed values shortened and without the passwords of URLs."""
    return _CREDENTIALS.sub(rf"\1:{MASK}@", _ENVELOPE.sub("\\1\N{HORIZONTAL ELLIPSIS}", text))


def names_a_secret(name: str) -> bool:
    """Whether a field of this name holds a secret: ``db_password``, ``apiKey``, ``X-Auth-Token``; not ``token_count``."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    return (
        not _ALWAYS.isdisjoint(words)
        or words[-1] in _LAST
        or (words[-1] in ("key", "keys") and not _KEYS.isdisjoint(words))
    )


def _redacted(value: object, depth: int) -> object:
    if isinstance(value, str):
        return redacted_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Secret):
        return MASK
    if depth and isinstance(value, Mapping):
        return {_key(key): _inner(key, inner, depth) for key, inner in value.items()}
    if depth and isinstance(value, list | tuple | AbstractSet):
        return [_redacted(inner, depth - 1) for inner in value]
    return redacted_text(repr(value))


def _inner(key: object, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    return MASK if names_a_secret(str(key)) else _redacted(value, depth - 1)


def _key(key: object) -> str:
    return redacted_text(key if isinstance(key, str) else repr(key))
