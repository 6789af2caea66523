"""`Candidate`: what would be the next snapshot, if everything about it is right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from trivet.config import loading
from trivet.config.contracts import ConfigFormat, ConfigSource, LoadContext, Resolver, environment_prefix
from trivet.config.fault import Fault, Faults, MissingKey, walk
from trivet.config.inspection import inspect
from trivet.config.layer import DELETE, Layer
from trivet.config.merging import merge_layers
from trivet.config.origin import Path, inside
from trivet.config.problem import Problem
from trivet.config.redaction import Redaction, secret_places
from trivet.config.report import Report, in_order
from trivet.config.resolution import resolve
from trivet.config.schema import Schema
from trivet.config.snapshot import Snapshot
from trivet.config.structure import Structurer, section_tree
from trivet.config.tree import same, scalars
from trivet.errors import ConfigError
from trivet.launch import Launch

T = TypeVar("T")


@attrs.frozen(eq=False, kw_only=True)
class Parts:
    """What a configuration is made with.

    Args:
        name: The kernel's name.
        sources: By name.
        formats: By name.
        resolvers: By name.
        structurer: Makes sections.
    """

    name: str
    sources: dict[str, ConfigSource] = attrs.field(factory=dict)
    formats: dict[str, ConfigFormat] = attrs.field(factory=dict)
    resolvers: dict[str, Resolver] = attrs.field(factory=dict)
    structurer: Structurer = attrs.field(factory=Structurer)

    def context(self, launch: Launch, schema: Schema) -> LoadContext:
        """Return what sources load with."""
        # By name, since providers start at once and register in any order.
        formats = {suffix: one for _, one in sorted(self.formats.items()) for suffix in one.suffixes}
        return LoadContext(kernel=self.name, launch=launch, schema=schema, formats=formats)


@attrs.frozen(eq=False, kw_only=True)
class Candidate:
    """A configuration that is merged, resolved and structured, with all that is wrong with it.

    Args:
        tree: Merged and resolved.
        sections: Typed, those that fit.
        layers: Weakest first.
        secrets: Paths whose values are secrets because of how they came in.
        problems: Empty where it may come into force.
    """

    tree: Mapping[str, Any] = attrs.field(repr=False)
    sections: Mapping[tuple[str, ...], object] = attrs.field(repr=False)
    layers: tuple[Layer, ...]
    secrets: frozenset[Path]
    problems: tuple[Problem, ...]


async def build(
    parts: Parts,
    launch: Launch,
    *,
    schema: Schema,
    old: Snapshot | None,
    complete: Callable[[loading.Loaded], Awaitable[loading.Loaded]],
) -> Candidate:
    """Load, merge, resolve and structure everything.

    Args:
        parts: What to do it with.
        launch: Where configuration is.
        schema: What it must fit.
        old: The snapshot in force; sections whose values are as before keep their objects.
        complete: May add to what is loaded.
    """
    loaded = await complete(await loading.load(parts.sources, parts.context(launch, schema), schema))
    return await assemble(parts, await inspect(loaded, parts.resolvers), schema=schema, old=old)


async def assemble(parts: Parts, loaded: loading.Loaded, *, schema: Schema, old: Snapshot | None) -> Candidate:
    """Merge, resolve and structure what is loaded already; see `build`."""
    merged = merge_layers(loaded.layers, schema)
    known = Redaction(schema, secret_places(merged.layers, frozenset()))
    resolution = await resolve(
        merged.tree, merged.layers, resolvers=parts.resolvers, kernel=parts.name, redaction=known
    )
    tree, secrets = resolution.tree, known.places | resolution.secrets
    sections, faults = parts.structurer.sections(schema, tree, _unchanged(schema, tree, old))
    # A document that could not be read must not be reported once more as all the keys that it would have set.
    unread = any(not problem.path for problem in loaded.problems)
    faults = [
        (path, fault)
        for path, fault in faults
        if not inside(path, resolution.failed) and not (unread and isinstance(fault, MissingKey))
    ]
    report = Report(
        layers=merged.layers, redaction=Redaction(schema, secrets), tree=tree, prefix=environment_prefix(parts.name)
    )
    removals = _removed_nothing(loaded.layers, schema)
    problems = (*loaded.problems, *resolution.problems, *report.problems(faults), *removals)
    return Candidate(
        tree=tree,
        sections=sections,
        layers=resolution.layers,
        secrets=secrets,
        problems=in_order(problems, loaded.layers) if problems else (),
    )


def revive(parts: Parts, target: Snapshot, *, schema: Schema, old: Snapshot) -> Candidate:
    """Make a candidate of an older snapshot: its values as they were, nothing loaded or resolved anew.

    Sections that the snapshot in force shares with it keep their objects, the others get those that they had.
    """
    kept = {**_unchanged(schema, target.tree, target), **_unchanged(schema, target.tree, old)}
    sections, faults = parts.structurer.sections(schema, target.tree, kept)
    redaction, prefix = Redaction(schema, target.secrets), environment_prefix(parts.name)
    report = Report(layers=target.layers, redaction=redaction, tree=target.tree, prefix=prefix)
    return Candidate(
        tree=target.tree,
        sections=sections,
        layers=target.layers,
        secrets=target.secrets,
        problems=in_order(report.problems(faults), target.layers),
    )


def _unchanged(schema: Schema, tree: Mapping[str, Any], old: Snapshot | None) -> dict[tuple[str, ...], object]:
    if old is None:
        return {}
    return {
        path: section
        for path, cls in schema.sections.items()
        if type(section := old.sections.get(".".join(path))) is cls
        and same(section_tree(old.tree, path), section_tree(tree, path))
    }


def structure_one(
    parts: Parts, path: tuple[str, ...], cls: type[T], *, layers: tuple[Layer, ...], tree: Mapping[str, Any]
) -> T:
    """Structure one section by itself.

    Raises:
        ConfigError: if it does not fit.
    """
    try:
        return parts.structurer.section(cls, section_tree(tree, path))
    except (Fault, Faults) as fault:
        faults = [*walk(fault, path)]
    redaction = Redaction(Schema({path: cls}), secret_places(layers, frozenset()))
    report = Report(layers=layers, redaction=redaction, tree=tree, prefix=environment_prefix(parts.name))
    raise ConfigError(in_order(report.problems(faults), layers))


def _removed_nothing(layers: tuple[Layer, ...], schema: Schema) -> Iterator[Problem]:
    """Yield a problem for each removal (``--set a.b=null``) of what no section has: the merge lets them go unseen."""
    for layer in layers:
        for path, value in scalars(layer.data) if layer.text else ():
            if value is DELETE and not schema.has(path):
                near = schema.suggest([str(part) for part in path])
                hint = f"; did you mean {near}?" if near else ""
                yield Problem(f"unknown key{hint}", layer.locate(path), path)
