"""`Snapshot`: one whole configuration, merged and validated, that never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import attrs

from trivet.config.layer import Layer
from trivet.config.live import Live
from trivet.config.origin import Path
from trivet.errors import ConfigNotLoadedError

T = TypeVar("T")


@attrs.frozen(eq=False, kw_only=True)
class Snapshot:
    """One configuration.

    Args:
        generation: 1 for the first one of a kernel, then counting up.
        tree: All values, merged and resolved, secrets in the clear: for code, never for eyes.
        sections: The typed value of every bound section, by dotted path.
        layers: What it was merged from, weakest first.
        secrets: Paths whose values are secrets because of how they came in (sealed, or from a secret layer).
        fingerprint: SHA-256 of the canonical form, in hex; secrets go in as a hash only.
        created: Seconds since the epoch.
        reason: Why it was made, e.g. ``start``, ``file changed: config/base.toml``, ``rollback to 3 by alice``.
        actor: Who asked for it; None where nobody did.
        changed: Dotted paths whose values are not those of the generation before; empty for the first one.
    """

    generation: int
    tree: Mapping[str, Any] = attrs.field(repr=False)
    sections: Mapping[str, object] = attrs.field(repr=False)
    layers: tuple[Layer, ...] = attrs.field(repr=False)
    secrets: frozenset[Path] = attrs.field(repr=False)
    fingerprint: str
    created: float
    reason: str
    actor: str | None = None
    changed: tuple[str, ...] = ()

    @property
    def paths(self) -> set[tuple[str, ...]]:
        """The paths of the sections."""
        return {tuple(name.split(".")) for name in self.sections}

    def of(self, live: Live[T]) -> T:
        """Return the section of a handle in this snapshot: all sections taken from one snapshot belong together.

        Raises:
            ConfigNotLoadedError: if the section was bound after this snapshot was made.
        """
        if live.section not in self.sections:
            raise ConfigNotLoadedError(
                f"section {live.section!r} was bound after generation {self.generation} was made"
            )
        return cast("T", self.sections[live.section])
