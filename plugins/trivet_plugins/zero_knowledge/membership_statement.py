"""`MembershipStatement`: a committed value is one of a public set. Own construction over one linear relation.

The prover shows that ``(v - a1) * (v - a2) * ... * (v - ak)`` is zero, without a branch on which factor it is. With
``P1 = V - a1 * G`` it commits to each further product, ``Pj``, and proves ``Pj + aj * P(j-1) = v * P(j-1) + t * H``, so that
``Pj`` holds the product up to j, with the v of ``V = v * G + r * H``. Last, ``Pk`` is proven to be a multiple of H: the whole
product is zero, so v is in the set, or the prover knows the relation of G to H. All elements stand in the relation, and so in
the challenge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from trivet_plugins.zero_knowledge.codec import Reader, encode_length
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.pedersen import blinding_base, commit, opened
from trivet_plugins.zero_knowledge.point import GENERATOR, Point
from trivet_plugins.zero_knowledge.relation import Equation, ImageTerm, LinearRelation, Term
from trivet_plugins.zero_knowledge.scalar import ORDER, check_scalar, encode_scalar, random_scalar

__all__ = ("MAX_ALLOWED", "MembershipStatement")

MAX_ALLOWED: Final = 256
_G, _H, _V, _FIRST = range(4)
_VALUE, _BLINDING, _STEP = range(3)


@attrs.frozen
class MembershipStatement:
    """``commitment`` holds one of ``allowed``; witness ``(value, blinding)``.

    Args:
        commitment: See `pedersen.commit`.
        allowed: 1 to 256 scalars, rising. For texts, hash each to a scalar.

    Raises:
        ProofError: There are none or too many, one is out of range, they do not rise, or the commitment is the identity.
    """

    commitment: Point
    allowed: tuple[int, ...]

    def __attrs_post_init__(self) -> None:
        if not 1 <= len(self.allowed) <= MAX_ALLOWED:
            raise ProofError(f"a set has 1 to {MAX_ALLOWED} values, not {len(self.allowed)}")
        if any(first >= second for first, second in zip(self.allowed, self.allowed[1:], strict=False)):
            raise ProofError("the values of a set rise: sort them, and name each once")
        for value in self.allowed:
            check_scalar(value)
        if self.commitment.is_identity:
            raise ProofError("a commitment is the identity")

    def encode(self) -> bytes:
        """Return the point, the count and the values, 32 bytes each."""
        return self.commitment.encode() + encode_length(len(self.allowed)) + b"".join(map(encode_scalar, self.allowed))

    @classmethod
    def decode(cls, data: bytes) -> MembershipStatement:
        """Read what `encode` wrote.

        Raises:
            ProofError: It is too long or too short, has no point, or no set.
        """
        reader = Reader(data)
        (commitment,), count = reader.points(1), reader.count(MAX_ALLOWED)
        allowed = reader.scalars(count)
        reader.end()
        return cls(commitment, allowed)

    @property
    def auxiliaries(self) -> int:
        """How many commitments to products a proof has."""
        return len(self.allowed) - 1

    def relation(self, products: Sequence[Point]) -> LinearRelation:
        """Return what is proven, for these commitments to products."""
        equations = [Equation((ImageTerm(_V),), (Term(_VALUE, _G), Term(_BLINDING, _H)))]
        former = [(_V, 1), (_G, -self.allowed[0] % ORDER)]
        for number, value in enumerate(self.allowed[1:]):
            weighted = (ImageTerm(element, value * factor % ORDER) for element, factor in former)
            terms = (Term(_VALUE, element, factor) for element, factor in former)
            image = (ImageTerm(_FIRST + number), *weighted)
            equations.append(Equation(image, (*terms, Term(_STEP + number, _H))))
            former = [(_FIRST + number, 1)]
        last = tuple(ImageTerm(element, factor) for element, factor in former)
        equations.append(Equation(last, (Term(_STEP + len(products), _H),)))
        return LinearRelation((GENERATOR, blinding_base(), self.commitment, *products), tuple(equations))

    def commit(self, witness: Sequence[int]) -> tuple[tuple[Point, ...], tuple[int, ...]]:
        """Return the commitments to products, and the relation's witness.

        Raises:
            ProofError: The witness does not open the commitment to a value of the set.
        """
        value, blinding = opened(witness, self.commitment)
        product, former = (value - self.allowed[0]) % ORDER, blinding
        points, steps = list[Point](), list[int]()
        for other in self.allowed[1:]:
            factor, fresh = (value - other) % ORDER, random_scalar()
            steps.append((fresh - factor * former) % ORDER)
            product, former = product * factor % ORDER, fresh
            points.append(commit(product, fresh))
        if product:
            raise ProofError("the committed value is not in the set")
        return tuple(points), (value, blinding, *steps, former)
