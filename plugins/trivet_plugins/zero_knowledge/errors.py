"""`ProofError`: bytes, numbers or a witness that a proof cannot be made from."""

from __future__ import annotations

from trivet.errors import TrivetError
from trivet.exit_codes import EX_DATAERR

__all__ = ("ProofError",)


class ProofError(TrivetError, ValueError):
    """An encoding, a statement or a witness is refused. Says which rule it breaks, and never shows a scalar."""

    exit_code = EX_DATAERR
