"""`Overridden`: values that are overridden for the length of a block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio

from trivet.errors import ConfigError, KernelStateError

if TYPE_CHECKING:
    from trivet.config.override import Override, Overrides
    from trivet.config.steering import Steering


class Overridden:
    """The block. Made by `Steering.overridden`; good for one use.

    Args:
        config: Whose values.
        overrides: Its overrides.
        values: What to set.
        actor: Who sets it.
    """

    def __init__(self, config: Steering, overrides: Overrides, values: Mapping[str, object], actor: str) -> None:
        self._config = config
        self._overrides = overrides
        self._values = values
        self._actor = actor
        self._made: Override | None = None

    async def __aenter__(self) -> Override:
        self._made = await self._config.override(self._values, actor=self._actor)
        return self._made

    async def __aexit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if self._made is None:
            return
        with anyio.CancelScope(shield=True):  # what follows the block must not find its values; each step has a limit
            outcome = await self._config.remove_override(self._made, actor=self._actor)
            if not outcome.applied and kind is None:
                raise ConfigError(outcome.problems)

    def __enter__(self) -> Override:
        if self._config.generation:
            raise KernelStateError("the configuration is loaded already: write 'async with' where the kernel runs")
        self._made = self._overrides.make(self._values, actor=self._actor, reason="", seconds=None)
        return self._made

    def __exit__(self, *details: object) -> None:
        if self._made is not None and self._overrides.get(self._made.id) is not None:
            self._overrides.remove(self._made.id)
