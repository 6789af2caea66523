"""The security level: ``standard``, ``high`` or ``paranoid``. It sets the figures of all security plugins at once.

Config (``plugins.security_level``): ``name``, default ``high``. What each level means is the table in
`trivet_plugins.security.levels`; each plugin's section may override its own figures. Example::

    [plugins.security_level]
    name = "paranoid"

It starts before the key ring and what opens sealed values, so it stands in a file, the environment or ``--set`` and not in a
remote source; a change counts from the next start. What the rest of the configuration sets below the level is a `ConfigWarning`
at the start and after each reload that changes it, and a line of ``trivet check``.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import attrs

from trivet import Leveled, Provider, SecurityLevel, UnknownPathError, hookimpl
from trivet.config.attribution import DEFAULT_LAYER
from trivet.events import ConfigReloaded, ConfigWarning, Event
from trivet_plugins.security.levels import DEFAULT, LEVELS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from trivet import Composition, Kernel


@attrs.frozen
class SecurityLevelConfig:
    """The section ``plugins.security_level``."""

    name: Literal["standard", "high", "paranoid"] = DEFAULT


class Shortfalls:
    """Warns of sections that fall below a level: of each shortfall once, until it is gone and comes back.

    Args:
        level: The level.
        kernel: Whose sections.
    """

    def __init__(self, level: SecurityLevel, kernel: Kernel) -> None:
        self._level = level
        self._kernel = kernel
        self._told: frozenset[str] = frozenset()

    def note(self, event: Event) -> None:
        """Look at a new configuration."""
        if isinstance(event, ConfigReloaded):
            found = [*self._find()]
            for message in found:
                if message not in self._told:
                    self._kernel.emit(ConfigWarning(message=message))
            self._told = frozenset(found)

    def _find(self) -> Iterator[str]:
        sections = {one.provider.name: one.provider.config for one in self._kernel.compose().providers.values()}
        for name, cls in sorted(sections.items()):
            settings = cls and self._kernel.config.bind(f"plugins.{name}", cls).current
            if isinstance(settings, Leveled):
                for shortfall in settings.shortfalls(self._level):
                    path = f"plugins.{name}.{shortfall.setting}"
                    yield f"{path}: {shortfall.reason}{self._place(path)}"

    def _place(self, path: str) -> str:
        try:
            origin = self._kernel.config.explain(path).origin
        except UnknownPathError:
            return ""
        return f" (set at {origin})" if origin is not None and origin.layer != DEFAULT_LAYER else ""


@asynccontextmanager
async def level(config: SecurityLevelConfig, kernel: Kernel) -> AsyncIterator[SecurityLevel]:
    """Give the level, and compare each configuration with it."""
    chosen = LEVELS[config.name]
    end = kernel.observe(Shortfalls(chosen, kernel).note)
    try:
        yield chosen
    finally:
        end()


@hookimpl
def register_services(composition: Composition) -> list[Provider[SecurityLevel]]:
    """Offer ``service/security_level``."""
    return [Provider(name="security_level", factory=level, config=SecurityLevelConfig, provides=SecurityLevel)]
