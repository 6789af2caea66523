"""`Pepper`: a secret that is not in the database goes into every password hash: ``$pepper$k=<key id>$argon2id$...``.

The password becomes ``base64(HMAC-SHA256(pepper, password))`` before it is hashed. The pepper is derived from a key of the key
ring (`Ciphers.derive`, purpose ``password-pepper``); its id stands in the hash, so after a rotation older hashes still verify,
and are made anew at the next log-in. Who steals the database alone cannot try a single password.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, Final

from trivet import KeyRingError, PasswordError

if TYPE_CHECKING:
    from trivet.ciphers.registry import Ciphers

_PURPOSE: Final = "password-pepper"
_PREFIX: Final = "$pepper$k="
_FORM: Final = re.compile(r"\$pepper\$k=([0-9a-f]{16})(\$[\x21-\x7e]+)\Z")


class Pepper:
    """Puts peppers into passwords.

    Args:
        ciphers: Derives them.
        active: Whether new hashes get one.
    """

    def __init__(self, ciphers: Ciphers, *, active: bool) -> None:
        self._ciphers = ciphers
        self._active = active
        self._derived: dict[int, bytes] = {}

    def key_id(self) -> int | None:
        """Return the id of the key that new hashes get their pepper from; None: they get none.

        Raises:
            KeyRingError: if there is no key.
        """
        return self._ciphers.key_ids()[0] if self._active else None

    def add(self, password: str, key_id: int | None) -> str:
        """Return what is hashed in place of the password.

        Raises:
            KeyRingError: if there is no key of that id.
        """
        if key_id is None:
            return password
        mixed = hmac.digest(self._key(key_id), password.encode(), "sha256")
        return base64.b64encode(mixed).decode("ascii")

    def _key(self, key_id: int) -> bytes:
        if key_id not in self._ciphers.key_ids():
            self._derived.pop(key_id, None)
            raise KeyRingError(
                f"the key {key_id:016x} of this password's pepper is not in the key ring; "
                "restore the key, or have the account's password reset"
            )
        if key_id not in self._derived:  # derived once: it is an operation of its own in the audit log
            self._derived[key_id] = self._ciphers.derive(purpose=_PURPOSE, key_id=key_id).material
        return self._derived[key_id]


def mark(hashed: str, key_id: int | None) -> str:
    """Return what is stored for a hash."""
    return hashed if key_id is None else f"{_PREFIX}{key_id:016x}{hashed}"


def unmark(stored: str) -> tuple[int | None, str]:
    """Return the key id of a stored hash, or None, and the hash.

    Raises:
        PasswordError: if it begins like a peppered one and is none.
    """
    if not stored.startswith("$pepper$"):
        return None, stored
    match = _FORM.match(stored)
    if match is None:
        raise PasswordError("the stored hash names its pepper's key wrongly; look at what the account's row holds")
    return int(match[1], 16), match[2]
