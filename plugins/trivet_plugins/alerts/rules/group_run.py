"""`GroupRun`: a group that is evaluated round by round. It knows no clock and no kernel: times and storages are handed in."""

from __future__ import annotations

import hashlib
import urllib.parse
from typing import TYPE_CHECKING, TypeAlias

import attrs

from trivet.metrics.history import STALE
from trivet_plugins.alerts.promql.labels import METRIC_NAME, Labels, value_of
from trivet_plugins.alerts.promql.memory_storage import SampleOrderError
from trivet_plugins.alerts.rules.alerting_run import AlertingRun
from trivet_plugins.alerts.rules.recording_run import RecordingRun
from trivet_plugins.alerts.rules.rule import AlertingRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
    from trivet_plugins.alerts.rules.alert import Alert
    from trivet_plugins.alerts.rules.rule import Group
    from trivet_plugins.alerts.rules.rule_run import Round

Run: TypeAlias = AlertingRun | RecordingRun


@attrs.frozen
class Change:
    """An alert went from one state to another.

    Args:
        before: ``inactive``, ``pending`` or ``firing``.
        alert: As it is now; ``inactive`` is ``resolved`` there, also where it never fired.
    """

    before: str
    alert: Alert


class GroupRun:
    """Evaluates a group.

    Args:
        group: As its file says it.
        generator: An address of its alerts' queries, with ``{}`` for the query in it; may be empty.
    """

    def __init__(self, group: Group, *, generator: str = "") -> None:
        self.group = group
        self.runs: tuple[Run, ...] = tuple(
            AlertingRun(rule) if isinstance(rule, AlertingRule) else RecordingRun(rule) for rule in group.rules
        )
        self.failures = 0
        self._generator = generator

    @property
    def identity(self) -> str:
        """What the group is known by from one start to the next."""
        return f"{self.group.file};{self.group.name}"

    def offset(self, interval: int) -> int:
        """Return when in its interval the group is evaluated, in milliseconds: always the same, and others at other times."""
        digest = hashlib.blake2b(self.identity.encode(errors="surrogateescape"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % interval

    def evaluate(self, now: Round, recorded: MemoryStorage) -> list[Change]:
        """Evaluate every rule, one after the other: each sees what those before it have recorded.

        Args:
            now: The round. Its limit is the group's.
            recorded: Where the series of the rules go; the storage of the round has it in it.

        Returns:
            What has become of alerts.
        """
        changes: list[Change] = []
        for run in self.runs:
            before = self._states(run)
            series = run.evaluate(attrs.evolve(now, limit=self.group.limit))
            if series is None:
                self.failures += 1
            else:
                gone = dict.fromkeys(run.vanished(series), STALE)
                self._record({**series, **gone}, now, recorded)
            changes += self._changes(before, run)
        return changes

    def retire(self, now: Round, recorded: MemoryStorage) -> None:
        """Mark all series of the group as absent: it is not evaluated any more."""
        for run in self.runs:
            gone = dict.fromkeys(run.vanished({}), STALE)
            self._record(gone, now, recorded)

    def alerts(self) -> Iterator[tuple[AlertingRun, Alert]]:
        """Yield all alerts that are pending, fire or were resolved of late, each with its rule."""
        for run in self.runs:
            if isinstance(run, AlertingRun):
                generator = self._address(run)
                for alert in run.active.values():
                    yield run, alert.told(generator)

    def _record(self, series: dict[Labels, float], now: Round, recorded: MemoryStorage) -> None:
        for labels, value in series.items():
            try:
                recorded.add(labels, now.queried_at, value)
            except SampleOrderError:
                # Two rules make the same series, or the clock stood still: the first sample of a time is the one.
                continue
        for name in {value_of(labels, METRIC_NAME) for labels in series}:
            now.cache.invalidate(name)

    def _states(self, run: Run) -> dict[Labels, str]:
        if not isinstance(run, AlertingRun):
            return {}
        return {labels: alert.state for labels, alert in run.active.items()}

    def _changes(self, before: dict[Labels, str], run: Run) -> Iterator[Change]:
        if not isinstance(run, AlertingRun):
            return
        generator = self._address(run)
        for labels, alert in run.active.items():
            was = before.get(labels, "inactive")
            if was != alert.state:
                yield Change(was, alert.told(generator))

    def _address(self, run: AlertingRun) -> str:
        return self._generator.replace("{}", urllib.parse.quote_plus(run.rule.expr.text))
