"""`Fault`: a value that does not fit its type. It knows neither its place nor who set it; `trivet.config.report` adds both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trivet.config.origin import Path
from trivet.config.tree import MISSING


class Fault(ValueError):
    """One value that does not fit.

    Args:
        message: What is wrong, WITHOUT the value: whether that may be shown is decided where its place is known.
        value: The value, or `MISSING`.
        hint: What to do; may not hold the value either.
    """

    def __init__(self, message: str, value: object = MISSING, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.value = value
        self.hint = hint


class MissingKey(Fault):
    """A required key is not there."""


class UnknownKey(Fault):
    """A key that the schema does not have."""


class RefusedValue(Fault):
    """A validator refused the value; only ``plain`` is free of it.

    Args:
        message: The validator's text, which may hold the value.
        value: The value.
        plain: The same without the value.
    """

    def __init__(self, message: str, value: object, *, plain: str) -> None:
        super().__init__(message, value)
        self.plain = plain


class Faults(ValueError):
    """Several parts of a container that do not fit.

    Args:
        parts: Key or index, and the `Fault` or `Faults` there.
    """

    def __init__(self, parts: Sequence[tuple[str | int, Fault | Faults]]) -> None:
        super().__init__(f"{len(parts)} faults")
        self.parts = tuple(parts)


def walk(error: Fault | Faults, at: Path = ()) -> Iterator[tuple[Path, Fault]]:
    """Yield every single fault with its path."""
    if isinstance(error, Fault):
        yield at, error
    else:
        for part, inner in error.parts:
            yield from walk(inner, (*at, part))
