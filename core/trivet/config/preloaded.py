"""`Preloaded`: what the local sources say, before the first snapshot: it tells which plugins run, and with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs

from trivet.config.candidate import Parts, structure_one
from trivet.config.loading import Loaded
from trivet.config.resolution import inside, resolve
from trivet.config.schema import section_path
from trivet.config.tree import MISSING, look_up, replace
from trivet.errors import ConfigError

T = TypeVar("T")


@attrs.frozen(eq=False)
class Preloaded:
    """Layers that are merged but not validated: not all sections are known yet.

    Args:
        loaded: The layers.
        tree: What they merge to, with what is resolved so far.
    """

    loaded: Loaded
    tree: Mapping[str, Any] = attrs.field(repr=False)

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
        resolution = await resolve(self.tree, layers, resolvers=parts.resolvers, kernel=parts.name)
        if problems := [one for one in resolution.problems if inside(one.path, wanted)]:
            raise ConfigError((*self.loaded.problems, *problems))
        tree = self.tree
        for path in wanted:
            tree = replace(tree, path, look_up(resolution.tree, path))
        return Preloaded(self.loaded, tree)

    def structure(self, section: str, cls: type[T], parts: Parts) -> T:
        """Structure one section.

        Raises:
            ConfigError: if it does not fit.
        """
        return structure_one(parts, section_path(section), cls, layers=self.loaded.layers, tree=self.tree)
