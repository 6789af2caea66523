"""`Evaluation`: the values of all references of one merged tree, each worked out once, those it needs first."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from trivet.config.contracts import NothingThereError, ResolveContext, Resolved, Resolver
from trivet.config.converter import near
from trivet.config.expansion import Budget, Expanded, Unresolvable, fill, written
from trivet.config.isolation import foreign
from trivet.config.layer import Layer
from trivet.config.origin import Path, dotted
from trivet.config.provenance import origin_of
from trivet.config.redaction import Redaction, sounds_secret
from trivet.config.reference import TEXT_CHARACTERS, Reference, Template, parse
from trivet.config.tree import MISSING, Text, Tree, look_up, scalars

CHAIN = 50
"""How many references may lead to each other."""

SEALED = "trivet:1:"
"""What sealed values begin with: one that nothing opens is a mistake, not a password."""


@attrs.define(eq=False, kw_only=True)
class Evaluation:
    """Works out values.

    Args:
        tree: The merged tree.
        places: The texts in it that hold references, by path.
        layers: For the places of what fails.
        resolvers: By scheme.
        kernel: The kernel's name.
        redaction: Knows which values are secrets before anything is resolved.
        done: What came out, by place.
        failed: Why places failed; empty where only what they refer to did.
        watched: Files that resolvers read, with the place that refers to them.
    """

    tree: Tree = attrs.field(repr=False)
    places: Mapping[Path, str] = attrs.field(repr=False)
    layers: Sequence[Layer]
    resolvers: Mapping[str, Resolver]
    kernel: str
    redaction: Redaction
    done: dict[Path, Expanded] = attrs.field(factory=dict, init=False)
    failed: dict[Path, str] = attrs.field(factory=dict, init=False)
    watched: list[tuple[Path, pathlib.Path]] = attrs.field(factory=list, init=False)
    _stack: list[Path] = attrs.field(factory=list, init=False)
    _budget: Budget = attrs.field(factory=Budget, init=False)
    _seen: dict[Path, Expanded] = attrs.field(factory=dict, init=False)
    _inside: dict[Path, list[Path]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        for place in self.places:
            for end in range(len(place)):
                self._inside.setdefault(place[:end], []).append(place)

    async def run(self) -> None:
        """Work out all places. Cancelled, it leaves out those that are neither `done` nor `failed`."""
        for place in self.places:
            try:
                await self._place(place)
            except Unresolvable:
                continue  # it is in `failed`

    def filled(self) -> Any:  # noqa: ANN401 - a tree holds anything
        """Return the tree with the values of all places that are done."""
        return fill(self.tree, (), self.done, self._inside)

    async def _place(self, place: Path) -> Expanded:
        if place in self.done:
            return self.done[place]
        if place in self.failed:
            raise Unresolvable
        if place in self._stack:
            raise Unresolvable(self._circle(place))
        if len(self._stack) >= CHAIN:
            raise Unresolvable(f"more than {CHAIN} references lead to each other")
        self._stack.append(place)
        try:
            self.done[place] = self._budget.spend(await self._evaluate(place), len(place))
        except Unresolvable as exc:
            self.failed[place] = str(exc)
            raise Unresolvable from None
        finally:
            self._stack.pop()
        return self.done[place]

    async def _evaluate(self, place: Path) -> Expanded:
        text = self.places[place]
        scheme, _, argument = text.strip().partition(":")
        if scheme in self.resolvers and self.resolvers[scheme].bare:
            return await self._ask(scheme, argument, place)
        if text.strip().startswith(SEALED):
            raise Unresolvable(
                "the value is sealed and nothing here opens it; run the plugin 'sealed' or give the value openly"
            )
        try:
            template = parse(text)
        except ValueError as exc:
            raise Unresolvable(str(exc)) from None
        return await self._template(template, place, kind=Text if type(text) is Text else str)

    async def _template(self, template: Template, place: Path, *, kind: type[str]) -> Expanded:
        if len(template) == 1 and isinstance(template[0], Reference):
            return await self._reference(template[0], place)
        pieces: list[str] = []
        is_secret, length = False, 0
        for part in template:
            if isinstance(part, Reference):
                found = await self._reference(part, place)
                is_secret = is_secret or bool(found.secrets)
                kind = Text if type(found.value) is Text else kind
                pieces.append(written(found.value, part))
            else:
                pieces.append(part)
            length += len(pieces[-1])
            if length > TEXT_CHARACTERS:
                raise Unresolvable(f"the text would come to more than {TEXT_CHARACTERS:,} characters")
        return Expanded(kind("".join(pieces)), frozenset({()} if is_secret else ()))

    async def _reference(self, reference: Reference, place: Path) -> Expanded:
        self._budget.count()
        try:
            if reference.scheme is None:
                found = await self._at(reference.path)
            else:
                found = await self._ask(reference.scheme, reference.argument, place)
        except NothingThereError as exc:
            if reference.default is None:
                raise Unresolvable(str(exc)) from None
            found = Expanded(None)
        if reference.default is not None and (found.value is None or found.value == ""):
            return await self._template(reference.default, place, kind=Text)
        return found

    async def _at(self, path: Path) -> Expanded:
        """Return the value at a path, with what is secret about it there."""
        if path in self._seen:
            self._budget.spend(self._seen[path], len(path))
            return self._seen[path]
        value = self._budget.spend(await self._raw(path), len(path))
        named = {below for below, _ in scalars(value.value) if self.redaction.is_secret((*path, *below))}
        self._seen[path] = attrs.evolve(value, secrets=value.secrets | named)
        return self._seen[path]

    async def _raw(self, path: Path) -> Expanded:
        node: Any = self.tree
        for depth, part in enumerate(path):
            if path[:depth] in self.places:
                inner = (await self._place(path[:depth])).below(path[depth:])
                if inner is None:
                    raise self._nothing_at(path, {}, depth)
                return inner
            below = look_up(node, (part,))
            if below is MISSING:
                raise self._nothing_at(path, node, depth)
            node = below
        if path in self.places:
            return await self._place(path)
        for place in self._inside.get(path, ()):
            await self._place(place)
        return Expanded.collected(path, fill(node, path, self.done, self._inside), self.done, self._inside)

    def _nothing_at(self, path: Path, container: object, depth: int) -> NothingThereError:
        hint = near(str(path[depth]), map(str, container) if isinstance(container, Mapping) else ())
        if not hint and self.redaction.schema.has(path):
            hint = "a default in code is not seen here, so set it"
        remedy = f"; {hint}" if hint else ""
        name = dotted(path)
        return NothingThereError(f"nothing is at {name}{remedy}; ${{{name}:-...}} gives a default")

    def _is_remote(self, place: Path) -> bool:
        # By the origin's name: an item that was combined into another layer's list keeps its own origin.
        remote = {layer.name for layer in self.layers if layer.remote}
        origin = origin_of(self.layers, place) if remote else None
        return origin is not None and origin.layer in remote

    async def _ask(self, scheme: str, argument: str, place: Path) -> Expanded:
        resolver = self.resolvers.get(scheme)
        if resolver is None:
            known = ", ".join(sorted(self.resolvers)) or "no resolver"
            hint = near(scheme, self.resolvers)
            raise Unresolvable(f"nothing resolves '{scheme}:'{f'; {hint}' if hint else f'; there is {known}'}")
        context = ResolveContext(
            kernel=self.kernel,
            path=place,
            locate=lambda: origin_of(self.layers, place),
            remote=lambda: self._is_remote(place),
            watch=lambda file: self.watched.append((place, file)),
        )
        outcome = await foreign(_absence(resolver, argument, context))
        if isinstance(outcome.value, NothingThereError):
            raise outcome.value
        if outcome.value is None:
            raise Unresolvable(outcome.error or "the reference was not resolved: its resolver gave nothing")
        return _expanded(outcome.value, argument)

    def _circle(self, place: Path) -> str:
        circle = (*self._stack[self._stack.index(place) :], place)
        places = (f"{origin_of(self.layers, one)} ({dotted(one)})" for one in circle)
        return f"these references lead in a circle: {' -> '.join(places)}"


async def _absence(resolver: Resolver, argument: str, context: ResolveContext) -> Resolved | NothingThereError:
    try:
        return await resolver.resolve(argument, context)
    except NothingThereError as exc:
        return exc


def _expanded(resolved: Resolved, argument: str) -> Expanded:
    value = Text(resolved.value) if resolved.text and isinstance(resolved.value, str) else resolved.value
    if not resolved.secret and not _is_called_secret(argument):
        return Expanded(value)
    return Expanded(value, frozenset(path for path, _ in scalars(value)))


def _is_called_secret(argument: str) -> bool:
    """Tell whether a file or variable is called a password: it is one then. This only ever adds to what is masked."""
    return sounds_secret(re.split(r"[/\\]", argument)[-1].partition(".")[0].replace("-", "_"))
