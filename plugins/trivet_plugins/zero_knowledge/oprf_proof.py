"""The proof of RFC 9497, section 2.2, that one key made all evaluations of a batch.

Its response has the opposite sign of a sigma proof's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import attrs

from trivet_plugins.zero_knowledge.codec import Reader
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.hash_to_curve import hash_to_scalar
from trivet_plugins.zero_knowledge.oprf_suite import MAX_BATCH, Mode, domain, framed
from trivet_plugins.zero_knowledge.point import GENERATOR, Multiplier, Point, multiply, total
from trivet_plugins.zero_knowledge.scalar import ORDER, encode_scalar

__all__ = ("KeyProof", "prove_key", "verify_key")


@attrs.frozen
class KeyProof:
    """Challenge and response."""

    challenge: int
    response: int

    def encode(self) -> bytes:
        """Return 64 bytes."""
        return encode_scalar(self.challenge) + encode_scalar(self.response)

    @classmethod
    def decode(cls, data: bytes) -> KeyProof:
        """Read 64 bytes.

        Raises:
            ProofError: Another length, or a scalar at or above the order.
        """
        reader = Reader(data)
        proof = cls(reader.scalar(), reader.scalar())
        reader.end()
        return proof


def prove_key(
    key: int, public_key: Point, blinded: Sequence[Point], evaluated: Sequence[Point], nonce: int
) -> KeyProof:
    """Prove that ``evaluated = key * blinded`` for each pair, and ``public_key = key * G`` (``GenerateProof``).

    Args:
        key: Secret.
        public_key: Its point.
        blinded: What came from the client.
        evaluated: What goes back.
        nonce: Random, secret, used once.

    Raises:
        ProofError: There is no pair, there are too many, or one has the identity.
    """
    composite = _composite(_weights(public_key, blinded, evaluated), blinded)
    once = Multiplier(nonce)
    image = multiply(key, composite)
    challenge = _challenge(public_key, composite, image, once.times(GENERATOR), once.times(composite))
    return KeyProof(challenge, (nonce - challenge * key) % ORDER)


def verify_key(public_key: Point, blinded: Sequence[Point], evaluated: Sequence[Point], proof: KeyProof) -> bool:
    """Tell whether a proof holds (``VerifyProof``).

    Args:
        public_key: Known beforehand, not taken from the server.
        blinded: What was sent.
        evaluated: What came back, decoded.
        proof: What came with it.
    """
    try:
        weights = _weights(public_key, blinded, evaluated)
        composite, image = _composite(weights, blinded), _composite(weights, evaluated)
        response, challenge = Multiplier(proof.response), Multiplier(proof.challenge)
        first = response.times(GENERATOR) + challenge.times(public_key)
        second = response.times(composite) + challenge.times(image)
        return _challenge(public_key, composite, image, first, second) == proof.challenge
    except ProofError:
        return False


def _weights(public_key: Point, blinded: Sequence[Point], evaluated: Sequence[Point]) -> list[Multiplier]:
    """Return a scalar per pair that nobody could choose before all pairs stood."""
    if len(blinded) != len(evaluated) or not 1 <= len(blinded) <= MAX_BATCH:
        raise ProofError(f"a batch has 1 to {MAX_BATCH} elements, and as many evaluations")
    seed = hashlib.sha256(framed(public_key.encode(), domain("Seed-", Mode.VOPRF))).digest()
    label = domain("HashToScalar-", Mode.VOPRF)
    return [
        Multiplier(
            hash_to_scalar(
                framed(seed) + number.to_bytes(2, "big") + framed(asked.encode(), answered.encode()) + b"Composite",
                label,
            )
        )
        for number, (asked, answered) in enumerate(zip(blinded, evaluated, strict=True))
    ]


def _composite(weights: Sequence[Multiplier], points: Sequence[Point]) -> Point:
    return total(weight.times(point) for weight, point in zip(weights, points, strict=True))


def _challenge(*points: Point) -> int:
    transcript = framed(*(point.encode() for point in points)) + b"Challenge"
    return hash_to_scalar(transcript, domain("HashToScalar-", Mode.VOPRF))
