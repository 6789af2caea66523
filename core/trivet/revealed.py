"""`revealed`: attrs validators that look at the value inside a `Secret`, and do not say it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from trivet.secret import Secret

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], object]


@attrs.frozen(repr=False)
class Revealed:
    """A validator around others. Made by `revealed`."""

    validators: tuple[Validator, ...]

    def __call__(self, instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        """Run the validators on the value inside.

        Raises:
            ValueError: if one refuses it; names the validator, never the value.
        """
        inside = value.reveal() if isinstance(value, Secret) else value
        for validator in self.validators:
            try:
                validator(instance, attribute, inside)
            except Exception:  # noqa: BLE001 - a validator raises what it likes, and its text may hold the secret
                raise ValueError(f"{attribute.name!r} is refused by {_name(validator)}") from None

    def __repr__(self) -> str:
        return f"<revealed {', '.join(map(_name, self.validators))}>"


def revealed(*validators: Validator) -> Revealed:
    """Check the value inside a `Secret` field: a plain validator sees the `Secret` and refuses it.

    Args:
        validators: As for `attrs.field`.

    Example:
        >>> import attrs
        >>> from attrs.validators import min_len
        >>> from trivet import Secret, revealed
        >>> @attrs.frozen
        ... class Database:
        ...     password: Secret[str] = attrs.field(validator=revealed(min_len(12)))
    """
    return Revealed(validators)


def _name(validator: Validator) -> str:
    # attrs's own validators tell what they ask for in their repr; a function's repr has an address that helps nobody.
    text = repr(validator)
    return (
        text[1:-1] if text.startswith("<") and " at 0x" not in text else getattr(validator, "__name__", "a validator")
    )
