"""Pedersen commitments: ``value * G + blinding * H``, where nobody knows the relation of ``H`` to ``G``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.hash_to_curve import hash_to_point
from trivet_plugins.zero_knowledge.point import GENERATOR, Point, multiply
from trivet_plugins.zero_knowledge.scalar import ORDER, check_scalar, random_scalar

__all__ = ("blinding_base", "commit", "opened")


@cache
def blinding_base() -> Point:
    """Return ``H``, hashed to the curve from fixed bytes."""
    return hash_to_point(b"blinding base", b"trivet-Pedersen-V01-with-P256_XMD:SHA-256_SSWU_RO_")


def commit(value: int, blinding: int) -> Point:
    """Commit to a value. It stays hidden for good; that it cannot be changed rests on discrete logarithms.

    The value is multiplied under a random mask, so that none, not even zero, takes another path than the rest.

    Args:
        value: 0 to order - 1.
        blinding: A fresh random scalar. Whoever has the commitment and this can try values.

    Raises:
        ProofError: One of them is out of range.
    """
    mask = random_scalar()
    hidden = multiply(blinding, blinding_base()) - multiply(mask, GENERATOR)
    return multiply((check_scalar(value) + mask) % ORDER, GENERATOR) + hidden


def opened(witness: Sequence[int], commitment: Point) -> tuple[int, int]:
    """Return the value and the blinding of a commitment.

    Raises:
        ProofError: There are not two, or they do not open it.
    """
    if len(witness) != 2:
        raise ProofError("the witness of a commitment is its value and its blinding")
    value, blinding = witness
    if commit(value, blinding) != commitment:
        raise ProofError("the value and the blinding do not open the commitment")
    return value, blinding
