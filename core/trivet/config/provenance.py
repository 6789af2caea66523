"""Provenance: which layer sets a value, and which set it in vain. Worked out when asked for: the merge keeps no books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

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
        path: The path of a leaf or container. Mappings merge, so several layers may share in one: the strongest is named.
    """
    winner: Sighting | None = None
    shadowed: list[Sighting] = []
    open_below = True
    for layer in reversed(layers):
        value, replaces = _say(layer.data, path)
        if value is not MISSING and value is not DELETE:
            sighting = Sighting(layer, value)
            if winner is None and open_below:
                winner = sighting
            elif not (isinstance(value, Mapping) and winner is not None and isinstance(winner.value, Mapping)):
                shadowed.append(sighting)
        open_below = open_below and not replaces
    return Trace(winner, tuple(shadowed))


def _say(data: object, path: Path) -> tuple[Any, bool]:
    """Return the value that a layer has at a path, and whether the layers below have none there because of it."""
    for place, part in enumerate(path):
        if isinstance(data, Mapping):
            if part not in data:
                return MISSING, False
            data = data[part]
        else:
            value = look_up(data, path[place:])
            return value, True
    return data, not isinstance(data, Mapping)


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
