"""`Upkeep`: what a service does for its key ring while it runs: follow the file, and replace keys when their time has come."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import anyio

from trivet import KeyRingError, KeyState
from trivet_plugins.security.keys import lifecycle
from trivet_plugins.security.keys.lock import RingBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet_plugins.security.keys.document import KeyDocument
    from trivet_plugins.security.keys.ring import KeyFile
    from trivet_plugins.security.private_file import Stamp


class Upkeep:
    """Looks after a ring. Of the processes that share a file, the one that gets its lock makes a new key; the rest follow.

    Args:
        ring: The ring.
        automatic: Replace keys; else say when one is due.
        warn: Is told what wants a look.
    """

    def __init__(self, ring: KeyFile, *, automatic: bool, warn: Callable[[str], None]) -> None:
        self._ring = ring
        self._automatic = automatic
        self._warn = warn
        self._warned = ""
        self._failed: Stamp | None = None
        self._primary: int | None = None
        self.trouble: str | None = None
        """Why the file as it is now cannot be read; None where it can."""

    async def begin(self) -> None:
        """Read the file if there is one: a passphrase takes its time here and not when a value is opened.

        What is wrong with it is said when a key is needed: a service without sealed values needs none.
        """
        stamp = self._ring.file.stamp()
        if stamp is None:
            return
        try:
            await self._ring.refresh()
        except KeyRingError as exc:
            self._failed, self.trouble = stamp, str(exc)
        else:
            self._note_turn()
            self._note_overdue()

    async def run(self, interval: float) -> None:
        """Look again and again.

        Args:
            interval: Seconds in between.
        """
        while True:
            await anyio.sleep(interval)
            await self.look()

    async def look(self) -> None:
        """Do what is due now."""
        if await self._follow():
            self._note_turn()
            if self._automatic:
                await self._maintain()
            self._note_overdue()
            with contextlib.suppress(KeyRingError):  # busy, or read only: the message that needs the block says so
                await self._ring.reserve_ahead()

    async def _follow(self) -> bool:
        """Read the file if it has changed; tell whether there are keys."""
        loaded, stamp = self._ring.loaded, self._ring.file.stamp()
        if stamp is not None and stamp != self._failed and (loaded is None or stamp != loaded.stamp):
            try:
                await self._ring.refresh()
            except KeyRingError as exc:
                self._failed = stamp
                self.trouble = f"{exc}; what was read before stays in force" if loaded is not None else str(exc)
                self._say(self.trouble)
            else:
                self.trouble = None
        return self._ring.loaded is not None

    def _note_turn(self) -> None:
        """Record that another key seals now: its time has come, or another process has changed it. Once in each process."""
        primary = self._ring.primary().id
        if self._primary not in (None, primary):
            with self._ring.operation("activate_key") as operation:
                operation.key_id = primary
        self._primary = primary

    def _limit(self) -> int | None:
        return self._ring.ciphers.max_messages(self._ring.primary().suite)

    def _note_overdue(self) -> None:
        if self._automatic:
            return
        ring = self._ring
        reason = lifecycle.overdue(ring.document(), ring.now(), ring.policy, self._limit())
        if reason is None:
            self._warned = ""
        else:
            self._say(
                f"{ring.place}: the primary key wants a successor, {reason}: trivet keys rotate, "
                "or plugins.key_file.automatic = true"
            )

    def _say(self, text: str) -> None:
        if text != self._warned:
            self._warned = text
            self._warn(text)

    def _maintained(self, document: KeyDocument) -> KeyDocument:
        return lifecycle.maintained(document, self._ring.now(), self._ring.policy, self._limit())

    async def _maintain(self) -> None:
        """Write what the dates have changed, and make a successor in time."""
        ring, before = self._ring, self._ring.document()
        stored = ring.loaded.document if ring.loaded is not None else before
        if self._maintained(before) is stored:
            return
        known = {one.id for one in before.keys}
        try:
            after = await ring.change(self._maintained, seconds=0)
        except RingBusyError:
            return  # another process is at it
        except KeyRingError as exc:
            self._say(str(exc))
            with ring.operation("rotate_key") as operation:
                operation.fail("key_ring_error")
            return
        for key in after.keys:
            if key.id not in known and key.state is not KeyState.DESTROYED:
                with ring.operation("rotate_key") as operation:
                    operation.key_id = key.id
        self._note_turn()
