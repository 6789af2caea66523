"""`subkey`: from a data key to a key for one use, so that no two uses ever share a key."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from trivet.errors import KeyRingError

if TYPE_CHECKING:
    from trivet.ciphers.contracts import Key

KEY_BYTES: Final = 32
"""The least length of a data key, and the length of a subkey."""


def material(key: Key) -> bytes:
    """Return the bytes of a data key.

    Raises:
        KeyRingError: if they are too few.
    """
    if len(key.material) < KEY_BYTES:
        raise KeyRingError(f"key {key.id:016x} has {len(key.material)} bytes, needs {KEY_BYTES}; make a new one")
    return key.material


def subkey(key: Key, label: bytes) -> bytes:
    """Derive a key for one use: the first 32 bytes of ``HMAC-SHA512(data key, label)``.

    Args:
        key: The data key.
        label: What it is for; of no use's label must another's be the beginning.

    Raises:
        KeyRingError: if the data key is too short.
    """
    return hmac.digest(material(key), label, "sha512")[:KEY_BYTES]
