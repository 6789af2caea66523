"""`Combination`: how the lists of two layers become one, where a field asks for it: ``metadata={"merge": "append"}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from trivet.config import coercion
from trivet.config.fault import Fault
from trivet.config.tree import Text, same

MergeItems = Callable[[int, Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]


@attrs.frozen(eq=False)
class Combination:
    """A list made of two.

    Args:
        items: The list.
        lower: Where the items of the weaker layers' list went: their indices in ``items``.
        upper: The same of the stronger layer's.
    """

    items: list[Any] = attrs.field(repr=False)
    lower: tuple[int, ...]
    upper: tuple[int, ...]


def combine(strategy: str, lower: list[Any], upper: list[Any], merge_items: MergeItems) -> Combination:
    """Combine two lists.

    Args:
        strategy: ``append`` and ``prepend`` the stronger layer's items; ``unique`` appends those that are not there yet;
            ``by:name`` merges tables whose ``name`` is the same, and appends the others.
        lower: Of the weaker layers.
        upper: Of the stronger layer.
        merge_items: Merges the tables at an index.
    """
    below, above = len(lower), len(upper)
    if strategy == "append":
        return Combination([*lower, *upper], tuple(range(below)), tuple(range(below, below + above)))
    if strategy == "prepend":
        return Combination([*upper, *lower], tuple(range(above, below + above)), tuple(range(above)))
    if strategy == "unique":
        return _matched(lower, upper, lambda item: item, None)
    key = strategy.removeprefix("by:")
    return _matched(lower, upper, lambda item: item.get(key) if isinstance(item, Mapping) else None, merge_items)


def _matched(
    lower: list[Any], upper: list[Any], key: Callable[[Any], Any], merge_items: MergeItems | None
) -> Combination:
    items, went = list(lower), list[int]()
    places: dict[object, list[int]] = {}
    for index, item in enumerate(lower):
        places.setdefault(_rough(key(item)), []).append(index)
    for item in upper:
        mine = key(item)
        candidates = () if merge_items is not None and mine is None else places.get(_rough(mine), ())
        place = next((index for index in candidates if _alike(key(items[index]), mine)), None)
        if place is None:
            place = len(items)
            items.append(item)
            places.setdefault(_rough(mine), []).append(place)
        elif merge_items is not None:
            items[place] = merge_items(place, items[place], item)
        went.append(place)
    return Combination(items, tuple(range(len(lower))), tuple(went))


def _rough(value: object) -> object:
    """Return what is equal for all values that are alike: it spares comparing each item with each other."""
    return "" if isinstance(value, (Mapping, list)) else str(value).lower()


def _alike(left: object, right: object) -> bool:
    """Tell whether two values are the same; text of a text layer is what it reads as."""
    if isinstance(left, Text) or isinstance(right, Text):
        return not isinstance(left, (Mapping, list)) and _rough(left) == _rough(right) and _spelled(left, right)
    return same(left, right)


def _spelled(left: object, right: object) -> bool:
    # Case counts in texts; the text "true" is the boolean True, whatever its case.
    return not (isinstance(left, str) and isinstance(right, str)) or str(left) == str(right)


def as_list(value: object) -> list[Any] | None:
    """Return a list, or the text of a text layer as one; None for what is none, such as a reference."""
    if isinstance(value, list):
        return value
    if not isinstance(value, Text) or "${" in value:
        return None
    if value.lstrip().startswith("["):
        try:
            items: list[Any] = coercion.to_json(value, list, "a list")
        except Fault:
            return None  # said with its place when the section is structured
        return items
    return [Text(item.strip()) for item in value.split(",") if item.strip()]
