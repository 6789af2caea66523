"""Oblivious evaluation of a keyed hash: RFC 9497, suite P256-SHA256, modes OPRF and VOPRF, in batches.

A client blinds inputs, a server evaluates what it cannot read, and the client takes the blinding off: it has learned the hash
of its inputs under the server's key and nothing else, the server nothing at all. In mode VOPRF the client also checks that the
key is the one whose public half it knows. Example::

    key = OprfKey.generate()
    blindings = [blind(b"hunter2", mode=Mode.VOPRF)]
    evaluation = key.evaluate([blinding.element for blinding in blindings], mode=Mode.VOPRF)
    outputs = finalize_verified(blindings, evaluation, key.public_key)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import attrs

from trivet.secret import Secret
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.hash_to_curve import hash_to_point, hash_to_scalar
from trivet_plugins.zero_knowledge.oprf_proof import KeyProof, prove_key, verify_key
from trivet_plugins.zero_knowledge.oprf_suite import MAX_BATCH, Mode, domain, framed
from trivet_plugins.zero_knowledge.point import GENERATOR, Multiplier, Point, multiply
from trivet_plugins.zero_knowledge.scalar import check_scalar, invert, random_scalar

__all__ = ("Blinding", "Evaluation", "Mode", "OprfKey", "blind", "finalize", "finalize_verified")


@attrs.frozen
class Blinding:
    """A client's input on its way: ``element`` goes to the server, the rest stays."""

    element: Point
    input: Secret[bytes]
    scalar: Secret[int]


@attrs.frozen
class Evaluation:
    """A server's answer: a point per element, and in mode VOPRF the proof."""

    elements: tuple[Point, ...]
    proof: KeyProof | None


def blind(data: bytes, *, mode: Mode, draw: Callable[[], int] = random_scalar) -> Blinding:
    """Hash an input to the curve and hide it (``Blind``). Takes longer for some inputs than for others.

    Args:
        data: At most 65,535 bytes.
        mode: The protocol's.
        draw: Where the blinding comes from; another source than the default is for published test vectors.

    Raises:
        ProofError: The input is too long, or hashes to the identity.
    """
    framed(data)
    point = hash_to_point(data, domain("HashToGroup-", mode))
    scalar = draw()
    return Blinding(_present(multiply(scalar, point)), Secret(data), Secret(scalar))


@attrs.frozen
class OprfKey:
    """A server's key.

    Args:
        scalar: Secret, from 1 on.

    Raises:
        ProofError: The scalar is zero or out of range.
    """

    scalar: Secret[int]
    public_key: Point = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        public_key = multiply(check_scalar(self.scalar.reveal()), GENERATOR)
        object.__setattr__(self, "public_key", _present(public_key))

    @classmethod
    def generate(cls) -> OprfKey:
        """Make a random key."""
        return cls(Secret(random_scalar()))

    @classmethod
    def derive(cls, seed: Secret[bytes], info: bytes, *, mode: Mode) -> OprfKey:
        """Make a key from a seed (``DeriveKeyPair``, RFC 9497, section 3.2.1).

        Args:
            seed: 32 uniform bytes.
            info: Tells keys of one seed apart.
            mode: The protocol's; each mode has keys of its own.

        Raises:
            ProofError: The seed has another length, or no key follows from it.
        """
        if len(seed.reveal()) != 32:
            raise ProofError("the seed of a key has 32 bytes")
        material, label = seed.reveal() + framed(info), domain("DeriveKeyPair", mode)
        for counter in range(256):
            if scalar := hash_to_scalar(material + bytes((counter,)), label):
                return cls(Secret(scalar))
        raise ProofError("no key follows from this seed")

    def evaluate(self, blinded: Sequence[Point], *, mode: Mode, draw: Callable[[], int] = random_scalar) -> Evaluation:
        """Evaluate what clients have blinded, with one proof for all (``BlindEvaluate``).

        Args:
            blinded: Decoded points, 1 to 256.
            mode: The protocol's.
            draw: Where the proof's nonce comes from; another source than the default is for published test vectors.

        Raises:
            ProofError: A point is the identity or not on the curve, or there are too many.
        """
        if not 1 <= len(blinded) <= MAX_BATCH:
            raise ProofError(f"a batch has 1 to {MAX_BATCH} elements, not {len(blinded)}")
        key = self.scalar.reveal()
        factor = Multiplier(key)
        evaluated = tuple(factor.times(_present(point)) for point in blinded)
        proof = prove_key(key, self.public_key, blinded, evaluated, draw()) if mode is Mode.VOPRF else None
        return Evaluation(evaluated, proof)

    def output(self, data: bytes, *, mode: Mode) -> bytes:
        """Return what a client would learn of an input, without a client (``Evaluate``): 32 bytes."""
        framed(data)
        point = hash_to_point(data, domain("HashToGroup-", mode))
        return _hashed(data, multiply(self.scalar.reveal(), _present(point)))


def finalize(blindings: Sequence[Blinding], elements: Sequence[Point]) -> list[bytes]:
    """Take the blinding off (``Finalize`` of mode OPRF): an output of 32 bytes per input. It does not know which key was used.

    Raises:
        ProofError: Another number of elements came back, or one is the identity.
    """
    if len(blindings) != len(elements):
        raise ProofError(f"{len(blindings)} elements were sent, and {len(elements)} came back")
    return [
        _hashed(blinding.input.reveal(), multiply(invert(blinding.scalar.reveal()), _present(element)))
        for blinding, element in zip(blindings, elements, strict=True)
    ]


def finalize_verified(blindings: Sequence[Blinding], evaluation: Evaluation, public_key: Point) -> list[bytes]:
    """Check the proof, then take the blinding off (``Finalize`` of mode VOPRF).

    Args:
        blindings: In the order in which their elements were sent.
        evaluation: The server's answer.
        public_key: Known beforehand.

    Raises:
        ProofError: There is no proof, or it does not hold for this key and these elements.
    """
    blinded = [blinding.element for blinding in blindings]
    if evaluation.proof is None or not verify_key(public_key, blinded, evaluation.elements, evaluation.proof):
        raise ProofError("the server did not prove that it used the published key: do not use its answer")
    return finalize(blindings, evaluation.elements)


def _present(point: Point) -> Point:
    if point.is_identity:
        raise ProofError("the identity is no element of an evaluation")
    return point


def _hashed(data: bytes, point: Point) -> bytes:
    return hashlib.sha256(framed(data, point.encode()) + b"Finalize").digest()
