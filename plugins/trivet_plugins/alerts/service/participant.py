"""`RuleReload`: rule files in the transaction of a reload: a bad one is a veto, with its place."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import anyio.to_thread

from trivet import Veto
from trivet_plugins.alerts.rules.problem import ProblemsError
from trivet_plugins.alerts.service.rule_set import RuleSet

if TYPE_CHECKING:
    from trivet import Live, Snapshot
    from trivet_plugins.alerts.service.config import AlertsConfig
    from trivet_plugins.alerts.service.running import Runner


class RuleReload:
    """Takes part in reloads.

    Args:
        runner: What evaluates.
        live: The section.
    """

    def __init__(self, runner: Runner, live: Live[AlertsConfig]) -> None:
        self._runner = runner
        self._live = live
        self._ready: tuple[RuleSet, AlertsConfig] | None = None

    async def prepare(self, old: Snapshot, new: Snapshot) -> None:
        """Read the files that the new configuration names."""
        self._ready = None
        config = new.of(self._live)
        try:
            rules = await anyio.to_thread.run_sync(
                functools.partial(RuleSet.load, config.rule_files, external_url=config.external_url)
            )
        except ProblemsError as exc:
            raise Veto(str(exc), path="plugins.alerts.rule_files") from None
        if rules.stamp != self._runner.alerts.rules.stamp or new.of(self._live) is not old.of(self._live):
            self._ready = rules, config

    async def commit(self) -> None:
        """Put them in force."""
        if self._ready is not None:
            rules, config = self._ready
            await self._runner.put_in_force(rules, config)

    async def rollback(self) -> None:
        """Forget them."""
        self._ready = None
