"""`Leaf`: one value of the effective configuration with its place; and what differs between two configurations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from trivet.config.origin import Origin, Path
from trivet.config.tree import same


@attrs.frozen(eq=False, kw_only=True)
class Leaf:
    """One value of the effective configuration.

    Args:
        path: Where it stands.
        value: As plain data; ``***`` for a secret. A list is one value, for layers replace it as a whole.
        origin: Who sets it.
        raw: The value with its secrets, to compare, never to show.
    """

    path: Path
    value: Any
    origin: Origin | None
    raw: Any = attrs.field(repr=False)


@attrs.frozen(eq=False)
class Difference:
    """A value that two configurations do not share.

    Args:
        path: Where it stands.
        before: What the first has there; None where it has nothing.
        after: What the second has there.
    """

    path: Path
    before: Leaf | None
    after: Leaf | None


def compare(before: Sequence[Leaf], after: Sequence[Leaf]) -> list[Difference]:
    """Return what differs in value between two configurations, in the order of the first, then of the second."""
    left, right = ({leaf.path: leaf for leaf in leaves} for leaves in (before, after))
    found: list[Difference] = []
    for path in dict.fromkeys((*left, *right)):
        one, other = left.get(path), right.get(path)
        if one is None or other is None or not same(one.raw, other.raw):
            found.append(Difference(path, one, other))
    return found


def walk(tree: object, path: Path = (), *, into_lists: bool) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every leaf of plain data; an empty table is one, and so is an empty list.

    Args:
        tree: The data.
        path: Where it stands.
        into_lists: False: a list is a leaf as a whole.
    """
    if isinstance(tree, dict) and (tree or not path):
        for key, value in tree.items():
            yield from walk(value, (*path, key), into_lists=into_lists)
    elif isinstance(tree, list) and tree and into_lists:
        for index, value in enumerate(tree):
            yield from walk(value, (*path, index), into_lists=True)
    else:
        yield path, tree
