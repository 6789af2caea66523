"""`Context`: what a proof is bound to, so that it counts for one purpose, place and time only."""

from __future__ import annotations

from typing import Final

import attrs

from trivet_plugins.zero_knowledge.codec import encode_bytes, encode_length
from trivet_plugins.zero_knowledge.errors import ProofError

__all__ = ("MAX_FIELDS", "MAX_FIELD_BYTES", "Context")

MAX_FIELDS: Final = 32
MAX_FIELD_BYTES: Final = 4096


def _short(_instance: object, _attribute: attrs.Attribute[tuple[bytes, ...]], value: tuple[bytes, ...]) -> None:
    if len(value) > MAX_FIELDS or any(len(field) > MAX_FIELD_BYTES for field in value):
        raise ProofError(f"a context has at most {MAX_FIELDS} fields of {MAX_FIELD_BYTES} bytes")


def _named(_instance: object, _attribute: attrs.Attribute[str], value: str) -> None:
    if not value or len(value.encode()) > MAX_FIELD_BYTES:
        raise ProofError(f"the purpose of a context has 1 to {MAX_FIELD_BYTES} bytes")


@attrs.frozen
class Context:
    """Made by the prover and by the verifier, each for itself; never taken from the other side.

    Args:
        purpose: The application and what it does, with a version: ``orders/attest/1``.
        fields: What else the proof is bound to, in a fixed order: node, epoch, nonce, fingerprint. None runs into the next.

    Raises:
        ProofError: It is too large, or has no purpose.
    """

    purpose: str = attrs.field(validator=_named)
    fields: tuple[bytes, ...] = attrs.field(default=(), validator=_short)

    def encode(self) -> bytes:
        """Return the purpose behind its length, the count of the fields, and each behind its length."""
        fields = b"".join(map(encode_bytes, self.fields))
        return encode_bytes(self.purpose.encode()) + encode_length(len(self.fields)) + fields
