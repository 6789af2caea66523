"""`master_key` and `passphrase`: what a key source finds as text becomes a master key."""

from __future__ import annotations

import binascii
from typing import Final

from trivet import KeyRingError, Passphrase
from trivet.ciphers.keys import MASTER_KEY_BYTES
from trivet_plugins.security.passwords.opaque_string import prepare

MAX_BYTES: Final = 4096
"""The longest text of a master key."""

_MIN_CHARACTERS: Final = 8
_TO_PLAIN: Final = bytes.maketrans(b"-_", b"+/")


def master_key(text: bytes, place: str) -> bytes:
    """Return the master key that a text stands for: base64 with either alphabet, padded or not, white space around it.

    Args:
        text: The text.
        place: Where it is, for messages.

    Raises:
        KeyRingError: if it is no base64, or too short; never with any of it.
    """
    plain = text.strip().rstrip(b"=").translate(_TO_PLAIN)
    try:
        raw = binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
    except binascii.Error:
        raw = b""
    if len(raw) < MASTER_KEY_BYTES:
        raise KeyRingError(
            f"{place}: no master key; it must be the base64 of {MASTER_KEY_BYTES} random bytes: openssl rand -base64 32"
        )
    return raw


def passphrase(text: bytes, place: str) -> Passphrase:
    """Return the passphrase in a text, without one newline at the end, in the one form of the OpaqueString profile (RFC 8265).

    Raises:
        KeyRingError: if it is too short or no text; never with any of it.
    """
    text = text.removesuffix(b"\n").removesuffix(b"\r")
    try:
        prepared = prepare(text.decode())
    except UnicodeDecodeError:  # it carries the text
        reason = "it is not UTF-8"
    except ValueError as exc:
        reason = str(exc)
    else:
        if len(prepared) >= _MIN_CHARACTERS:
            return Passphrase(prepared)
        reason = f"it has fewer than {_MIN_CHARACTERS} characters"
    raise KeyRingError(f"{place}: no passphrase: {reason}")
