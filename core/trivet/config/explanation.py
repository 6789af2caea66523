"""`Explanation`: a value, where it comes from, and the places that set it in vain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from trivet.config.layer import Layer
from trivet.config.origin import Origin, Path, dotted
from trivet.config.provenance import trace
from trivet.config.redaction import Redaction, mask_userinfo
from trivet.config.reference import Reference, masked, parse
from trivet.config.schema import Schema
from trivet.config.tree import MISSING, look_up
from trivet.errors import UnknownPathError

DEFAULT_LAYER = "default"
"""The layer's name of values that no layer sets: the code's own."""


@attrs.frozen
class Shadowed:
    """A place that sets a path in vain, because a stronger layer sets it too.

    Args:
        origin: The place.
        value: What it sets; ``***`` for a secret.
    """

    origin: Origin
    value: Any


@attrs.frozen
class Explanation:
    """Where a value comes from.

    Args:
        path: Dotted.
        value: The effective value as plain data; ``***`` for a secret.
        origin: Who sets it. Of a table that several layers share in, the strongest. None for a table that exists only in code.
        shadowed: Who sets it in vain, the strongest first.
        reference: Where the value is made of references, ``${...}``, the text that says so; its parts that are no references are
            ``***`` where the value is a secret.
    """

    path: str
    value: Any
    origin: Origin | None
    shadowed: tuple[Shadowed, ...]
    reference: str | None = None


def explain(
    path: Path, *, effective: Mapping[str, Any], layers: Sequence[Layer], schema: Schema, redaction: Redaction
) -> Explanation:
    """Explain one path.

    Args:
        path: The path.
        effective: The redacted effective configuration.
        layers: Weakest first.
        schema: Gives the origin of defaults, and suggestions.
        redaction: Masks what is shadowed.

    Raises:
        UnknownPathError: if nothing is there.
    """
    value = look_up(effective, path)
    if value is MISSING:
        near = schema.suggest([str(part) for part in path])
        hint = f"; did you mean {near}?" if near else ""
        raise UnknownPathError(f"no configuration at {dotted(path) or 'the empty path'}{hint}")
    seen = trace(layers, path)
    origin, reference = _origin(path, layers, schema, redaction)
    shadowed = tuple(
        Shadowed(sighting.layer.locate(path), redaction.mask(sighting.value, path)) for sighting in seen.shadowed
    )
    return Explanation(dotted(path), value, origin, shadowed, reference)


def _origin(
    path: Path, layers: Sequence[Layer], schema: Schema, redaction: Redaction
) -> tuple[Origin | None, str | None]:
    """Return who sets a path, and the reference that its value, or the container around it, comes from."""
    for end in range(len(path), 0, -1):
        winner = trace(layers, path[:end]).winner
        if winner is not None and isinstance(winner.value, str):
            return winner.layer.locate(path[:end]), _reference(winner.value, is_secret=redaction.is_secret(path))
        if winner is not None:
            return winner.layer.locate(path) if end == len(path) else default_origin(path, schema), None
    return default_origin(path, schema), None


def _reference(text: str, *, is_secret: bool) -> str | None:
    if "${" not in text:
        return None
    template = parse(text)
    if not any(isinstance(part, Reference) for part in template):
        return None
    return masked(template) if is_secret else mask_userinfo(str(text))


def default_origin(path: Path, schema: Schema) -> Origin | None:
    """Return the place in code that gives a path its default; None for a table that exists only in code."""
    for end in range(len(path) - 1, 0, -1):
        owner = schema.owner(path[:end])
        if owner is not None:
            return Origin(DEFAULT_LAYER, f"default of {owner.__module__}.{owner.__qualname__}.{path[end]}")
    return None
