"""`Proof`: the bytes that a proof system made, with its suite, to be stored or sent."""

from __future__ import annotations

import re
from typing import Final

import attrs

from trivet_plugins.zero_knowledge.codec import Reader, encode_bytes
from trivet_plugins.zero_knowledge.errors import ProofError

__all__ = ("MAX_PROOF_BYTES", "SUITE_NAME", "Proof")

MAX_PROOF_BYTES: Final = 256 * 1024
SUITE_NAME: Final = re.compile(r"[A-Za-z0-9._/-]{1,100}\Z")


def _is_suite(_instance: object, _attribute: attrs.Attribute[str], value: str) -> None:
    if not SUITE_NAME.match(value):
        raise ProofError("the suite of a proof is 1 to 100 letters, digits and ._/-")


def _is_short(_instance: object, _attribute: attrs.Attribute[bytes], value: bytes) -> None:
    if len(value) > MAX_PROOF_BYTES:
        raise ProofError(f"a proof has at most {MAX_PROOF_BYTES} bytes")


@attrs.frozen
class Proof:
    """Nothing of the witness is in it. It is random: two proofs of one statement differ, so it is no id.

    Args:
        suite: The proof system that made it, with its version.
        data: Its bytes, at most 256 KiB.

    Raises:
        ProofError: The suite is no name, or there are too many bytes.
    """

    suite: str = attrs.field(validator=_is_suite)
    data: bytes = attrs.field(validator=_is_short)

    def encode(self) -> bytes:
        """Return suite and bytes, each behind its length in 4 bytes, little-endian."""
        return encode_bytes(self.suite.encode()) + encode_bytes(self.data)

    @classmethod
    def decode(cls, data: bytes) -> Proof:
        """Read what `encode` wrote.

        Raises:
            ProofError: It is too large, ends early or late, or its suite is no name.
        """
        reader = Reader(data)
        name = reader.take(reader.count(100)).decode("ascii", "replace")
        proof = cls(name, reader.take(reader.count(MAX_PROOF_BYTES)))
        reader.end()
        return proof
