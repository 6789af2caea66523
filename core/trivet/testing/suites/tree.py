"""Trees of values, as the suites of formats and sources see them: their paths, their types, copies with one value changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from trivet.config.origin import Path


def paths(tree: object, at: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield every path of a tree with its value, containers too, but not the root."""
    if at:
        yield at, tree
    for key, value in _items(tree):
        yield from paths(value, (*at, key))


def leaves(tree: object) -> Iterator[tuple[Path, object]]:
    """Yield the paths of all scalars with their values."""
    return ((path, value) for path, value in paths(tree) if not isinstance(value, Mapping | list))


def typed(tree: object) -> object:
    """Return a tree in a form that tells True from 1 and 1 from 1.0."""
    if isinstance(tree, Mapping):
        return {key: typed(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [typed(value) for value in tree]
    return (type(tree), tree)


def put(tree: object, path: Path, value: object) -> object:
    """Return a copy of a tree with another value at a path."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    changed = [(name, put(old, rest, value) if name == key else old) for name, old in _items(tree)]
    return dict(changed) if isinstance(tree, Mapping) else [item for _, item in changed]


def _items(tree: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(tree, Mapping):
        return iter(tree.items())
    return enumerate(cast("list[object]", tree)) if isinstance(tree, list) else iter(())
