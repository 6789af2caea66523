"""Points of P-256: SEC 1 compressed encodings, sums, and products by scalars that stay inside OpenSSL.

OpenSSL multiplies with ECDH, which gives only the x of ``k * P``. Its y follows from the x of ``(k + 1) * P = k * P + P``, in
which the addition formula is linear in y. No multiplication walks over a scalar's bits in Python. What is not constant-time: the
scalars 0, 1 and order - 1, which are answered without OpenSSL, and all that Python does with its integers: the conversion of a
scalar, sums of points, and arithmetic modulo the order.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, reduce
from typing import Final

import attrs
from cryptography.hazmat.primitives.asymmetric import ec

from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.scalar import ORDER, check_scalar

__all__ = (
    "FIELD",
    "GENERATOR",
    "IDENTITY",
    "POINT_BYTES",
    "A",
    "B",
    "Multiplier",
    "Point",
    "decode_point",
    "multiply",
    "total",
)

FIELD: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
A: Final = FIELD - 3
B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
POINT_BYTES: Final = 33
_CURVE: Final = ec.SECP256R1()
_ECDH: Final = ec.ECDH()


@attrs.frozen
class Point:
    """A point by its affine coordinates; `IDENTITY` has none and stands as (0, 0), which is not on the curve.

    Coordinates are not checked here: what comes from outside comes through `decode_point`.
    """

    x: int
    y: int

    @property
    def is_identity(self) -> bool:
        """Tell whether this is the neutral element."""
        return self.x == 0 and self.y == 0

    def encode(self) -> bytes:
        """Return 33 bytes, SEC 1 compressed.

        Raises:
            ProofError: This is the identity, which has no encoding.
        """
        if self.is_identity:
            raise ProofError("the identity has no encoding")
        return bytes((2 + (self.y & 1),)) + self.x.to_bytes(32, "big")

    def __neg__(self) -> Point:
        return Point(self.x, -self.y % FIELD)

    def __add__(self, other: Point) -> Point:
        if self.is_identity:
            return other
        if other.is_identity:
            return self
        if self.x == other.x:
            return self._double() if self.y == other.y else IDENTITY
        return self._along((other.y - self.y) * pow(other.x - self.x, -1, FIELD), other.x)

    def __sub__(self, other: Point) -> Point:
        return self + -other

    def _double(self) -> Point:
        return self._along((3 * self.x * self.x + A) * pow(2 * self.y, -1, FIELD), self.x)

    def _along(self, slope: int, other_x: int) -> Point:
        x = (slope * slope - self.x - other_x) % FIELD
        return Point(x, (slope * (self.x - x) - self.y) % FIELD)


IDENTITY: Final = Point(0, 0)
GENERATOR: Final = Point(
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def decode_point(data: bytes) -> Point:
    """Read a point from 33 bytes, SEC 1 compressed.

    Raises:
        ProofError: Another length or form (uncompressed, hybrid, the identity), an x out of range, or one not on the curve.
    """
    if len(data) != POINT_BYTES or data[0] not in {2, 3}:
        raise ProofError(f"a point has {POINT_BYTES} bytes, the first 02 or 03 (SEC 1 compressed)")
    try:
        numbers = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, data).public_numbers()
    except ValueError:
        raise ProofError("33 bytes are no point of P-256") from None
    return Point(numbers.x, numbers.y)


class Multiplier:
    """A scalar, ready to multiply points; what OpenSSL derives from it is kept for the next point.

    Args:
        scalar: 0 to order - 1; it may be secret.

    Raises:
        ProofError: The scalar is out of range.
    """

    def __init__(self, scalar: int) -> None:
        self._scalar = check_scalar(scalar)

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self._scalar, _CURVE)

    @cached_property
    def _next(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self._scalar + 1, _CURVE)

    def times(self, point: Point) -> Point:
        """Return the product with a point on the curve, or with the identity.

        Raises:
            ProofError: The point is not on the curve.
        """
        if self._scalar == 0 or point.is_identity:
            return IDENTITY
        if point == GENERATOR:
            numbers = self._key.public_key().public_numbers()
            return Point(numbers.x, numbers.y)
        if self._scalar in {1, ORDER - 1}:
            return point if self._scalar == 1 else -point
        try:
            peer = ec.EllipticCurvePublicNumbers(point.x, point.y, _CURVE).public_key()
        except ValueError:
            raise ProofError("the coordinates are no point of P-256") from None
        return _recover(_shared(self._key, peer), _shared(self._next, peer), point)


def multiply(scalar: int, point: Point) -> Point:
    """Return one product, see `Multiplier`."""
    return Multiplier(scalar).times(point)


def _shared(key: ec.EllipticCurvePrivateKey, peer: ec.EllipticCurvePublicKey) -> int:
    return int.from_bytes(key.exchange(_ECDH, peer), "big")


def _recover(x: int, next_x: int, point: Point) -> Point:
    """Return ``Q`` from its x, the x of ``Q + point``, and ``point``."""
    across = x - point.x
    above = x * x * x + A * x + B + point.y * point.y - (x + next_x + point.x) * across * across
    return Point(x, above * pow(2 * point.y, -1, FIELD) % FIELD)


def total(points: Iterable[Point]) -> Point:
    """Return the sum of points; of none, the identity."""
    return reduce(Point.__add__, points, IDENTITY)
