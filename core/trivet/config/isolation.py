"""Isolation: calls of foreign code (sources, resolvers, participants, validators) whose failures are outcomes, not accidents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

import attrs

from trivet.config.fault import Fault, Faults, RefusedValue
from trivet.config.origin import Path
from trivet.config.shape import Field
from trivet.config.veto import Veto
from trivet.errors import TrivetError
from trivet.failure import describe
from trivet.secret import Secret

_LOOKS_IN = "its validator cannot look into a Secret: write validator=trivet.revealed(...) around it"
T = TypeVar("T")


@attrs.frozen
class Outcome(Generic[T]):
    """How a call ended.

    Args:
        value: What it gave; None where it failed.
        error: One line about the failure.
        path: The value that a `Veto` blames for it.
    """

    value: T | None = attrs.field(default=None, repr=False)
    error: str | None = None
    path: Path = ()


async def foreign(call: Awaitable[T]) -> Outcome[T]:
    """Await foreign code. Cancellation passes through."""
    try:
        return Outcome(await call)
    except Exception as exc:  # noqa: BLE001 - whatever a plugin raises is a problem of the load, not of the kernel
        return Outcome(error=_text(exc), path=_blamed(exc))


def _blamed(exc: Exception) -> Path:
    return exc.path if isinstance(exc, Veto) else ()


def _text(exc: Exception) -> str:
    # ValueError is how contracts pass a text meant for print; anything else is shown with its type.
    text = " ".join(str(exc).split())
    return text if text and isinstance(exc, (ValueError, TrivetError)) else describe(exc)


def call_all(calls: Iterable[Callable[[], object]]) -> list[str]:
    """Make all calls; a failing one does not stop the others.

    Returns:
        One line per failure.
    """
    failures: list[str] = []
    for call in calls:
        try:
            call()
        except Exception as exc:  # noqa: BLE001 - a subscriber must not break the reload that it is told of
            failures.append(describe(exc))
    return failures


def validate(field: Field, value: object) -> None:
    """Run a field's validators on a value, before the object exists.

    A validator that looks at the object finds None and breaks with an `AttributeError`: it runs again when the object is made.

    Raises:
        RefusedValue: if one refuses it.
    """
    attribute = field.attribute
    converter: object = attribute.converter
    if attribute.validator is None or isinstance(converter, attrs.Converter):
        return  # a Converter may want the object: left to the constructor
    try:
        converted = converter(value) if callable(converter) else value
        attribute.validator(None, attribute, converted)
    except AttributeError:
        return
    except Exception as exc:  # noqa: BLE001 - a validator raises what it likes
        looks_in = isinstance(value, Secret) and isinstance(exc, TypeError)
        plain = _LOOKS_IN if looks_in else _plain(attribute)
        raise RefusedValue(_tidy(exc, attribute.name), value, plain=plain) from None


def construct(cls: Callable[..., T], arguments: dict[str, Any]) -> T:
    """Make an object of checked arguments; validators over several fields speak here.

    Raises:
        RefusedValue: if the class refuses them; in `Faults` where it blames one of them.
    """
    try:
        return cls(**arguments)
    except Exception as exc:  # noqa: BLE001 - as above
        fault: Fault | Faults = RefusedValue(_tidy(exc, ""), None, plain="the values do not fit together")
        for part in reversed(_blamed(exc)):
            fault = Faults([(part, fault)])
        raise fault from None


def attempt(call: Callable[[], T]) -> Outcome[T]:
    """Try the fast way; why it failed is of no interest, since the detailed way follows."""
    try:
        return Outcome(call())
    except Exception as exc:  # noqa: BLE001 - generated code fails in many ways on values of the wrong shape
        return Outcome(error=type(exc).__name__)


def _tidy(exc: Exception, name: str) -> str:
    text = str(exc.args[0]) if exc.args else type(exc).__name__
    return text.removeprefix(f"'{name}' ")


def _plain(attribute: attrs.Attribute[Any]) -> str:
    """Describe the validators of a field without a value: attrs's own have a telling repr."""
    text = repr(attribute.validator)
    known = text.startswith("<") and " at 0x" not in text and "<function" not in text
    return f"refused by its validator ({text[1:-1]})" if known else "refused by its validator"
