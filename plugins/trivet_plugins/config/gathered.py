"""`Gathered`: single values with an origin each, gathered into the tree of a layer."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

import attrs

from trivet import Layer, Origin, Problem
from trivet.config.origin import Path, dotted


@attrs.define
class Gathered:
    """What is gathered for one layer.

    Args:
        layer: The layer's name.
        place: The source of what has no origin of its own, e.g. ``env ORDERS_...``.
    """

    layer: str
    place: str
    problems: list[Problem] = attrs.field(factory=list, init=False)
    files: list[pathlib.Path] = attrs.field(factory=list, init=False)
    _data: dict[Any, Any] = attrs.field(factory=dict, init=False, repr=False)
    _origins: dict[Path, Origin] = attrs.field(factory=dict, init=False)

    def put(self, path: Path, text: str, origin: Origin) -> None:
        """Add a value; a number in its path is the place in a list.

        Raises:
            ValueError: if another value stands there, or around, or below.
        """
        known = self._origins
        other = next((place for place in known if place[: len(path)] == path or path[: len(place)] == place), None)
        if other is not None:
            raise ValueError(f"sets {dotted(path)}, and {known[other]} sets {dotted(other)}: remove one")
        *outer, last = path
        data = self._data
        for part in outer:
            data = data.setdefault(part, {})
        data[last] = text
        known[path] = origin

    def refuse(self, reason: str, origin: Origin) -> None:
        """Add a problem."""
        self.problems.append(Problem(reason, origin))

    def locate(self, path: Path) -> Origin:
        """Return the origin of a value; of a table or list, that of something in it."""
        around = (self._origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._origins)
        inside = (origin for place, origin in self._origins.items() if place[: len(path)] == path)
        return next(around, None) or next(inside, None) or Origin(self.layer, self.place)

    def as_layer(self, priority: int, *, secret: bool = False, watch: Iterable[pathlib.Path] = ()) -> Layer:
        """Return the layer, of text.

        Args:
            priority: Its priority.
            secret: Whether all of it is.
            watch: What to watch beside the files that were read.
        """
        data = self._with_lists(self._data, ())
        return Layer(
            name=self.layer,
            priority=priority,
            data=data,
            locate=self.locate,
            text=True,
            secret=secret,
            problems=tuple(self.problems),
            watch=(*watch, *self.files),
        )

    def _with_lists(self, data: dict[Any, Any], at: Path) -> Any:  # noqa: ANN401 - a tree
        """Turn ``{0: a, 1: b}`` into a list."""
        items = {
            key: self._with_lists(value, (*at, key)) if isinstance(value, dict) else value
            for key, value in data.items()
        }
        if not items or not all(isinstance(key, int) for key in items):
            return items
        indices = sorted(items)
        if indices != list(range(len(indices))):
            last = next(origin for path, origin in self._origins.items() if path[: len(at) + 1] == (*at, indices[-1]))
            message = "the items of a list are numbered __0, __1, ... without a gap"
            self.problems.append(Problem(message, last, at))
        return [items[index] for index in indices]
