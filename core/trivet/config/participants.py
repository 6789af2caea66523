"""`Participants`: those who prepare for a reload, may veto it, and commit or roll back together."""

from __future__ import annotations

from collections.abc import Awaitable

import anyio

from trivet.config.contracts import ReloadParticipant
from trivet.config.isolation import foreign
from trivet.config.snapshot import Snapshot

PARTICIPANT_SECONDS = 5.0
"""How long each step of one participant may take."""


class Participants:
    """The participants of one kernel's reloads, in the order in which they came."""

    def __init__(self) -> None:
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

    async def prepare(self, old: Snapshot, new: Snapshot) -> str | None:
        """Let all prepare, one after the other, until one refuses.

        Returns:
            None, or who refused and why; those already prepared still wait for `rollback`.
        """
        self._prepared = []
        for name, participant in [*self._all.values()]:
            self._prepared.append((name, participant))
            refusal = await _within_limit(participant.prepare(old, new))
            if refusal is not None:
                self._prepared.pop()
                return f"{name} refused the reload: {refusal}"
        return None

    async def commit(self) -> list[str]:
        """Let all that prepared commit; the new configuration is in force, so a failure is told and stops nobody.

        Returns:
            One line per failure.
        """
        return await self._finish("commit")

    async def rollback(self) -> list[str]:
        """Let all that prepared roll back, the last first.

        Returns:
            One line per failure.
        """
        self._prepared.reverse()
        return await self._finish("rollback")

    async def _finish(self, step: str) -> list[str]:
        failures: list[str] = []
        prepared, self._prepared = self._prepared, []
        with anyio.CancelScope(shield=True):  # whoever prepared hears the end of it, whatever happens to the caller
            for name, participant in prepared:
                call = participant.commit() if step == "commit" else participant.rollback()
                failure = await _within_limit(call)
                if failure is not None:
                    failures.append(f"{name} failed to {step.replace('rollback', 'roll back')} a reload: {failure}")
        return failures


async def _within_limit(call: Awaitable[None]) -> str | None:
    with anyio.move_on_after(PARTICIPANT_SECONDS):
        return (await foreign(call)).error
    return f"no answer within {PARTICIPANT_SECONDS:g} s"
