"""`Expanded`: what a reference came to, what is secret in it, and how much of it there may be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import attrs

from trivet.config.limits import LIMITS
from trivet.config.origin import Path
from trivet.config.reference import Reference
from trivet.config.tree import MISSING, look_up

TOTAL_REFERENCES = 100_000
"""How many references one configuration may follow."""

TOTAL_NODES = 50_000
"""How many values all references together may come to."""

TOTAL_CHARACTERS = 16 * 2**20
"""How many characters all references together may come to."""


class Unresolvable(ValueError):
    """A reference that fails, with the reason; without one where only what it refers to does. Never leaves the resolution."""


@attrs.frozen(eq=False)
class Expanded:
    """A value in place of a reference.

    Args:
        value: Resolved throughout.
        secrets: What in it is secret: the paths of its secret scalars, from the value on; the empty path is the value itself.
    """

    value: Any = attrs.field(repr=False)
    secrets: frozenset[Path] = frozenset()

    def below(self, path: Path) -> Expanded | None:
        """Return what is at a path in it; None where nothing is."""
        found = look_up(self.value, path)
        if found is MISSING:
            return None
        return Expanded(found, frozenset(place[len(path) :] for place in self.secrets if place[: len(path)] == path))

    @classmethod
    def collected(
        cls, path: Path, value: object, done: Mapping[Path, Expanded], inside: Mapping[Path, list[Path]]
    ) -> Expanded:
        """Return a container of the tree with the secrets of all references in it."""
        places = inside.get(path, ())
        return cls(value, frozenset((*place[len(path) :], *one) for place in places for one in done[place].secrets))


@attrs.define
class Budget:
    """What the references of one configuration may cost: a few lines of references to references fill any memory.

    Args:
        references: That may still be followed.
        nodes: Values that may still be put in place.
        characters: Of text that may still be put in place.
    """

    references: int = TOTAL_REFERENCES
    nodes: int = TOTAL_NODES
    characters: int = TOTAL_CHARACTERS

    def count(self) -> None:
        """Follow one reference.

        Raises:
            Unresolvable: if it is one too many.
        """
        self.references -= 1
        if self.references < 0:
            raise Unresolvable(f"more than {TOTAL_REFERENCES:,} references are followed")

    def spend(self, expanded: Expanded, depth: int) -> Expanded:
        """Put a value in place, ``depth`` containers deep.

        Raises:
            Unresolvable: if it is too much.
        """
        stack: list[tuple[object, int]] = [(expanded.value, depth)]
        while stack:
            value, depth = stack.pop()
            self.nodes -= 1
            if isinstance(value, str):  # most are
                self.characters -= len(value)
            elif isinstance(value, (Mapping, list)):
                below = value.values() if isinstance(value, Mapping) else value
                stack += [(one, depth + 1) for one in below]
            if self.nodes < 0 or self.characters < 0:
                raise Unresolvable(
                    f"references come to more than {TOTAL_NODES:,} values or {TOTAL_CHARACTERS:,} characters in all"
                )
            if depth > LIMITS.depth:
                raise Unresolvable(LIMITS.too_deep)
        return expanded


def fill(container: Any, at: Path, done: Mapping[Path, Expanded], inside: Mapping[Path, object]) -> Any:  # noqa: ANN401
    """Return a container with values in place of references; parts without references are shared with it."""
    if at in done:
        return done[at].value
    if at not in inside:
        return container
    if isinstance(container, Mapping):
        return {key: fill(item, (*at, key), done, inside) for key, item in container.items()}
    return [fill(item, (*at, index), done, inside) for index, item in enumerate(container)]


def written(value: object, reference: Reference) -> str:
    """Write a scalar into a text.

    Raises:
        Unresolvable: if it is none, or null.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if value is None:
        raise Unresolvable(f"{reference} is null, which is no part of a text; give it a default: ${{...:-default}}")
    name = "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else "no scalar"
    raise Unresolvable(f"{reference} is {name}, which is no part of a text; refer to one value in it")
