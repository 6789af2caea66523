"""`Attribution`: who sets an effective value, where nobody does the code that gives it."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence

import attrs

from trivet.config import shape
from trivet.config.layer import Layer
from trivet.config.origin import Origin, Path
from trivet.config.provenance import trace
from trivet.config.schema import Schema

DEFAULT_LAYER = "default"
"""The layer's name of values that no layer sets: the code's own."""


@attrs.frozen(eq=False)
class Attribution:
    """Names the place of every effective value, those that come from code too.

    Args:
        layers: Weakest first.
        schema: Knows defaults.
    """

    layers: Sequence[Layer]
    schema: Schema

    def of(self, path: Path) -> Origin | None:
        """Return who sets a leaf; None for what exists only in code."""
        path = self._before_set(path)
        found = 0
        for end in range(len(path), 0, -1):
            winner = trace(self.layers, path[:end]).winner
            if winner is not None and (end == len(path) or not isinstance(winner.value, Mapping)):
                return winner.layer.locate(path[:end])
            if winner is not None:  # the table is there, and says nothing of this key
                found = end
                break
        # The outermost field that nobody sets has the default: it gives all that lies in it.
        defaults = (_default_origin(path[:end], self.schema) for end in range(found + 1, len(path) + 1))
        return next((origin for origin in defaults if origin is not None), None)

    def _before_set(self, path: Path) -> Path:
        # A set has an order of its own, so its items cannot be found in the list that it was written as.
        for end in range(1, len(path)):
            for kind in self.schema.types(path[:end]):
                for one in shape.alternatives(kind):
                    if shape.is_list(one) and shape.LISTS[typing.get_origin(one) or one] in {set, frozenset}:
                        return path[:end]
        return path


def _default_origin(path: Path, schema: Schema) -> Origin | None:
    """Return the place in code that gives a path its default; None for a table that exists only in code."""
    for end in range(len(path) - 1, 0, -1):
        owner = schema.owner(path[:end])
        if owner is not None:
            return Origin(DEFAULT_LAYER, f"default of {owner.__module__}.{owner.__qualname__}.{path[end]}")
    return None
