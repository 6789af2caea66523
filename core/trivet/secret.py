"""`Secret[T]`: a value that shows itself only when asked by name."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar, final

T = TypeVar("T")

MASK = "***"


@final
class Secret(Generic[T]):
    """Hold a value that must not reach a log, an error, a repr, a traceback or a page.

    ``str``, ``repr`` and ``format`` give ``***``; it cannot be pickled, a copy is the same object;
    ``reveal()`` gives the value. Equal by value.
    Python cannot wipe a `str` from memory: this keeps a secret off the surfaces, not out of a core dump.

    Args:
        value: What to hold.

    Example:
        >>> password = Secret("hunter2")
        >>> print(password)
        ***
        >>> password.reveal()
        'hunter2'
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value. Search a code base for this name to find every place that sees secrets."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return bool(self._value == other._value)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __copy__(self) -> Secret[T]:
        return self

    def __deepcopy__(self, memo: object) -> Secret[T]:
        return self

    def __reduce__(self) -> NoReturn:
        msg = "a Secret is not pickled: pass the object itself, or reveal() where the value is needed"
        raise TypeError(msg)
