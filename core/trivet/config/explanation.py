"""`Explanation`: a value, where it comes from, and the places that set it in vain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from trivet.config.layer import Layer
from trivet.config.origin import Origin, Path, dotted
from trivet.config.provenance import trace
from trivet.config.redaction import Redaction
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
    """

    path: str
    value: Any
    origin: Origin | None
    shadowed: tuple[Shadowed, ...]


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
    origin = seen.winner.layer.locate(path) if seen.winner is not None else default_origin(path, schema)
    shadowed = tuple(
        Shadowed(sighting.layer.locate(path), redaction.mask(sighting.value, path)) for sighting in seen.shadowed
    )
    return Explanation(dotted(path), value, origin, shadowed)


def default_origin(path: Path, schema: Schema) -> Origin | None:
    """Return the place in code that gives a path its default; None for a table that exists only in code."""
    for end in range(len(path) - 1, 0, -1):
        owner = schema.owner(path[:end])
        if owner is not None:
            return Origin(DEFAULT_LAYER, f"default of {owner.__module__}.{owner.__qualname__}.{path[end]}")
    return None
