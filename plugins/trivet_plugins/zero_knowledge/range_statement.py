"""`RangeStatement`: a committed integer is at least ``low`` and at most ``high``. Own construction over one linear relation.

With ``u = value - low`` and ``size = high - low`` of n bits, u is written as a sum of n weights, each taken or not. The
weights are 1, 2, 4, ... and a last one that makes their sum ``size``; each u from 0 to size is such a sum, and nothing else is.
The prover commits to each bit, ``C = b * G + r * H``, and proves ``C = b * C + s * H`` with the same b: then
``(1 - b) * b * G`` is a multiple of H that the prover knows, so b is 0 or 1, or the prover knows the relation of G to H. Last,
``V - low * G`` less the weighted sum of the C is proven to be a multiple of H: both hold the same value. All elements stand in
the relation, and so in the challenge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from trivet_plugins.zero_knowledge.codec import Reader, encode_uint
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.pedersen import blinding_base, commit, opened
from trivet_plugins.zero_knowledge.point import GENERATOR, Point
from trivet_plugins.zero_knowledge.relation import Equation, ImageTerm, LinearRelation, Term
from trivet_plugins.zero_knowledge.scalar import ORDER, random_scalar

__all__ = ("LIMIT", "RangeStatement")

LIMIT: Final = 2**64
_G, _H, _V, _FIRST = range(4)


@attrs.frozen
class RangeStatement:
    """``commitment`` holds an integer from ``low`` to ``high``; witness ``(value, blinding)``.

    Args:
        commitment: See `pedersen.commit`.
        low: From 0 on.
        high: ``low`` or more, below 2^64.

    Raises:
        ProofError: The bounds are not in this order, or the commitment is the identity.
    """

    commitment: Point
    low: int
    high: int

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.low <= self.high < LIMIT:
            raise ProofError("the bounds of a range are 0 <= low <= high < 2^64")
        if self.commitment.is_identity:
            raise ProofError("a commitment is the identity")

    def encode(self) -> bytes:
        """Return 49 bytes: the point, and both bounds little-endian."""
        return self.commitment.encode() + encode_uint(self.low, LIMIT) + encode_uint(self.high, LIMIT)

    @classmethod
    def decode(cls, data: bytes) -> RangeStatement:
        """Read 49 bytes.

        Raises:
            ProofError: Another length, no point, or no range.
        """
        reader = Reader(data)
        (commitment,), low, high = reader.points(1), reader.uint(LIMIT), reader.uint(LIMIT)
        reader.end()
        return cls(commitment, low, high)

    @property
    def weights(self) -> tuple[int, ...]:
        """What each bit counts for; all together they are ``high - low``."""
        size = self.high - self.low
        powers = [2**number for number in range(size.bit_length() - 1)]
        return (*powers, size - sum(powers)) if size else ()

    @property
    def auxiliaries(self) -> int:
        """How many bit commitments a proof has."""
        return len(self.weights)

    def relation(self, bits: Sequence[Point]) -> LinearRelation:
        """Return what is proven, for these bit commitments."""
        equations = [equation for number in range(len(bits)) for equation in _bit(number)]
        parts = (ImageTerm(_FIRST + number, -weight % ORDER) for number, weight in enumerate(self.weights))
        image = (ImageTerm(_V), ImageTerm(_G, -self.low % ORDER), *parts)
        equations.append(Equation(image, (Term(3 * len(bits), _H),)))
        return LinearRelation((GENERATOR, blinding_base(), self.commitment, *bits), tuple(equations))

    def commit(self, witness: Sequence[int]) -> tuple[tuple[Point, ...], tuple[int, ...]]:
        """Return the bit commitments, and the relation's witness.

        Raises:
            ProofError: The witness does not open the commitment to a value in the range.
        """
        value, rest = opened(witness, self.commitment)
        if not self.low <= value <= self.high:
            raise ProofError("the committed value is not in the range")
        points, scalars = list[Point](), list[int]()
        for bit, weight in zip(self._bits(value), self.weights, strict=True):
            blinding = random_scalar()
            points.append(commit(bit, blinding))
            scalars += (bit, blinding, blinding * (1 - bit))
            rest -= weight * blinding
        return tuple(points), (*scalars, rest % ORDER)

    def _bits(self, value: int) -> list[int]:
        left, count = value - self.low, len(self.weights)
        if not count:
            return []
        last = left >> (count - 1)
        left -= last * self.weights[-1]
        return [*(left >> number & 1 for number in range(count - 1)), last]


def _bit(number: int) -> tuple[Equation, Equation]:
    element, (bit, blinding, product) = _FIRST + number, range(3 * number, 3 * number + 3)
    image = (ImageTerm(element),)
    return (
        Equation(image, (Term(bit, _G), Term(blinding, _H))),
        Equation(image, (Term(bit, element), Term(product, _H))),
    )
