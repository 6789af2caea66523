"""Provenance: which layer sets a value, and which set it in vain. Worked out when asked for: the merge keeps no books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from trivet.config.combination import as_list
from trivet.config.layer import DELETE, Layer
from trivet.config.origin import Origin, Path
from trivet.config.tree import MISSING, look_up


@attrs.frozen
class Sighting:
    """One layer's say on a path.

    Args:
        layer: The layer.
        value: What it sets.
    """

    layer: Layer
    value: Any = attrs.field(repr=False)


@attrs.frozen
class Trace:
    """Everyone's say on a path.

    Args:
        winner: Who sets the value; None where nobody does, or where a higher layer removes it.
        shadowed: Who sets it in vain, the strongest first.
    """

    winner: Sighting | None
    shadowed: tuple[Sighting, ...]


def trace(layers: Sequence[Layer], path: Path) -> Trace:
    """Find out who sets a path.

    Args:
        layers: From the weakest to the strongest.
        path: The path of a leaf or container. Mappings merge, so several layers may share in one, and so do
            lists that a field wants combined: the strongest is named.
    """
    winner: Sighting | None = None
    shadowed: list[Sighting] = []
    is_open, tables = True, 0
    for layer in reversed(layers):
        say = _say(layer, path)
        # Where a stronger layer has a table, anything else was replaced as a whole.
        wins = winner is None and is_open and (say.end is None or say.end > tables or say.end == len(path))
        if say.value is not MISSING and say.value is not DELETE:
            sighting = Sighting(layer, say.value)
            if wins:
                winner = sighting
            elif winner is None or not _share(sighting, winner, path):
                shadowed.append(sighting)
        is_open = is_open and say.end is None
        tables = max(tables, say.tables)
    return Trace(winner, tuple(shadowed))


def _share(one: Sighting, other: Sighting, path: Path) -> bool:
    """Tell whether both have a part in the value: tables merge, and so do lists that a field wants combined."""
    tables = isinstance(one.value, Mapping) and isinstance(other.value, Mapping)
    return tables or (path in one.layer.shares and path in other.layer.shares)


@attrs.frozen
class _Say:
    """What one layer says on a path.

    Args:
        value: What it has there, or `MISSING`.
        end: How many steps down the path it has something else than a table, which replaces what weaker layers have below.
        tables: How many steps down the path it has tables.
    """

    value: Any
    end: int | None
    tables: int


def _say(layer: Layer, path: Path) -> _Say:
    data: Any = layer.data
    for depth, part in enumerate(path):
        indices = layer.shares.get(path[:depth]) if layer.shares else None
        if indices is not None:  # a combined list: open to the items of other layers, as a table is to their keys
            if part not in indices:
                return _Say(MISSING, None, depth)
            data = (as_list(data) or ())[indices.index(int(part))]
            continue
        if not isinstance(data, Mapping):
            return _Say(look_up(data, path[depth:]), depth, depth - 1)
        if part not in data:
            return _Say(MISSING, None, depth)
        data = data[part]
    return (
        _Say(data, None, len(path))
        if isinstance(data, Mapping) or path in layer.shares
        else _Say(data, len(path), len(path) - 1)
    )


def origin_of(layers: Sequence[Layer], path: Path) -> Origin | None:
    """Return where the value at a path comes from; of an absent one, where the nearest container around it stands."""
    for end in range(len(path), 0, -1):
        winner = trace(layers, path[:end]).winner
        if winner is not None:
            return winner.layer.locate(path[:end])
    return None


def origins(sightings: Sequence[Sighting], path: Path) -> Iterator[Origin]:
    """Yield the places of sightings."""
    for sighting in sightings:
        yield sighting.layer.locate(path)
