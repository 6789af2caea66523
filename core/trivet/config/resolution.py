"""Resolution: the pass that puts values in place of references, once, after the merge.

A reference is ``${...}`` in a text (`trivet.config.reference`), or a whole value ``scheme:argument`` whose scheme has a resolver
with ``bare`` set: ``trivet:1:...``, a sealed value. What comes out is never read again for references.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import attrs

from trivet.config.contracts import Resolver
from trivet.config.evaluation import SEALED, Evaluation
from trivet.config.layer import Layer
from trivet.config.origin import Path
from trivet.config.problem import Problem
from trivet.config.provenance import origin_of, trace
from trivet.config.redaction import Redaction

RESOLVE_SECONDS = 30.0
"""How long all references together may take."""


@attrs.frozen(eq=False)
class Resolution:
    """A resolved tree.

    Args:
        tree: The tree; a reference that failed stands in it unresolved.
        layers: The layers, which watch the files that their references name too.
        secrets: Paths of values that are secrets because of what they refer to.
        failed: Paths of references that failed.
        problems: Why.
    """

    tree: Mapping[str, Any] = attrs.field(repr=False)
    layers: tuple[Layer, ...]
    secrets: frozenset[Path]
    failed: frozenset[Path]
    problems: tuple[Problem, ...]


async def resolve(
    tree: Mapping[str, Any],
    layers: Sequence[Layer],
    *,
    resolvers: Mapping[str, Resolver],
    kernel: str,
    redaction: Redaction,
) -> Resolution:
    """Resolve all references of a tree.

    Args:
        tree: The merged tree.
        layers: For the places of what fails.
        resolvers: By name.
        kernel: The kernel's name, the namespace of sealed values.
        redaction: Knows the secrets: what is made of one is one.
    """
    schemes = {resolver.scheme: resolver for resolver in resolvers.values()}
    places = references(tree, {scheme for scheme, resolver in schemes.items() if resolver.bare})
    if not places:
        return Resolution(tree, tuple(layers), frozenset(), frozenset(), ())
    evaluation = Evaluation(
        tree=tree, places=places, layers=layers, resolvers=schemes, kernel=kernel, redaction=redaction
    )
    with anyio.move_on_after(RESOLVE_SECONDS):
        await evaluation.run()
    failed = dict(evaluation.failed)
    for place in places:  # where time ran out
        if place not in failed and place not in evaluation.done:
            # Said once, of the one that was being worked out; the others have not been looked at.
            first = not any("was not resolved within" in why for why in failed.values())
            failed[place] = f"the reference was not resolved within {RESOLVE_SECONDS:g} s" if first else ""
    return Resolution(
        tree=evaluation.filled(),
        layers=_watching(layers, evaluation.watched),
        secrets=frozenset((*place, *one) for place, made in evaluation.done.items() for one in made.secrets),
        failed=frozenset(failed),
        problems=tuple(Problem(why, origin_of(layers, path), path) for path, why in failed.items() if why),
    )


def references(tree: Mapping[str, Any], schemes: set[str]) -> dict[Path, str]:
    """Return the texts that hold references, by path.

    Args:
        tree: The tree.
        schemes: Those of which a whole value is a reference.
    """
    found: dict[Path, str] = {}

    def search(container: Any, at: Path) -> None:  # noqa: ANN401 - a tree holds anything
        items = container.items() if isinstance(container, Mapping) else enumerate(container)
        for part, value in items:
            if isinstance(value, str):
                if "${" in value or (":" in value and _is_bare(value, schemes)):
                    found[(*at, part)] = value
            elif isinstance(value, (dict, list, Mapping)):
                search(value, (*at, part))

    search(tree, ())
    return found


def _is_bare(value: str, schemes: set[str]) -> bool:
    text = value.strip()
    return text.partition(":")[0] in schemes or text.startswith(SEALED)


def _watching(layers: Sequence[Layer], watched: Sequence[tuple[Path, pathlib.Path]]) -> tuple[Layer, ...]:
    more: dict[int, list[pathlib.Path]] = {}
    for place, file in watched:
        winner = trace(layers, place).winner
        if winner is not None:
            more.setdefault(id(winner.layer), []).append(file)
    return tuple(
        attrs.evolve(layer, watch=tuple(dict.fromkeys((*layer.watch, *more[id(layer)]))))
        if id(layer) in more
        else layer
        for layer in layers
    )
