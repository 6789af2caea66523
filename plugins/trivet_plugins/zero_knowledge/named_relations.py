"""The relations of the draft by their names, each as a `LinearRelation` with its elements in a fixed order."""

from __future__ import annotations

from collections.abc import Sequence

from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.point import GENERATOR, Point
from trivet_plugins.zero_knowledge.relation import Equation, ImageTerm, LinearRelation, Term

__all__ = (
    "bbs_blind_commitment",
    "discrete_logarithm",
    "dleq",
    "elgamal_decryption",
    "pedersen_commitment",
    "pedersen_dleq",
    "pedersen_equality",
)


def _equation(image: int, *terms: tuple[int, int]) -> Equation:
    return Equation((ImageTerm(image),), tuple(Term(scalar, element) for scalar, element in terms))


def discrete_logarithm(image: Point) -> LinearRelation:
    """State ``image = x * G``; witness ``(x,)``."""
    return LinearRelation((GENERATOR, image), (_equation(1, (0, 0)),))


def dleq(image: Point, base: Point, other: Point) -> LinearRelation:
    """State ``image = x * G`` and ``other = x * base``; witness ``(x,)``. The same where the base was derived by hashing."""
    return LinearRelation((GENERATOR, image, base, other), (_equation(1, (0, 0)), _equation(3, (0, 2))))


def pedersen_commitment(base: Point, commitment: Point) -> LinearRelation:
    """State ``commitment = value * G + blinding * base``; witness ``(value, blinding)``."""
    return LinearRelation((GENERATOR, base, commitment), (_equation(2, (0, 0), (1, 1)),))


def pedersen_dleq(bases: Sequence[Point], images: Sequence[Point]) -> LinearRelation:
    """State that two commitments over two pairs of bases hold the same pair of scalars; witness ``(first, second)``.

    Args:
        bases: Four points, the first pair and the second.
        images: Two points.

    Raises:
        ProofError: Another number of points.
    """
    if len(bases) != 4 or len(images) != 2:
        raise ProofError("the relation has two pairs of bases and two images")
    first, second, third, fourth = bases
    elements = (GENERATOR, first, second, images[0], third, fourth, images[1])
    return LinearRelation(elements, (_equation(3, (0, 1), (1, 2)), _equation(6, (0, 4), (1, 5))))


def bbs_blind_commitment(bases: Sequence[Point], commitment: Point) -> LinearRelation:
    """State that ``commitment`` is a sum of the bases; witness: one scalar per base."""
    image = len(bases) + 1
    terms = ((number, number + 1) for number in range(len(bases)))
    return LinearRelation((GENERATOR, *bases, commitment), (_equation(image, *terms),))


def elgamal_decryption(public_key: Point, ephemeral: Point, masked: Point, message: Point) -> LinearRelation:
    """State that a ciphertext opens to a message: ``masked - message = key * ephemeral``; witness ``(key,)``."""
    opened = Equation((ImageTerm(4), ImageTerm(3)), (Term(0, 2),))
    return LinearRelation((GENERATOR, public_key, ephemeral, -message, masked), (_equation(1, (0, 0)), opened))


def pedersen_equality(base: Point, commitments: tuple[Point, Point]) -> LinearRelation:
    """State that two commitments over one base hold the same value; witness ``(value, first blinding, second blinding)``."""
    elements = (GENERATOR, base, *commitments)
    return LinearRelation(elements, (_equation(2, (0, 0), (1, 1)), _equation(3, (0, 0), (2, 1))))
