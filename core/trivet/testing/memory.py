"""`memory_config`: configuration that a test writes down where it needs it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from trivet.config.layer import COMMAND_LINE, OVERRIDE, Layer
from trivet.config.origin import Origin
from trivet.hookspecs import hookimpl
from trivet.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet.composition import Composition
    from trivet.config.contracts import ConfigSource, LoadContext
    from trivet.config.origin import Path

PRIORITY: Final = (COMMAND_LINE + OVERRIDE) // 2
"""Above all that a process is started with, below a runtime override."""


class MemoryConfig:
    """A plugin with one config source, which holds its values in memory. Made by `memory_config`.

    Args:
        data: The values. Assign new ones and reload to change the configuration of a running kernel.
        name: Of the plugin, of its provider and of its layer.
    """

    def __init__(self, data: Mapping[str, object], name: str) -> None:
        self.trivet_name: Final = name
        self.data = data

    async def load(self, context: LoadContext) -> list[Layer]:  # noqa: ARG002 - the contract of sources
        """Return the values as they are now, as one layer."""
        # A copy: a test that changes its mapping must not change the snapshot that holds the layer.
        values = copy.deepcopy(dict(self.data))
        return [Layer(name=self.trivet_name, priority=PRIORITY, data=values, locate=self._locate)]

    def _locate(self, _path: Path) -> Origin:
        return Origin(layer=self.trivet_name, source=self.trivet_name)

    @hookimpl
    def register_config_sources(self, composition: Composition) -> list[Provider[ConfigSource]]:  # noqa: ARG002 - a hook
        """Offer itself."""
        return [Provider(name=self.trivet_name, factory=lambda: self)]


def memory_config(data: Mapping[str, object], *, name: str = "memory_config") -> MemoryConfig:
    """Make a plugin that gives a kernel this configuration.

    It wins over files, environment and ``--set``.

    Args:
        data: Nested mappings, lists and scalars, strictly typed as in a file.
        name: Lower_snake; two in one kernel need two names.

    Example:
        ``Kernel("orders", plugins=[memory_config({"database": {"pool_size": 5}})])``
    """
    return MemoryConfig(data, name)
