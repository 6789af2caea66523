"""`StateSet`: which of some fixed states hold."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from trivet.errors import MetricError
from trivet.metrics.family import Description, Family
from trivet.metrics.labels import plain_text

if TYPE_CHECKING:
    from trivet.metrics.labels import LabelValues


class StateSetCell:
    """One series of a state set; at its birth no state holds."""

    __slots__ = ("_family", "created", "labels", "text", "value")

    def __init__(self, labels: LabelValues, family: StateSet) -> None:
        self.labels = labels
        self.text = ""
        self.created = time.time()
        self.value: frozenset[str] = frozenset()
        """The states that hold."""
        self._family = family

    def set(self, *states: str) -> None:
        """Let just these states hold: one, several or none.

        Raises:
            MetricError: if one is not among the family's.
        """
        family = self._family
        for state in states:
            if state not in family.states:
                raise MetricError(f"{family.name} has the states {', '.join(family.states)}; got {state!r}")
        self.value = frozenset(states)
        family.watch.touch(self)


class StateSet(Family[StateSetCell]):
    """States, each exposed as 1 or 0 under a label that has the family's name.

    Args:
        description: Its name, help, labels and limit.
        states: All states, in the order of the exposition.
    """

    kind = "stateset"

    def __init__(self, description: Description, *, states: tuple[str, ...]) -> None:
        self.states: Final = states
        super().__init__(description)

    def _cell(self, key: LabelValues) -> StateSetCell:
        return StateSetCell(key, self)

    def definition(self) -> tuple[object, ...]:
        """Return what makes two registrations the same."""
        return (*super().definition(), self.states)

    def set(self, *states: str) -> None:
        """Let just these states hold in a set without labels: see `StateSetCell.set`.

        Raises:
            MetricError: if the set has labels, or a state is not among its states.
        """
        self[()].set(*states)


def check_states(metric: str, states: Iterable[str]) -> tuple[str, ...]:
    """Return the states of a set as texts.

    Raises:
        MetricError: if there is none, or one comes twice.
    """
    given = () if isinstance(states, str) else tuple(plain_text(state) for state in states)
    if not given or len(set(given)) != len(given):
        raise MetricError(f"states of {metric} must be different texts, at least one, got {states!r}")
    return given
