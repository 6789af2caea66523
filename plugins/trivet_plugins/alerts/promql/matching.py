"""`Plan`: which elements of two vectors belong together, found out once for their frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import attrs

from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.promql.frame import Frame
from trivet_plugins.alerts.promql.labels import (
    METRIC_NAME,
    Labels,
    dropping,
    keeping,
    label_text,
    labels_of,
    quoted,
)
from trivet_plugins.alerts.promql.operators import ARITHMETIC

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.syntax import Matching

Signature = Callable[[Labels], Labels]


@attrs.frozen(eq=False)
class Plan:
    """How an operator is applied.

    Args:
        left: Places in the left vector, one per pair.
        right: Places in the right vector, as many.
        frame: The result, before any of it is filtered away.
        clashing: Whether pairs have the same labels, which is an error unless a filter leaves one of them at most.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    frame: Frame
    clashing: bool

    def check(self, places: Sequence[int]) -> None:
        """Look whether these pairs may stand beside one another.

        Raises:
            EvaluationError: if two have the same labels.
        """
        if self.clashing and len({self.frame.labels[at] for at in places}) < len(places):
            raise EvaluationError("multiple matches for labels: grouping labels must ensure unique matches")


def plan(op: str, left: Frame, right: Frame, matching: Matching, *, as_bool: bool) -> Plan:
    """Return how an operator, none of sets, is applied to vectors with these series.

    Raises:
        EvaluationError: if several elements match where one may.
    """
    key = ("plan", op in ARITHMETIC, right, matching, as_bool)
    return cast("Plan", left.derived.get(key, lambda: _planned(op, left, right, matching, as_bool=as_bool)))


def signature(matching: Matching) -> Signature:
    """Return what makes of labels those that must be the same on both sides."""
    if matching.on:
        names = frozenset(matching.labels)
        return lambda labels: keeping(labels, names)
    left_out = frozenset((*matching.labels, METRIC_NAME))
    return lambda labels: dropping(labels, left_out)


def _planned(op: str, left: Frame, right: Frame, matching: Matching, *, as_bool: bool) -> Plan:
    # The side that may have several is looked through, the other one is looked up.
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    signed = signature(matching)
    place_of = _unique_places(one, signed, "left" if swapped else "right")
    pairs: list[tuple[int, int]] = []
    seen: set[Labels] = set()
    for at, candidate in enumerate(many.labels):
        key = signed(candidate)
        other = place_of.get(key)
        if other is None:
            continue
        if matching.many is None and key in seen:
            raise EvaluationError(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
        seen.add(key)
        pairs.append((at, other))
    labels = tuple([_result(op, many.labels[at], one.labels[other], matching) for at, other in pairs])
    dropped = bytes([1 if as_bool else many.dropped[at] for at, _ in pairs])
    manys, ones = tuple([at for at, _ in pairs]), tuple([other for _, other in pairs])
    clashing = matching.many is not None and len(set(labels)) < len(labels)
    return Plan(ones if swapped else manys, manys if swapped else ones, Frame(labels, dropped), clashing)


def _unique_places(frame: Frame, signed: Signature, side: str) -> dict[Labels, int]:
    places: dict[Labels, int] = {}
    for at, labels in enumerate(frame.labels):
        key = signed(labels)
        if key in places:
            pair = sorted((_text(frame.labels[places[key]]), _text(labels)))
            raise EvaluationError(
                f"found duplicate series for the match group {_text(key)} on the {side} hand-side of the operation: "
                f"[{', '.join(pair)}];many-to-many matching not allowed: matching labels must be unique on one side"
            )
        places[key] = at
    return places


def _text(labels: Labels) -> str:
    return "{" + ", ".join(f"{label_text(name)}={quoted(value)}" for name, value in labels) + "}"


def _result(op: str, many: Labels, one: Labels, matching: Matching) -> Labels:
    labels = dict(many)
    if op in ARITHMETIC:
        labels.pop(METRIC_NAME, None)
    if matching.many is None:
        if matching.on:
            labels = {name: value for name, value in labels.items() if name in matching.labels}
        else:
            labels = {name: value for name, value in labels.items() if name not in matching.labels}
    taken = dict(one)
    labels.update({name: taken.get(name, "") for name in matching.include})
    return labels_of(labels)


def matched(op: str, left: Frame, right: Frame, matching: Matching) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the places that a set operator leaves of the left and of the right vector."""
    key = ("set", op, right, matching)
    return cast(
        "tuple[tuple[int, ...], tuple[int, ...]]",
        left.derived.get(key, lambda: _matched(op, left, right, matching)),
    )


def _matched(op: str, left: Frame, right: Frame, matching: Matching) -> tuple[tuple[int, ...], tuple[int, ...]]:
    signed = signature(matching)
    if op == "or":
        there = {signed(labels) for labels in left.labels}
        others = tuple([at for at, labels in enumerate(right.labels) if signed(labels) not in there])
        return tuple(range(len(left))), others
    there = {signed(labels) for labels in right.labels}
    wanted = op == "and"
    return tuple([at for at, labels in enumerate(left.labels) if (signed(labels) in there) is wanted]), ()


def joined(left: Frame, right: Frame) -> Frame:
    """Return the series of one frame, and after them those of another."""
    made = left.derived.get(("joined", right), lambda: Frame(left.labels + right.labels, left.dropped + right.dropped))
    return cast("Frame", made)
