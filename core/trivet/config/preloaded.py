"""`Preloaded`: what the local sources say, before the first snapshot: it tells which plugins run, and with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs

from trivet.config.candidate import Parts, structure_one
from trivet.config.loading import Loaded
from trivet.config.origin import Path, inside
from trivet.config.problem import Problem
from trivet.config.provenance import origin_of
from trivet.config.redaction import Redaction, secret_places
from trivet.config.reference import parse
from trivet.config.resolution import references, resolve
from trivet.config.schema import Schema, section_path
from trivet.config.tree import MISSING, Text, look_up, replace
from trivet.errors import ConfigError

T = TypeVar("T")


@attrs.frozen(eq=False)
class Preloaded:
    """Layers that are merged but not validated: not all sections are known yet.

    Args:
        loaded: The layers.
        tree: What they merge to, with what is resolved so far.
        done: The sections that are resolved.
    """

    loaded: Loaded
    tree: Mapping[str, Any] = attrs.field(repr=False)
    done: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, loaded: Loaded) -> Preloaded:
        """Merge layers."""
        return cls(loaded, loaded.merged())

    async def resolved(self, sections: Iterable[str], parts: Parts) -> Preloaded:
        """Resolve what some sections refer to: the settings of a remote source may be sealed.

        Raises:
            ConfigError: if a reference in them does not resolve.
        """
        wanted = frozenset(path for path in map(section_path, sections) if look_up(self.tree, path) is not MISSING)
        if not wanted:
            return self
        layers = self.loaded.layers
        redaction = Redaction(Schema({}), secret_places(layers, frozenset()))
        resolution = await resolve(self.tree, layers, resolvers=parts.resolvers, kernel=parts.name, redaction=redaction)
        if problems := [one for one in resolution.problems if inside(one.path, wanted)]:
            raise ConfigError((*self.loaded.problems, *problems))
        tree = self.tree
        for path in wanted:
            tree = replace(tree, path, look_up(resolution.tree, path))
        return Preloaded(self.loaded, tree, self.done | wanted)

    def structure(self, section: str, cls: type[T], parts: Parts) -> T:
        """Structure one section.

        Raises:
            ConfigError: if it does not fit, or refers to something: what this section is for must run before references resolve.
        """
        path, layers = section_path(section), self.loaded.layers
        tree = self.tree if path in self.done else self._literal(path)
        return structure_one(parts, path, cls, layers=layers, tree=tree)

    def _literal(self, section: Path) -> Mapping[str, Any]:
        tree, problems = self.tree, list[Problem]()
        for place, text in references({"": look_up(tree, section)}, set()).items():
            path = (*section, *place[1:])
            if "${" not in text:
                continue
            try:
                template = parse(text)
            except ValueError:
                template = (text,)  # said with its reason when everything is resolved
            if all(isinstance(part, str) for part in template):
                tree = replace(tree, path, (Text if type(text) is Text else str)("".join(map(str, template))))
                continue
            problems.append(Problem(_TOO_EARLY, origin_of(self.loaded.layers, path), path))
        if problems:
            raise ConfigError(problems)
        return tree


_TOO_EARLY = "this plugin starts before references are resolved: give it the value itself, for example by a variable"
