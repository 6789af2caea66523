"""The JSON forms of what the pages under ``/config`` tell of generations and of steering. No secret is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trivet import Outcome, Snapshot
    from trivet.config.override import Override
    from trivet.config.pin import Pin
    from trivet.config.row import Row


def snapshot_row(snapshot: Snapshot) -> Row:
    """Return when, why and by whom a snapshot was made, and which paths it changed."""
    names = ("generation", "created", "reason", "actor", "fingerprint")
    return {**{name: getattr(snapshot, name) for name in names}, "changed": list(snapshot.changed)}


def pin_row(pin: Pin | None) -> Row | None:
    """Return what holds back reloads."""
    if pin is None:
        return None
    return {name: getattr(pin, name) for name in ("generation", "actor", "since", "held", "last")}


def override_row(override: Override) -> Row:
    """Return who set which paths, and for how long; not to which values."""
    names = ("id", "actor", "reason", "until")
    return {**{name: getattr(override, name) for name in names}, "paths": list(override.paths)}


def outcome_row(outcome: Outcome) -> Row:
    """Return how an order ended."""
    problems = [str(problem) for problem in outcome.problems]
    return {
        "applied": outcome.applied,
        "generation": outcome.generation,
        "changed": list(outcome.changed),
        "problems": problems,
    }
