"""`Participants`: those who prepare for a reload, may veto it, and commit or roll back together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from trivet.config.contracts import ReloadParticipant
from trivet.config.isolation import Outcome, foreign
from trivet.config.refusal import Refusal
from trivet.config.snapshot import Snapshot

PARTICIPANT_SECONDS = 5.0
"""How long each step of one participant may take."""


class Participants:
    """The participants of one kernel's reloads, in the order in which they came.

    Args:
        warn: Takes one line per failure that stops nobody.
    """

    def __init__(self, warn: Callable[[Sequence[str]], None]) -> None:
        self._warn = warn
        self._all: dict[object, tuple[str, ReloadParticipant]] = {}
        self._prepared: list[tuple[str, ReloadParticipant]] = []

    def add(self, name: str, participant: ReloadParticipant) -> object:
        """Let one more take part; returns the key to take it out with."""
        key = object()
        self._all[key] = (name, participant)
        return key

    def remove(self, key: object) -> None:
        """Take one out."""
        self._all.pop(key, None)

    async def prepare(self, old: Snapshot, new: Snapshot) -> Refusal | None:
        """Let all prepare, one after the other, those too who join meanwhile; if one refuses, roll back.

        Returns:
            None: all wait for `commit`. Else who refused and why.
        """
        refusal: Refusal | None = None
        is_ready = False
        try:
            refusal = await self._ask(old, new)
            is_ready = refusal is None
        finally:  # cancelled, too: those who prepared must not wait for ever
            if not is_ready:
                self._prepared.reverse()
                await self._finish("roll back", lambda one: one.rollback())
        return refusal

    async def _ask(self, old: Snapshot, new: Snapshot) -> Refusal | None:
        self._prepared = []
        asked: set[object] = set()
        while (key := next((one for one in self._all if one not in asked), None)) is not None:
            asked.add(key)
            name, participant = self._all[key]
            self._prepared.append((name, participant))
            outcome = await _within_limit(participant.prepare(old, new))
            if outcome.error is not None:
                self._prepared.pop()
                return Refusal(name, outcome.error, outcome.path)
        return None

    async def commit(self) -> None:
        """Let all that prepared commit; the new configuration is in force, so a failure is told and stops nobody."""
        await self._finish("commit", lambda one: one.commit())

    async def _finish(self, step: str, call: Callable[[ReloadParticipant], Awaitable[None]]) -> None:
        failures: list[str] = []
        prepared, self._prepared = self._prepared, []
        with anyio.CancelScope(shield=True):  # whoever prepared hears the end of it, whatever happens to the caller
            for name, participant in prepared:
                outcome = await _within_limit(call(participant))
                if outcome.error is not None:
                    failures.append(f"{name} failed to {step} a reload: {outcome.error}")
        self._warn(failures)


async def _within_limit(call: Awaitable[None]) -> Outcome[None]:
    with anyio.move_on_after(PARTICIPANT_SECONDS):
        return await foreign(call)
    return Outcome(error=f"no answer within {PARTICIPANT_SECONDS:g} s")
