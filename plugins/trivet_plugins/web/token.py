"""The token of the admin pages, and its hash, which a configuration file may hold in place of the token.

``sha256:<64 hex digits>`` is what ``trivet token`` prints. A fast hash is enough, and is what is wanted: a token is random, so
there is nothing to guess, and every request is checked.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trivet import Secret

MIN_TOKEN: Final = 16
"""Characters. A shorter token can be guessed; ``trivet token new`` makes a good one."""

_HASH: Final = re.compile(r"sha256:([0-9a-f]{64})\Z")


def digest(token: str) -> bytes:
    """Return what is compared: of one length, so that the comparison tells nothing about the token's."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def digests(token: Secret[str] | None, token_hash: Secret[str] | None) -> tuple[bytes, ...]:
    """Return what opens: the digest of the token, the digest that the hash is; both where both are given.

    Raises:
        ValueError: if the token is too short, or the hash is none.
    """
    found = []
    if token is not None:
        if len(token.reveal()) < MIN_TOKEN:
            raise ValueError(f"the token must have at least {MIN_TOKEN} characters; trivet token new makes a good one")
        found.append(digest(token.reveal()))
    if token_hash is not None:
        match = _HASH.match(token_hash.reveal())
        if match is None:
            raise ValueError("the token's hash must be sha256: and 64 hex digits; trivet token hash prints it")
        found.append(bytes.fromhex(match[1]))
    return tuple(found)


class IsToken:
    """Refuses a token that can be guessed. What it says stands in its repr: the value is a secret, and its error is not shown."""

    def __call__(self, _instance: object, _attribute: object, value: Secret[str] | None) -> None:
        """Check a token."""
        digests(value, None)

    def __repr__(self) -> str:
        return f"<it must have at least {MIN_TOKEN} characters; trivet token new makes a good one>"


class IsTokenHash:
    """Refuses what is no token's hash."""

    def __call__(self, _instance: object, _attribute: object, value: Secret[str] | None) -> None:
        """Check a hash."""
        digests(None, value)

    def __repr__(self) -> str:
        return "<it must be sha256: and 64 hex digits; trivet token hash prints it>"
