"""Loading: every source's layers, in order of precedence, with the text layers made fit for the merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import anyio
import attrs

from trivet.config import coercion
from trivet.config.contracts import ConfigSource, LoadContext
from trivet.config.fault import Fault
from trivet.config.isolation import foreign
from trivet.config.layer import Layer
from trivet.config.origin import Origin, Path
from trivet.config.problem import Problem
from trivet.config.reference import escape
from trivet.config.schema import Schema
from trivet.config.tree import Text, convert, merge

SOURCE_SECONDS = 10.0
"""How long a source may take."""


@attrs.frozen(eq=False)
class Loaded:
    """What all sources gave.

    Args:
        layers: From the weakest to the strongest.
        problems: Of sources that gave nothing, then of the layers.
        sources: What each source gave, as it gave it.
        down: The sources that could not be reached, and why. One whose document is bad is none of them.
    """

    layers: tuple[Layer, ...]
    problems: tuple[Problem, ...]
    sources: Mapping[str, Sequence[Layer]] = attrs.field(factory=dict, repr=False)
    down: Mapping[str, Problem] = attrs.field(factory=dict)

    def merged(self) -> dict[str, Any]:
        """Merge the layers into one tree."""
        return reduce(merge, (layer.data for layer in self.layers), {})


async def load(sources: Mapping[str, ConfigSource], context: LoadContext, schema: Schema) -> Loaded:
    """Load all sources at once.

    Args:
        sources: By name, and in the order of names: among equal priorities the later one wins.
        context: What they load with.
        schema: Tells text that is a table from text that is a scalar.
    """
    results: dict[str, Sequence[Layer] | Problem] = {}

    async def load_one(name: str, source: ConfigSource) -> None:
        results[name] = await _load_source(name, source, context)

    async with anyio.create_task_group() as group:
        for name, source in sources.items():
            group.start_soon(load_one, name, source)
    down = {name: result for name, result in results.items() if isinstance(result, Problem)}
    return combine({name: result for name, result in results.items() if not isinstance(result, Problem)}, down, schema)


def combine(sources: Mapping[str, Sequence[Layer]], down: Mapping[str, Problem], schema: Schema) -> Loaded:
    """Put the layers of all sources in order, fit for the merge.

    Args:
        sources: What each source gave.
        down: Why others gave nothing.
        schema: As for `load`.
    """
    found = [layer for _, layers in sorted(sources.items()) for layer in layers]
    layers = [prepare(layer, schema) for layer in sorted(found, key=lambda layer: layer.priority)]
    problems = (*(one for _, one in sorted(down.items())), *(one for layer in layers for one in layer.problems))
    return Loaded(tuple(layers), problems, sources, {**_unreachable(sources), **down})


def _unreachable(sources: Mapping[str, Sequence[Layer]]) -> dict[str, Problem]:
    """Return the sources all of whose problems are that something could not be reached: see `Problem.down`."""
    problems = {name: [one for layer in layers for one in layer.problems] for name, layers in sources.items()}
    return {name: some[0] for name, some in problems.items() if some and all(one.down for one in some)}


async def _load_source(name: str, source: ConfigSource, context: LoadContext) -> Sequence[Layer] | Problem:
    origin = Origin(name, f"config_source/{name}")
    with anyio.move_on_after(SOURCE_SECONDS):
        outcome = await foreign(source.load(context))
        if outcome.error is not None:
            return Problem(f"the source could not be loaded: {outcome.error}", origin)
        return outcome.value or ()
    return Problem(f"the source did not answer within {SOURCE_SECONDS:g} s", origin)


def prepare(layer: Layer, schema: Schema) -> Layer:
    """Make a layer fit for the merge: text is marked as text, what looks like a reference in a secret is none."""
    if layer.secret:  # a generated password may hold ${, and nobody could write $${ for it
        data = convert(layer.data, lambda _path, value: escape(value) if type(value) is str else value)
        layer = attrs.evolve(layer, data=data)
    return _fit(layer, schema) if layer.text else layer


def _fit(layer: Layer, schema: Schema) -> Layer:
    """Mark text as text, and read JSON where a table belongs, so that it merges like any table."""
    opened: set[Path] = set()

    def fit(value: Any, at: Path) -> Any:  # noqa: ANN401 - a tree holds anything
        if isinstance(value, Mapping):
            return {key: fit(item, (*at, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [fit(item, (*at, index)) for index, item in enumerate(value)]
        if type(value) is not str:
            return value
        if value.lstrip().startswith("{") and schema.takes_table(at):
            try:
                table = coercion.to_json(value, dict, "a table")
            except Fault:
                return Text(value)  # said again, with its place, when the section is structured
            opened.add(at)
            return table
        return Text(value)

    def locate(path: Path) -> Origin:
        return layer.locate(next((path[:end] for end in range(len(path)) if path[:end] in opened), path))

    return attrs.evolve(layer, data=fit(layer.data, ()), locate=locate)
