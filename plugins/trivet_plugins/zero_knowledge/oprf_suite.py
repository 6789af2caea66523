"""What both sides of RFC 9497 with P256-SHA256 share: the modes, the domain separation tags, and how bytes are joined."""

from __future__ import annotations

import enum
from typing import Final

from trivet_plugins.zero_knowledge.errors import ProofError

__all__ = ("MAX_BATCH", "MAX_INPUT", "Mode", "domain", "framed")

MAX_INPUT: Final = 2**16 - 1
"""Bytes of an input (RFC 9497, section 3)."""
MAX_BATCH: Final = 256
"""Elements of one evaluation; the RFC allows 65,535, which would keep a core busy for a minute."""


class Mode(enum.IntEnum):
    """OPRF has no proof; VOPRF proves which key was used."""

    OPRF = 0
    VOPRF = 1


def domain(label: str, mode: Mode) -> bytes:
    """Return a domain separation tag: the label and the context string (RFC 9497, section 3.1)."""
    return label.encode() + b"OPRFV1-" + bytes((mode,)) + b"-P256-SHA256"


def framed(*parts: bytes) -> bytes:
    """Join parts, each behind its length in 2 bytes, big-endian.

    Raises:
        ProofError: One is longer than 65,535 bytes.
    """
    if any(len(part) > MAX_INPUT for part in parts):
        raise ProofError(f"an input has at most {MAX_INPUT} bytes")
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)
