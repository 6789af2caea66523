"""Sigma proofs of linear relations without interaction: ``sigma-proofs_Shake128_P256`` of the IRTF draft of August 2026.

A *batchable* proof is commitment and response, a *compact* one challenge and response. Each verifies in its own flavour only.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Final

from trivet_plugins.zero_knowledge.codec import EXTRA_BYTES, Reader, decode_challenge
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.point import POINT_BYTES, Multiplier, Point
from trivet_plugins.zero_knowledge.relation import LinearRelation
from trivet_plugins.zero_knowledge.scalar import ORDER, SCALAR_BYTES, encode_scalar
from trivet_plugins.zero_knowledge.sponge import Sponge, session_id

__all__ = ("SUITE", "Flavour", "challenge_of", "fresh_nonces", "prove", "simulate", "verify")

SUITE: Final = "sigma-proofs_Shake128_P256"
_SQUEEZED: Final = SCALAR_BYTES + EXTRA_BYTES

Draw = Callable[[int, bytes], Sequence[int]]
"""Gives so many nonces; the bytes are what they may be hedged with."""


class Flavour(enum.Enum):
    """The two forms of a proof, by the marker that their tags hold."""

    BATCHABLE = b"DSFS"
    COMPACT = b"CMPT"


def fresh_nonces(count: int, secret: bytes) -> tuple[int, ...]:
    """Return nonces that are used once: random, and hedged, so that a weak random source alone does not show the witness.

    Args:
        count: How many.
        secret: The witness and the statement.
    """
    stream = hashlib.shake_256(secrets.token_bytes(64) + secret).digest(count * _SQUEEZED)
    pieces = (stream[start : start + _SQUEEZED] for start in range(0, len(stream), _SQUEEZED))
    return tuple(int.from_bytes(piece, "big") % (ORDER - 1) + 1 for piece in pieces)


def challenge_of(relation: LinearRelation, commitment: Sequence[Point], tag: bytes) -> int:
    """Return the verifier's challenge: a hash of the tag, the whole relation and the commitment.

    Raises:
        ProofError: A commitment is the identity.
    """
    sponge = Sponge(session_id(tag))
    sponge.absorb(relation.encoded)
    sponge.absorb(b"".join(point.encode() for point in commitment))
    return decode_challenge(sponge.squeeze(_SQUEEZED), ORDER)


def _check_tag(tag: bytes, flavour: Flavour) -> None:
    if SUITE.encode() not in tag or flavour.value not in tag:
        raise ProofError(f"the tag of a {flavour.name.lower()} proof holds {SUITE} and {flavour.value.decode()}")


def prove(
    relation: LinearRelation, witness: Sequence[int], tag: bytes, *, flavour: Flavour, draw: Draw = fresh_nonces
) -> bytes:
    """Prove that one knows a witness. That it satisfies the relation is not checked: `LinearRelation.holds` does.

    Args:
        relation: The statement.
        witness: As many scalars as the relation has.
        tag: What the proof is bound to. It holds `SUITE` and the flavour's marker.
        flavour: The form of the proof.
        draw: Where nonces come from. Another source than the default is for published test vectors: a nonce that is known,
            or used twice, shows the witness.

    Returns:
        33 bytes per equation (batchable) or 32 (compact), and 32 per scalar.

    Raises:
        ProofError: The tag does not fit, or the witness has another length.
    """
    _check_tag(tag, flavour)
    if len(witness) != relation.scalars:
        raise ProofError(f"a witness of this relation has {relation.scalars} scalars, not {len(witness)}")
    secret = b"".join(map(encode_scalar, witness)) + session_id(tag) + relation.encoded
    nonces = draw(relation.scalars, secret)
    commitment = relation.map(nonces)
    challenge = challenge_of(relation, commitment, tag)
    response = [(nonce + challenge * scalar) % ORDER for nonce, scalar in zip(nonces, witness, strict=True)]
    return _encode(flavour, commitment, challenge, response)


def _encode(flavour: Flavour, commitment: Sequence[Point], challenge: int, response: Sequence[int]) -> bytes:
    compact = flavour is Flavour.COMPACT
    head = encode_scalar(challenge) if compact else b"".join(point.encode() for point in commitment)
    return head + b"".join(map(encode_scalar, response))


def verify(relation: LinearRelation, proof: bytes, tag: bytes, *, flavour: Flavour) -> bool:
    """Tell whether a proof holds. Bad bytes are refused like a wrong proof, without a reason.

    Args:
        relation: The statement, made by the verifier or decoded and compared.
        proof: Foreign bytes.
        tag: Made by the verifier, not taken from the prover.
        flavour: The one form to accept.

    Raises:
        ProofError: The tag does not fit: the verifier's own mistake.
    """
    _check_tag(tag, flavour)
    check = _verify_compact if flavour is Flavour.COMPACT else _verify_batchable
    try:
        return check(relation, proof, tag)
    except ProofError:
        return False


def _verify_compact(relation: LinearRelation, proof: bytes, tag: bytes) -> bool:
    if len(proof) != SCALAR_BYTES * (relation.scalars + 1):
        return False
    challenge, *response = Reader(proof).scalars(relation.scalars + 1)
    return challenge_of(relation, _recompute(relation, challenge, response), tag) == challenge


def _recompute(relation: LinearRelation, challenge: int, response: Sequence[int]) -> tuple[Point, ...]:
    """Return the one commitment that fits a challenge and a response."""
    mapped, factor = relation.map(response), Multiplier(challenge)
    return tuple(right - factor.times(image) for right, image in zip(mapped, relation.images, strict=True))


def _verify_batchable(relation: LinearRelation, proof: bytes, tag: bytes) -> bool:
    equations = len(relation.equations)
    if len(proof) != POINT_BYTES * equations + SCALAR_BYTES * relation.scalars:
        return False
    reader = Reader(proof)
    commitment, response = reader.points(equations), reader.scalars(relation.scalars)
    return commitment == _recompute(relation, challenge_of(relation, commitment, tag), response)


def simulate(relation: LinearRelation, challenge: int) -> tuple[tuple[Point, ...], tuple[int, ...]]:
    """Make an accepting commitment and response for a challenge chosen beforehand, without a witness.

    That this can be done, with the same distribution, is why a proof shows nothing. It proves nothing: the challenge is no hash.
    """
    response = tuple(secrets.randbelow(ORDER) for _ in range(relation.scalars))
    return _recompute(relation, challenge, response), response
