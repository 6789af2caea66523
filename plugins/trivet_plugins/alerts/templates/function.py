"""`Function`: what a template may call, with the types that it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from trivet_plugins.alerts.templates.values import Record, Sequence, Value, kind_of

_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str,
    "sample": Record,
    "vector": Sequence,
}
_NAMES: Final = {
    "string": "a text",
    "sample": "a sample, as first gives",
    "vector": "what query gives",
    "number": "a number",
}


class FunctionError(ValueError):
    """A function cannot do what it is asked."""


@attrs.frozen
class Function:
    """A function.

    Args:
        call: Gets the arguments, as many and of such types as it takes.
        takes: Per argument ``string``, ``number`` (a text that is one too), ``sample``, ``vector`` or ``any``.
        more: What it takes after these, any number of; None: nothing.
    """

    call: Callable[..., Value]
    takes: tuple[str, ...] = ()
    more: str | None = None

    def __call__(self, name: str, arguments: list[Value]) -> Value:
        """Call it.

        Raises:
            FunctionError: if the arguments are not those that it takes, or it fails.
        """
        few, many = len(arguments) < len(self.takes), len(arguments) > len(self.takes) and self.more is None
        if few or many:
            wanted = f"{'at least ' if self.more else ''}{len(self.takes)}"
            raise FunctionError(f"{name} takes {wanted} arguments, not {len(arguments)}")
        kinds = [*self.takes, *[self.more or ""] * (len(arguments) - len(self.takes))]
        given: list[Any] = [_fitted(name, kind, one) for kind, one in zip(kinds, arguments, strict=True)]
        try:
            return self.call(*given)
        except FunctionError as exc:
            raise FunctionError(f"{name}: {exc}") from None
        except ValueError as exc:
            raise FunctionError(f"{name}: {exc}") from None


def _fitted(name: str, kind: str, value: Value) -> Value:
    if kind == "any":
        return value
    if kind == "number":
        return number_of(name, value)
    if not isinstance(value, _TYPES[kind]):
        raise FunctionError(f"{name} takes {_NAMES[kind]}, not {kind_of(value)}")
    return value


def number_of(name: str, value: Value) -> float:
    """Return a number, of a text that is one too.

    Raises:
        FunctionError: if it is none.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value.replace("_", "x").replace(" ", "x"))  # 1_000 and " 1" are no numbers of Go's
        except ValueError:
            raise FunctionError(f"{name}: {value!r} is no number") from None
    raise FunctionError(f"{name} takes a number, not {kind_of(value)}")
