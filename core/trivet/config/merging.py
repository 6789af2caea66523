"""Merging: the layers become one tree; where a field wants its lists combined, each layer remembers where its items went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from trivet.config.combination import as_list, combine
from trivet.config.layer import Layer
from trivet.config.origin import Origin, Path
from trivet.config.schema import Schema
from trivet.config.tree import Tree, look_up, merge

Shares = Mapping[Path, tuple[int, ...]]


@attrs.frozen(eq=False)
class Merged:
    """Layers and what they merge to.

    Args:
        tree: The tree.
        layers: The layers, which know where items of theirs are in combined lists.
    """

    tree: dict[str, Any] = attrs.field(repr=False)
    layers: tuple[Layer, ...]


def merge_layers(layers: Sequence[Layer], schema: Schema) -> Merged:
    """Merge layers, weakest first.

    Args:
        layers: The layers.
        schema: Knows which fields want lists combined.
    """
    books = _Books(layers, schema)
    tree: dict[str, Any] = {}
    for number, layer in enumerate(layers):
        books.number = number
        tree = merge(tree, layer.data, books.combine)
    return Merged(tree, tuple(books.closed(number, tree) for number in range(len(layers))))


class _Books:
    """Who gave which items of a combined list. Only such lists are in the books: all else is worked out from the layers."""

    def __init__(self, layers: Sequence[Layer], schema: Schema) -> None:
        self.number = 0
        self._layers = layers
        self._schema = schema
        self._made: dict[Path, list[Any]] = {}
        self._shares: dict[Path, dict[int, tuple[int, ...]]] = {}

    def combine(self, path: Path, lower: Any, upper: Any) -> Any:  # noqa: ANN401 - a tree holds anything
        """Return what takes the place of two values that are no tables."""
        strategy = self._schema.strategy(path)
        if strategy is None:
            return upper
        below, above = as_list(lower), as_list(upper)
        if below is None or above is None:
            return upper

        def merge_items(index: int, one: Tree, other: Tree) -> Tree:
            return merge(one, other, self.combine, (*path, index))

        made = combine(strategy, below, above, merge_items)
        shares = self._shares[path] if self._made.get(path) is lower else self._owner(path, lower, len(below))
        moved = {number: tuple(made.lower[index] for index in own) for number, own in shares.items()}
        self._shares[path] = {**moved, self.number: made.upper}
        self._made[path] = made.items
        return made.items

    def _owner(self, path: Path, value: object, size: int) -> dict[int, tuple[int, ...]]:
        for number in reversed(range(self.number)):
            # The merge copies no list, so the layer that a list is from has the very same object.
            if look_up(self._layers[number].data, own_path(self._of(number), path)) is value:
                return {number: tuple(range(size))}
        return {}

    def _of(self, number: int) -> dict[Path, tuple[int, ...]]:
        return {path: shares[number] for path, shares in self._shares.items() if number in shares}

    def closed(self, number: int, tree: Tree) -> Layer:
        """Return a layer with its shares in the lists that are still there."""
        layer = self._layers[number]
        own = layer.locate.own if isinstance(layer.locate, _Located) else layer.locate  # of an earlier merge
        shares = {path: one for path, one in self._of(number).items() if look_up(tree, path) is self._made[path]}
        if not shares and not layer.shares:
            return layer
        return attrs.evolve(layer, shares=shares, locate=_Located(own, shares) if shares else own)


@attrs.frozen(eq=False)
class _Located:
    """Gives the origin of a path of the merged tree."""

    own: Callable[[Path], Origin]
    shares: Shares

    def __call__(self, path: Path) -> Origin:
        return self.own(own_path(self.shares, path))


def own_path(shares: Shares, path: Path) -> Path:
    """Return the path in a layer of what is at a path of the merged tree; of an item that others gave, the list's."""
    own: Path = ()
    for depth, part in enumerate(path):
        indices = shares.get(path[:depth])
        if indices is not None:
            if part not in indices:
                return own
            part = indices.index(int(part))  # noqa: PLW2901 - the same step, counted as the layer does
        own = (*own, part)
    return own


def merged_path(shares: Shares, own: Path) -> Path:
    """Return the path in the merged tree of what is at a path in a layer."""
    path: Path = ()
    for part in own:
        indices = shares.get(path)
        path = (*path, indices[part] if indices is not None and isinstance(part, int) else part)
    return path
