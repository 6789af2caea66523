"""`Outbox`: the notifications that wait for one receiver, in order."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trivet_plugins.alerts.receivers.receiver import Notification


@attrs.frozen(kw_only=True)
class Waiting:
    """A notification that waits.

    Args:
        group: The key of its group.
        since: When it was put in, in seconds since the epoch.
        batch: What to deliver.
    """

    group: str
    since: float
    batch: Notification


class Outbox:
    """A queue with a limit that drops nothing: over it, those of one group become one with the newest state of each alert.

    Args:
        limit: Notifications; more only where more groups than that have news.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[Waiting] = []
        self.merged = 0
        """How many have become part of another."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, one: Waiting, *, merge: bool = False) -> None:
        """Put one in at the end.

        Args:
            one: What to deliver.
            merge: Whether to make it one with what waits of its group, whatever the limit.
        """
        self._waiting.append(one)
        if merge or len(self._waiting) > self._limit:
            self._merge(None if not merge else one.group)

    def first(self) -> Waiting | None:
        """Return the next to deliver; it stays until `remove`."""
        return self._waiting[0] if self._waiting else None

    def remove(self, one: Waiting) -> None:
        """Take one out: it is delivered, or never will be. No error where it is not there any more."""
        self._waiting = [other for other in self._waiting if other.batch.id != one.batch.id]

    def oldest(self) -> float | None:
        """Return since when the first one waits; None where none does."""
        return min((one.since for one in self._waiting), default=None)

    def all(self) -> tuple[Waiting, ...]:
        """Return all that wait, in order."""
        return tuple(self._waiting)

    def load(self, waiting: Iterable[Waiting]) -> None:
        """Take up what waited before."""
        self._waiting = [*waiting]

    def _merge(self, group: str | None) -> None:
        kept: dict[str, Waiting] = {}
        for place, one in enumerate(self._waiting):
            key = one.group if group in (None, one.group) else f"{place} {one.group}"
            older = kept.get(key)
            kept[key] = one if older is None else _joined(older, one)
            self.merged += older is not None
        self._waiting = [*kept.values()]


def _joined(older: Waiting, newer: Waiting) -> Waiting:
    alerts = {alert.fingerprint: alert for alert in (*older.batch.alerts, *newer.batch.alerts)}
    batch = attrs.evolve(newer.batch, id=secrets.token_hex(8), alerts=tuple(alerts.values()))
    return attrs.evolve(newer, since=older.since, batch=batch)
