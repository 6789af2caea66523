"""`FlapDetector`: finds alerts that come and go all the time, by Nagios's measure.

Source: https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/flapping.html
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trivet_plugins.alerts.notifications.settings import Flapping

ROUNDS: Final = 21
_WEIGHTS: Final = tuple(0.8 + 0.4 * place / (ROUNDS - 2) for place in range(ROUNDS - 1))
"""Of the changes, from the oldest to the newest."""


def change_share(states: Iterable[bool]) -> float:
    """Return the weighted share of changes among the last 21 states, of 0 to 1; what lies before the first is no change."""
    last = list(states)[-ROUNDS:]
    changes = [one is not other for one, other in pairwise(last)]
    weights = _WEIGHTS[len(_WEIGHTS) - len(changes) :]
    return sum(weight for weight, changed in zip(weights, changes, strict=True) if changed) / (ROUNDS - 1)


class FlapDetector:
    """Looks at alerts round by round. An alert that has rested for 21 rounds is forgotten.

    Args:
        settings: Its thresholds.
    """

    def __init__(self, settings: Flapping) -> None:
        self._settings = settings
        self._states: dict[str, deque[bool]] = {}
        self.flapping: set[str] = set()

    def observe(self, firing: set[str]) -> None:
        """Take in one round.

        Args:
            firing: Fingerprints of all alerts that fire.
        """
        if not self._settings.enabled:
            return
        for one in firing - self._states.keys():
            self._states[one] = deque((False,), maxlen=ROUNDS)
        for one, states in [*self._states.items()]:
            states.append(one in firing)
            share = change_share(states)
            if share >= self._settings.start:
                self.flapping.add(one)
            elif share < self._settings.stop:
                self.flapping.discard(one)
            if len(states) == ROUNDS and not any(states):
                del self._states[one]
                self.flapping.discard(one)

    def dump(self) -> dict[str, object]:
        """Return what is known, for JSON."""
        states = {one: "".join("01"[state] for state in all_states) for one, all_states in self._states.items()}
        return {"states": states, "flapping": sorted(self.flapping)}

    def load(self, states: Mapping[str, str], flapping: Iterable[str]) -> None:
        """Take up what `dump` gave."""
        self._states = {one: deque((state == "1" for state in text), maxlen=ROUNDS) for one, text in states.items()}
        self.flapping = {one for one in flapping if one in self._states}
