"""`Steering`: how `trivet.config.registry.Config` is steered while the service runs: reload, override, roll back, pin.

All of it takes its turn with reloads, and goes the way of a reload: structure and validate everything, prepare, swap, commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from trivet.config.cause import Cause
from trivet.config.pin import Pin
from trivet.config.turns import Outcome, Turns
from trivet.errors import ConfigError, ConfigNotLoadedError
from trivet.events import ConfigPinned

if TYPE_CHECKING:
    from trivet.config.overridden import Overridden
    from trivet.config.override import Override
    from trivet.config.snapshot import Snapshot
    from trivet.config.transaction import Transactions

APPLICATION: Final = "the application"
"""Who acts, where nobody says."""

RETRY_SECONDS = 15.0
"""How long an override whose end was refused stays, before its end is tried again."""


class Steering:
    """The part of ``kernel.config`` that changes what is in force. Call it in the event loop of the kernel."""

    _store: Transactions
    _turns: Turns | None

    @property
    def generation(self) -> int:
        """The generation in force; 0 before the first load."""
        return 0 if self._store.snapshot is None else self._store.snapshot.generation

    async def reload(self, reason: str = "asked for", *, actor: str | None = None) -> Outcome:
        """Load everything anew. Never raises for bad configuration: the old one stays in force and the outcome says why.

        Requests that come while a reload runs share the one after it. While a generation is pinned, nothing is loaded.

        Args:
            reason: For the event, the history and the log, e.g. ``SIGHUP``.
            actor: Who asks, if anyone does.

        Raises:
            ConfigNotLoadedError: before the first load.
        """
        return await self._in_turn().request(Cause(reason, actor))

    # -- the past -------------------------------------------------------------------------------------------------------------

    async def rollback(self, generation: int, *, actor: str = APPLICATION, reason: str = "") -> Outcome:
        """Put the values of an older generation in force, as a new generation, and pin it.

        Nothing is loaded: values, origins and what was resolved are those of that time. Without the pin, the next change of
        any file would bring back what was rolled back; `unpin` loads anew when the sources are mended. All overrides end.
        Never raises for a refusal: the outcome has the problems, and nothing has changed.

        Args:
            generation: One in the history.
            actor: Who asks.
            reason: Why; one line.

        Raises:
            ConfigNotLoadedError: before the first load.
            UnknownGenerationError: if it is not in the history.
            ValueError: if ``actor`` or ``reason`` is not one printable line.
        """
        cause = Cause.by(actor, f"rollback to {generation}", reason)

        async def run() -> Outcome:
            target: Snapshot = self._store.history.of(generation)
            outcome = await self._store.rollback(target, cause)
            if outcome.applied:
                self._store.overrides.forget()
                self._set_pin(Pin(generation=outcome.generation, actor=actor), cause)
            return outcome

        return await self._in_turn().alone(run)

    async def pin(self, *, actor: str = APPLICATION, reason: str = "") -> Pin:
        """Hold the generation in force against reloads until `unpin`. Overrides still come and go. A restart loads anew.

        Args:
            actor: As in `rollback`.
            reason: As in `rollback`.

        Raises:
            ConfigNotLoadedError, ValueError: as in `rollback`.
        """
        cause = Cause.by(actor, "pin", reason)

        async def run() -> Pin:
            pin = Pin(generation=self._store.in_force().generation, actor=actor)
            self._set_pin(pin, cause)
            return pin

        return await self._in_turn().alone(run)

    async def unpin(self, *, actor: str = APPLICATION, reason: str = "") -> Outcome:
        """Let reloads through again, and reload. Does both, too, where nothing is pinned.

        Args:
            actor: Who asks.
            reason: Why; one line.

        Raises:
            ConfigNotLoadedError: before the first load.
            ValueError: if ``actor`` or ``reason`` is not one printable line.
        """
        cause = Cause.by(actor, "unpin", reason)

        async def run() -> Outcome:
            if self._store.pin is not None:
                self._set_pin(None, cause)
            return await self._store.reload(cause)

        return await self._in_turn().alone(run)

    @property
    def pinned(self) -> Pin | None:
        """What holds back reloads; None where they go through."""
        return self._store.pin

    # -- overrides ------------------------------------------------------------------------------------------------------------

    async def override(
        self,
        values: Mapping[str, object],
        *,
        expires_in: float | None = None,
        actor: str = APPLICATION,
        reason: str = "",
    ) -> Override:
        """Set values above all sources, for a while or until they are removed, also while a generation is pinned.

        They are laid over what is in force; nothing is loaded anew. A restart of the process forgets them.

        Args:
            values: By dotted path, typed as in a file: ``{"database.pool_size": 20}``; a list is set as a whole.
            expires_in: Seconds until they end by themselves; None: until `remove_override`.
            actor: Who asks.
            reason: Why; one line.

        Raises:
            ConfigError: if they are refused, with all problems; nothing has changed then.
            ConfigNotLoadedError: before the first load.
            ValueError: if a path, the time, ``actor`` or ``reason`` is not as above.
        """
        cause = Cause.by(actor, "override", reason)
        overrides = self._store.overrides

        async def run() -> Override:
            made = overrides.make(values, actor=actor, reason=reason, seconds=expires_in)
            applied = False
            try:
                outcome = await self._store.overlay(cause)
                applied = outcome.applied
            finally:
                if not applied:
                    overrides.remove(made.id)
            if not outcome.applied:
                raise ConfigError(outcome.problems)
            return made

        return await self._in_turn().alone(run)

    async def remove_override(self, override: Override | int, *, actor: str = APPLICATION, reason: str = "") -> Outcome:
        """End an override now: what it hid is in force again. Does nothing where it has ended already.

        Never raises for a refusal (a participant may veto): the override stays, and the outcome says why.

        Args:
            override: What `override` gave, or its id.
            actor: Who asks.
            reason: Why; one line.

        Raises:
            ConfigNotLoadedError: before the first load.
            ValueError: if ``actor`` or ``reason`` is not one printable line.
        """
        id_ = override if isinstance(override, int) else override.id
        found = self._store.overrides.get(id_)
        return await self._end(id_, Cause.by(actor, f"end of the {found or 'override'}", reason))

    def overrides(self) -> tuple[Override, ...]:
        """Return the overrides that count, the oldest first."""
        return self._store.overrides.active()

    def overridden(self, values: Mapping[str, object], *, actor: str = "a test") -> Overridden:
        """Override values for the length of a block, for tests.

        ``async with kernel.config.overridden({"database.pool_size": 1}):`` while the kernel runs, or
        ``with kernel.config.overridden(...):`` around its whole life.

        Args:
            values: As `override` takes them.
            actor: Stands in the origin of the values.
        """
        from trivet.config.overridden import Overridden

        return Overridden(self, self._store.overrides, values, actor)

    async def expire_overrides(self) -> None:
        """End overrides whose time is over, for ever: the kernel runs this while it runs."""
        while True:
            await self._store.overrides.until_due()
            for one in self._store.overrides.due():
                if not (await self._end(one.id, Cause(f"{one} expired"))).applied:
                    await anyio.sleep(RETRY_SECONDS)

    async def _end(self, id_: int, cause: Cause) -> Outcome:
        return await self._in_turn().alone(partial(self._store.end_override, id_, cause))

    # -- how ------------------------------------------------------------------------------------------------------------------

    def _in_turn(self) -> Turns:
        if self._turns is None:
            raise ConfigNotLoadedError("the configuration is not loaded yet; enter the kernel first")
        return self._turns

    def _set_pin(self, pin: Pin | None, cause: Cause) -> None:
        self._store.pin = pin
        generation, actor = self._store.in_force().generation, cause.actor or APPLICATION
        event = ConfigPinned(generation=generation, pinned=pin is not None, reason=cause.reason, actor=actor)
        self._store.emit(event)
