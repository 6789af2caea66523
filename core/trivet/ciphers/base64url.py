"""Base64url without padding (RFC 4648, section 5) in its one canonical form: what envelopes and signatures are written in."""

from __future__ import annotations

import binascii
import string
from typing import Final

_ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
# The last character stands for 6 bits of a text of 3n bytes, and for the first 2 or 4 of one of 3n + 1 or 3n + 2.
_LAST: Final = (_ALPHABET, _ALPHABET[::16], _ALPHABET[::4])


def encode(raw: bytes) -> str:
    """Return the text of some bytes."""
    text = binascii.b2a_base64(raw, newline=False)
    return text.replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes of a text.

    Raises:
        ValueError: for every text that `encode` does not give: padding, other alphabets, white space, stray bits in the last
            character.
    """
    try:
        if "=" in text or "+" in text or "/" in text:  # what the strict decoder knows, and this form does not
            raise ValueError  # noqa: TRY301 - the one refusal below
        plain = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
        raw = binascii.a2b_base64(plain, strict_mode=True)
    except ValueError:  # binascii.Error is one; so is the error for what is not ASCII
        raise ValueError("not base64url") from None
    if text and text[-1] not in _LAST[len(raw) % 3]:
        raise ValueError("stray bits in the last character")
    return raw
