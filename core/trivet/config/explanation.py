"""`Explanation`: a value, where it comes from, and the places that set it in vain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from trivet.config.attribution import Attribution
from trivet.config.effective import showable
from trivet.config.layer import Layer
from trivet.config.origin import Origin, Path, dotted
from trivet.config.provenance import trace
from trivet.config.redaction import Redaction, mask_userinfo
from trivet.config.reference import Reference, masked, parse
from trivet.config.schema import Schema
from trivet.config.tree import MISSING, look_up
from trivet.errors import UnknownPathError


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
    shadowed = tuple(
        Shadowed(sighting.layer.locate(path), showable(redaction.mask(sighting.value, path)))
        for sighting in trace(layers, path).shadowed
    )
    origin, reference = Attribution(layers, schema).of(path), _made_of(path, layers, redaction)
    return Explanation(dotted(path), value, origin, shadowed, reference)


def _made_of(path: Path, layers: Sequence[Layer], redaction: Redaction) -> str | None:
    """Return the reference that a value, or the container around it, comes from."""
    winners = (trace(layers, path[:end]).winner for end in range(len(path), 0, -1))
    winner = next((one for one in winners if one is not None), None)
    if winner is None or not isinstance(winner.value, str):
        return None
    return _reference(winner.value, is_secret=redaction.is_secret(path))


def _reference(text: str, *, is_secret: bool) -> str | None:
    if "${" not in text:
        return None
    template = parse(text)
    if not any(isinstance(part, Reference) for part in template):
        return None
    return masked(template) if is_secret else mask_userinfo(str(text))
