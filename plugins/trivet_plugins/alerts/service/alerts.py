"""`Alerts`: the running service: rules, what they have found, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.round_cache import RoundCache
from trivet_plugins.alerts.promql.union_storage import UnionStorage
from trivet_plugins.alerts.rules.rule_run import Round
from trivet_plugins.alerts.service.rule_set import RuleSet, stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet_plugins.alerts.notifications.dispatcher import Dispatcher
    from trivet_plugins.alerts.promql.storage import Storage
    from trivet_plugins.alerts.rules.alert import Alert
    from trivet_plugins.alerts.rules.alerting_run import AlertingRun
    from trivet_plugins.alerts.rules.group_run import Change, GroupRun
    from trivet_plugins.alerts.rules.state_file import StateFile
    from trivet_plugins.alerts.service.config import AlertsConfig


class Alerts:
    """Alert rules of a service: ``kernel.service(Alerts)``.

    Args:
        config: Its section, as it was at the start.
        rules: What is in force.
        history: What queries read, besides what rules record.
        dispatcher: Tells receivers.
        state: Where what is pending and firing is kept; None: nowhere.
    """

    def __init__(
        self, config: AlertsConfig, rules: RuleSet, history: Storage, dispatcher: Dispatcher, state: StateFile | None
    ) -> None:
        self.config = config
        self.rules = rules
        self.dispatcher = dispatcher
        self.recorded = MemoryStorage()
        self.storage = UnionStorage(self.recorded, history)
        self.problem = ""
        self._state = state
        self._cache = RoundCache()
        self._next: dict[str, int] = {}

    @property
    def interval(self) -> int:
        """Milliseconds between two rounds: those of the group that is evaluated most often."""
        return min((self.interval_of(group) for group in self.rules.groups), default=self._interval)

    @property
    def _interval(self) -> int:
        return round(self.config.evaluation_interval * 1_000)

    def interval_of(self, group: GroupRun) -> int:
        """Return the milliseconds between two evaluations of a group."""
        return group.group.interval or self._interval

    def alerts(self) -> Iterator[tuple[AlertingRun, Alert]]:
        """Yield the alerts that are pending, fire, or were resolved of late, each with its rule."""
        for group in self.rules.groups:
            yield from group.alerts()

    def restore(self, now: int) -> int:
        """Take up what was pending and firing; returns how many alerts. Works on the disk: call it in a thread."""
        return 0 if self._state is None else self._state.restore(self.rules.groups, now, interval=self._interval)

    def evaluate(self, now: int) -> list[Change]:
        """Evaluate the groups whose time has come, and keep what has become of their alerts. Call it in a thread.

        Args:
            now: Milliseconds since the epoch; later than the last time.

        Raises:
            OSError: if the state cannot be written.
        """
        changes: list[Change] = []
        for group in self.rules.groups:
            if now < self._next.get(group.identity, 0):
                continue
            every = self.interval_of(group)
            self._next[group.identity] = now - now % every + every
            changes += group.evaluate(self._round(now, group), self.recorded)
        self.recorded.forget_before(now - round(self.config.keep * 1_000))
        if self._state is not None:
            self._state.save(self.rules.groups, now)
        return changes

    def replace(self, rules: RuleSet, now: int) -> None:
        """Put other rules in force; those that are the same go on as they were."""
        rules.take_over(self.rules)
        for group in self.rules.groups:
            group.retire(self._round(now, group), self.recorded)
        self.rules = rules

    def changed_on_disk(self) -> bool:
        """Tell whether a rule file is not what it was when it was read. Works on the disk: call it in a thread."""
        return stamp_of(self.config.rule_files) != self.rules.stamp

    def _round(self, now: int, group: GroupRun) -> Round:
        return Round(
            at=now,
            queried_at=now - group.group.query_offset,
            storage=self.storage,
            cache=self._cache,
            external_labels=self.config.external_labels,
            external_url=self.config.external_url,
        )
