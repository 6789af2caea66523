"""Trees of configuration values: merge, compare, look up, replace. Nothing here changes a tree that it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trivet.config.layer import DELETE
from trivet.config.origin import Path

Tree = Mapping[str, Any]


class Text(str):
    """A scalar of a text layer: the schema says what it means."""

    __slots__ = ()


class Missing:
    """The type of `MISSING`."""


MISSING = Missing()
"""What a look-up gives where nothing is."""


Combine = Callable[[Path, Any, Any], Any]
"""Gives what takes the place of two lists, from their path, the weaker and the stronger."""


def merge(lower: Tree, upper: Tree, combine: Combine | None = None, at: Path = ()) -> dict[str, Any]:
    """Lay one tree over another: mappings merge deeply, everything else replaces, `DELETE` removes.

    Untouched parts are shared with the arguments, so an override of a few values costs a few copies.

    Args:
        lower: The weaker tree.
        upper: The stronger tree.
        combine: Asked where both have something that is no mapping; None: the stronger replaces.
        at: Where the trees stand.
    """
    result = dict(lower)
    for key, value in upper.items():
        if value is DELETE:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            below = result.get(key)
            if isinstance(below, Mapping):
                result[key] = merge(below, value, combine, (*at, key))
            elif (kept := _without_deletions(value)) or not value or key in result:
                result[key] = kept  # where nothing was, a table of mere deletions leaves nothing either
        elif combine is not None and isinstance(result.get(key), (list, Text)):
            result[key] = combine((*at, key), result[key], value)
        else:
            result[key] = value
    return result


def _without_deletions(tree: Tree) -> Tree:
    if any(value is DELETE or isinstance(value, Mapping) for value in tree.values()):
        return merge({}, tree)
    return tree


def look_up(tree: object, path: Path) -> Any:  # noqa: ANN401 - a tree holds anything
    """Return the value at a path, or `MISSING`."""
    for part in path:
        if isinstance(tree, Mapping):
            if part not in tree:
                return MISSING
            tree = tree[part]
        elif isinstance(tree, list) and isinstance(part, int) and 0 <= part < len(tree):
            tree = tree[part]
        else:
            return MISSING
    return tree


def same(left: object, right: object) -> bool:
    """Tell whether two trees are equal in value AND type: ``1``, ``1.0`` and ``True`` differ, and so do text and `Text`."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def differences(old: object, new: object, at: Path = ()) -> Iterator[Path]:
    """Yield the paths of leaves and lists that were added, removed or changed."""
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        before: Tree = old if isinstance(old, Mapping) else {}
        after: Tree = new if isinstance(new, Mapping) else {}
        if not before and not after and isinstance(old, Mapping) != isinstance(new, Mapping):
            yield at
        for key in (*before, *(key for key in after if key not in before)):
            if not same(before.get(key, MISSING), after.get(key, MISSING)):
                yield from differences(before.get(key, MISSING), after.get(key, MISSING), (*at, key))
    elif not same(old, new):
        yield at


def scalars(value: object, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every scalar."""
    if isinstance(value, str):  # most are, and asking what is a Mapping takes ten times as long
        yield at, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from scalars(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from scalars(item, (*at, index))
    else:
        yield at, value


def replace(tree: Any, path: Path, value: object) -> Any:  # noqa: ANN401 - as above
    """Return the tree with another value at a path that exists; only the containers on the way are copied."""
    if not path:
        return value
    copy: Any = list(tree) if isinstance(tree, list) else dict(tree)
    copy[path[0]] = replace(copy[path[0]], path[1:], value)
    return copy


def convert(value: Any, change: Callable[[Path, Any], Any], at: Path = ()) -> Any:  # noqa: ANN401 - as above
    """Return a copy whose scalars went through ``change(path, value)``."""
    if isinstance(value, Mapping):
        return {key: convert(item, change, (*at, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [convert(item, change, (*at, index)) for index, item in enumerate(value)]
    return change(at, value)
