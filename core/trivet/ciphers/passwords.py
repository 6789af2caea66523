"""`Passwords`: what applications store and check passwords with. The hashes come from plugins, `PasswordHasher`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from trivet.errors import TrivetError
from trivet.exit_codes import EX_DATAERR, EX_UNAVAILABLE


class PasswordError(TrivetError, ValueError):
    """A password may not be used, or a stored hash is none, or asks for more work than the bound. Never shows either."""

    exit_code = EX_DATAERR


class PasswordsBusyError(TrivetError):
    """So many passwords wait to be hashed that another would wait too long; answer with 503, and try again later."""

    exit_code = EX_UNAVAILABLE


@runtime_checkable
class Passwords(Protocol):
    """Hashes and checks passwords: ``kernel.service(Passwords)``. A service provider with ``provides=Passwords``.

    ``account`` is whose password it is, for the audit log; an id that is no secret.
    """

    async def hash(self, password: str, *, account: str = "") -> str:
        """Hash a new password.

        Args:
            password: As it was typed; see the plugin for its shortest and longest.
            account: Whose it is.

        Returns:
            What to store, ASCII, at most 512 characters. Another one at every call.

        Raises:
            PasswordError: if it is too short, too long, or holds control characters.
            PasswordsBusyError: if too many are waiting.
        """
        ...

    async def verify(self, password: str, hashed: str | None, *, account: str = "") -> bool:
        """Check a password.

        Args:
            password: As it was typed.
            hashed: What `hash` gave. None where there is no such account: the answer is then False, and takes as long.
            account: Whose it is.

        Raises:
            PasswordError: if ``hashed`` is no hash, is of a scheme that no plugin gives, or asks for more than the bound.
            PasswordsBusyError: if too many are waiting.
        """
        ...

    async def verify_and_update(
        self, password: str, hashed: str | None, *, account: str = ""
    ) -> tuple[bool, str | None]:
        """Check a password, and hash it anew where `needs_rehash` says so.

        Returns:
            What `verify` says, and the hash to store in place of the old one; None: keep the old one.
        """
        ...

    def needs_rehash(self, hashed: str) -> bool:
        """Say whether a stored hash was made with other parameters, another scheme or another key than today's."""
        ...
