"""Inspection: a look at the layers as they were loaded, before they are merged and it is forgotten what stood in one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import attrs

from trivet.config.isolation import foreign
from trivet.config.layer import Layer
from trivet.config.loading import Loaded
from trivet.config.origin import Origin
from trivet.config.problem import Problem


@runtime_checkable
class LayerInspector(Protocol):
    """What a resolver is that looks at whole layers, too."""

    async def inspect(self, layers: Sequence[Layer]) -> Sequence[Layer]:
        """Return the layers in the same order: as they are, without what is only for the inspector, or with ``problems``."""
        ...


async def inspect(loaded: Loaded, resolvers: Mapping[str, object]) -> Loaded:
    """Show the layers to the resolvers that are inspectors; what these find is a problem of the load.

    Args:
        loaded: The layers.
        resolvers: By name.
    """
    layers: Sequence[Layer] = loaded.layers
    problems = loaded.problems
    for name, resolver in sorted(resolvers.items()):
        if isinstance(resolver, LayerInspector):
            outcome = await foreign(resolver.inspect(layers))
            if outcome.value is None:
                origin = Origin(name, f"resolver/{name}")
                problems = (*problems, Problem(f"the layers could not be inspected: {outcome.error}", origin))
                continue
            before = {id(one) for layer in layers for one in layer.problems}
            layers = outcome.value
            problems = (*problems, *(one for layer in layers for one in layer.problems if id(one) not in before))
    return attrs.evolve(loaded, layers=tuple(layers), problems=problems)
