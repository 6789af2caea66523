"""The duplex sponge over SHAKE128 of the IRTF draft "Fiat-Shamir Transformation", and the session ids that seed it."""

from __future__ import annotations

import hashlib
from typing import Final

from trivet_plugins.zero_knowledge.errors import ProofError

__all__ = ("SESSION_BYTES", "Sponge", "session_id")

SESSION_BYTES: Final = 32
_RATE: Final = 168
_SESSION: Final = b"irtf-cfrg-fiat-shamir/session-id"


class Sponge:
    """Takes what a prover sends, and gives what a verifier would answer.

    Pieces that are absorbed in a row count as one; squeezes in a row continue one stream; what was squeezed is never fed back.

    Args:
        session: 32 bytes, see `session_id`.

    Raises:
        ProofError: The session id has another length.
    """

    def __init__(self, session: bytes) -> None:
        if len(session) != SESSION_BYTES:
            raise ProofError(f"a session id has {SESSION_BYTES} bytes, not {len(session)}")
        self._hash = hashlib.shake_128(session + bytes(_RATE - SESSION_BYTES))
        self._offset = 0

    def absorb(self, data: bytes) -> None:
        """Take bytes. None at all change nothing, not even a running squeeze."""
        if data:
            self._hash.update(data)
            self._offset = 0

    def squeeze(self, length: int) -> bytes:
        """Return the next bytes of the stream."""
        end = self._offset + length
        data = self._hash.digest(end)[self._offset :]
        self._offset = end
        return data


def session_id(tag: bytes) -> bytes:
    """Return 32 bytes that separate everything done under one tag from all else."""
    sponge = Sponge(_SESSION)
    sponge.absorb(tag)
    return sponge.squeeze(SESSION_BYTES)
