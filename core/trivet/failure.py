"""One line about any failure."""

from __future__ import annotations

from trivet.errors import TrivetError


def describe(failure: BaseException) -> str:
    """Return one line that says what failed: trivet's own text, else type and text; of a group, its first leaf."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    text = " ".join(str(failure).split())
    if isinstance(failure, TrivetError) or (isinstance(failure, TimeoutError) and text):
        return text
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__
