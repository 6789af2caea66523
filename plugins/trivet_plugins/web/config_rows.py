"""The JSON forms of what the pages under ``/config`` tell: snapshots, differences, explanations. No secret is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet.config.origin import dotted

if TYPE_CHECKING:
    from trivet import Explanation, Origin, Outcome, Snapshot
    from trivet.config.leaf import Difference, Leaf
    from trivet.config.override import Override
    from trivet.config.pin import Pin

Row = dict[str, object]


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


def explanation_row(found: Explanation) -> Row:
    """Return a value, where it comes from, and the places that set it in vain."""
    shadowed = [{**(_origin_row(one.origin) or {}), "value": one.value} for one in found.shadowed]
    return {
        "path": found.path,
        "value": found.value,
        "reference": found.reference,
        "origin": _origin_row(found.origin),
        "shadowed": shadowed,
    }


def difference_row(difference: Difference) -> Row:
    """Return a path, and what each side has there."""
    before, after = _leaf_row(difference.before), _leaf_row(difference.after)
    return {"path": dotted(difference.path), "before": before, "after": after}


def _leaf_row(leaf: Leaf | None) -> Row | None:
    return None if leaf is None else {"value": leaf.value, "origin": _origin_row(leaf.origin)}


def _origin_row(origin: Origin | None) -> Row | None:
    if origin is None:
        return None
    return {name: getattr(origin, name) for name in ("layer", "source", "line", "column")}
