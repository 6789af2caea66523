"""`RingWatch`: how the key ring is, for `/health` and `/metrics`; silent where no key was needed yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from trivet import CheckPlan, KeyState, Status, Verdict
from trivet_plugins.security.keys import lifecycle

if TYPE_CHECKING:
    from trivet import Kernel
    from trivet_plugins.security.keys.ring import KeyFile
    from trivet_plugins.security.keys.upkeep import Upkeep

NAME: Final = "keys"
NEARLY_FULL: Final = 0.8
"""Share of its cipher's limit of messages at which a key is a warning."""


class RingWatch:
    """A health check, and the metrics ``trivet_key_age_seconds``, ``trivet_key_messages`` and ``trivet_key_state``.

    Args:
        ring: The ring.
        upkeep: Knows of a file that could not be read again.
        kernel: Whose health and metrics.
    """

    plan = CheckPlan(groups={"ready"}, interval=5.0, critical=False)

    def __init__(self, ring: KeyFile, upkeep: Upkeep, kernel: Kernel) -> None:
        self._ring = ring
        self._upkeep = upkeep
        self._kernel = kernel
        gauge, by = kernel.metrics.gauge, ("key",)
        self._age = gauge("trivet_key_age_seconds", "Since the key seals, or did begin to.", labels=by)
        self._messages = gauge("trivet_key_messages", "Sealed, or reserved by processes that may seal them.", labels=by)
        states = [str(state) for state in KeyState]
        self._state = kernel.metrics.stateset("trivet_key_state", "What a key does.", states, labels=by)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Be part of health and metrics as long as the block runs."""
        endings = self._kernel.health.add(NAME, self), self._kernel.metrics.before_scrape(self.collect)
        try:
            yield
        finally:
            for end in endings:
                end()

    async def check(self) -> Verdict | None:
        """Warn of a file that cannot be read, a key that wants a successor, and one that is nearly used up."""
        found = [*self._found()]
        return Verdict(Status.WARN, "; ".join(found)) if found else None

    def _found(self) -> Iterator[str]:
        ring = self._ring
        if self._upkeep.trouble is not None:
            yield self._upkeep.trouble
        if ring.loaded is None:
            return
        primary, limit = ring.document().primary(), ring.ciphers.max_messages(ring.primary().suite)
        reason = lifecycle.overdue(ring.document(), ring.now(), ring.policy, limit)
        if reason is not None:
            yield f"the primary key wants a successor, {reason}: trivet keys rotate"
        if limit is not None and primary.messages >= NEARLY_FULL * limit:
            yield f"the primary key has sealed {primary.messages} of {limit} messages: trivet keys rotate --now"

    def collect(self) -> None:
        """Set the metrics; called before a scrape."""
        for family in (self._age, self._messages, self._state):
            family.clear()
        if self._ring.loaded is None:
            return
        for one in self._ring.document().keys:
            key = f"{one.id:016x}"
            self._state.labels(key).set(str(one.state))
            if one.state is not KeyState.DESTROYED:
                self._age.labels(key).set((self._ring.now() - one.activates).total_seconds())
                self._messages.labels(key).set(one.messages)
