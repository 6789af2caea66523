"""Resolution: the pass that puts values in place of references, once, after the merge.

A reference is a whole value ``scheme:argument`` whose scheme has a resolver with ``bare`` set: ``trivet:1:...``, a sealed value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import attrs

from trivet.config.contracts import ResolveContext, Resolver
from trivet.config.isolation import foreign
from trivet.config.layer import Layer
from trivet.config.origin import Path
from trivet.config.problem import Problem
from trivet.config.provenance import origin_of
from trivet.config.tree import replace

RESOLVE_SECONDS = 30.0
"""How long all references together may take."""

SEALED = "trivet:1:"
"""What sealed values begin with: one that nothing opens is a mistake, not a password."""


@attrs.frozen(eq=False)
class Resolution:
    """A resolved tree.

    Args:
        tree: The tree; a reference that failed stands in it unresolved.
        secrets: Paths of values that are secrets because a resolver says so.
        failed: Paths of references that failed.
        problems: Why.
    """

    tree: Mapping[str, Any] = attrs.field(repr=False)
    secrets: frozenset[Path]
    failed: frozenset[Path]
    problems: tuple[Problem, ...]


async def resolve(
    tree: Mapping[str, Any], layers: Sequence[Layer], *, resolvers: Mapping[str, Resolver], kernel: str
) -> Resolution:
    """Resolve all references of a tree.

    Args:
        tree: The merged tree.
        layers: For the places of what fails.
        resolvers: By name.
        kernel: The kernel's name, the namespace of sealed values.
    """
    bare = {resolver.scheme: resolver for resolver in resolvers.values() if resolver.bare}
    secrets: set[Path] = set()
    failed: dict[Path, str] = {}
    with anyio.move_on_after(RESOLVE_SECONDS) as limit:
        for path, value in references(tree, bare):
            failed[path] = f"the reference was not resolved within {RESOLVE_SECONDS:g} s"
            scheme, _, argument = value.partition(":")
            if scheme not in bare:
                failed[path] = (
                    "the value is sealed and nothing here opens it; run the plugin 'sealed' or give the value openly"
                )
                continue
            outcome = await foreign(bare[scheme].resolve(argument, ResolveContext(kernel=kernel, path=path)))
            if outcome.value is None:
                failed[path] = outcome.error or "the reference was not resolved: its resolver gave nothing"
                continue
            del failed[path]
            tree = replace(tree, path, outcome.value.value)
            if outcome.value.secret:
                secrets.add(path)
    if limit.cancelled_caught and not failed:
        failed[()] = f"not all references were resolved within {RESOLVE_SECONDS:g} s"
    problems = tuple(Problem(why, origin_of(layers, path), path) for path, why in failed.items())
    return Resolution(tree, frozenset(secrets), frozenset(failed), problems)


def references(tree: Mapping[str, Any], schemes: Mapping[str, object]) -> list[tuple[Path, str]]:
    """Return path and text of every reference."""
    found: list[tuple[Path, str]] = []

    def search(container: Any, at: Path) -> None:  # noqa: ANN401 - a tree holds anything
        items = container.items() if isinstance(container, Mapping) else enumerate(container)
        for part, value in items:
            if isinstance(value, str):
                if ":" in value and _is_reference(value, schemes):
                    found.append(((*at, part), value.strip()))
            elif isinstance(value, (dict, list, Mapping)):
                search(value, (*at, part))

    search(tree, ())
    return found


def _is_reference(value: str, schemes: Mapping[str, object]) -> bool:
    text = value.strip()
    return text.partition(":")[0] in schemes or text.startswith(SEALED)


def inside(path: Path, places: frozenset[Path]) -> bool:
    """Tell whether a path is one of some places or lies in one."""
    return bool(places) and any(path[:end] in places for end in range(len(path) + 1))
