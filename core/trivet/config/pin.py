"""`Pin`: what holds a generation in force against reloads."""

from __future__ import annotations

import time

import attrs


@attrs.frozen(kw_only=True)
class Pin:
    """A generation that stays until it is unpinned.

    Args:
        generation: The one that was pinned; overrides may have led to others since.
        actor: Who pinned it.
        since: Seconds since the epoch.
        held: How many reloads were asked for since, and not done.
        last: Why the last of them was asked for; empty where none was.
    """

    generation: int
    actor: str
    since: float = attrs.field(factory=time.time)
    held: int = 0
    last: str = ""

    def __str__(self) -> str:
        return f"generation {self.generation} is pinned by {self.actor} since {moment(self.since)}"


def moment(seconds: float) -> str:
    """Write seconds since the epoch as a time of day that reads the same everywhere: ``2026-03-01T12:30:00Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
