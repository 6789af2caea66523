"""Hash to P-256 and to its scalars: the suite ``P256_XMD:SHA-256_SSWU_RO_`` of RFC 9380, section 8.2.

These are Python integers and not constant-time in the message: a low-entropy secret that is hashed here may show in the time.
"""

from __future__ import annotations

import hashlib
from typing import Final

from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.point import FIELD, A, B, Point
from trivet_plugins.zero_knowledge.scalar import ORDER

__all__ = ("expand_message", "hash_to_point", "hash_to_scalar")

_Z: Final = FIELD - 10
_LENGTH: Final = 48
_BLOCK: Final = 64
_OUTPUT: Final = 32
_MAX_OUTPUT: Final = 255 * _OUTPUT


def expand_message(message: bytes, domain: bytes, length: int) -> bytes:
    """Stretch a message to uniform bytes: ``expand_message_xmd`` with SHA-256 (RFC 9380, section 5.3.1).

    Args:
        message: Any length.
        domain: The domain separation tag, 1 to 255 bytes.
        length: Bytes wanted, at most 8,160.

    Raises:
        ProofError: The domain or the length is out of range.
    """
    if not 1 <= len(domain) <= 255 or not 1 <= length <= _MAX_OUTPUT:
        raise ProofError("a domain separation tag has 1 to 255 bytes, and an expanded message 1 to 8160")
    suffix = domain + bytes((len(domain),))
    first = hashlib.sha256(bytes(_BLOCK) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    blocks = [hashlib.sha256(first + b"\1" + suffix).digest()]
    for number in range(2, -(-length // _OUTPUT) + 1):
        mixed = bytes(a ^ b for a, b in zip(first, blocks[-1], strict=True))
        blocks.append(hashlib.sha256(mixed + bytes((number,)) + suffix).digest())
    return b"".join(blocks)[:length]


def hash_to_scalar(message: bytes, domain: bytes) -> int:
    """Return a scalar: ``hash_to_field`` with the group's order (RFC 9380, section 5.2; RFC 9497, section 4.3)."""
    return int.from_bytes(expand_message(message, domain, _LENGTH), "big") % ORDER


def hash_to_point(message: bytes, domain: bytes) -> Point:
    """Return a point whose discrete logarithm nobody knows; the identity with a chance of 2^-256."""
    data = expand_message(message, domain, 2 * _LENGTH)
    halves = (data[:_LENGTH], data[_LENGTH:])
    first, second = (_map_to_curve(int.from_bytes(half, "big") % FIELD) for half in halves)
    return first + second


def _map_to_curve(u: int) -> Point:
    """Apply the simplified Shallue-van de Woestijne-Ulas method (RFC 9380, section 6.6.2)."""
    zu = _Z * u * u % FIELD
    denominator = (zu * zu + zu) % FIELD
    factor = 1 + pow(denominator, -1, FIELD) if denominator else pow(-_Z, -1, FIELD)
    x = -B * pow(A, -1, FIELD) * factor % FIELD
    y = _root(x)
    if y is None:
        x = zu * x % FIELD
        y = _root(x)
    if y is None:  # pragma: no cover - one of the two is a square (RFC 9380, appendix D)
        raise ProofError("the map to the curve found no root")
    return Point(x, y if y & 1 == u & 1 else FIELD - y)


def _root(x: int) -> int | None:
    square = (x * x * x + A * x + B) % FIELD
    root = pow(square, (FIELD + 1) // 4, FIELD)
    return root if root * root % FIELD == square else None
