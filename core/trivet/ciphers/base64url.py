"""Base64url without padding (RFC 4648, section 5) in its one canonical form: what envelopes and signatures are written in."""

from __future__ import annotations

import base64
import binascii
import string
from typing import Final

# From the URL alphabet to the one that the strict decoder knows; every other byte to NUL, which it refuses.
_URL: Final = (string.ascii_letters + string.digits + "-_").encode()
_TO_PLAIN: Final = bytes(b"+/"[b"-_".index(byte)] if byte in b"-_" else byte * (byte in _URL) for byte in range(256))


def encode(raw: bytes) -> str:
    """Return the text of some bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes of a text.

    Raises:
        ValueError: for every text that `encode` does not give: padding, other alphabets, white space, stray bits in the last
            character.
    """
    try:
        plain = text.encode("ascii").translate(_TO_PLAIN)
        raw = binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
    except ValueError:  # binascii.Error is one, UnicodeEncodeError too
        raise ValueError("not base64url") from None
    tail = len(raw) % 3
    if tail and encode(raw[-tail:]) != text[-tail - 1 :]:
        raise ValueError("stray bits in the last character")
    return raw
