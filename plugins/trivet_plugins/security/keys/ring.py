"""`KeyFile`: the key ring over a key file: what seals, what opens, what counts, and every change of the keys."""

from __future__ import annotations

import datetime as dt
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio.to_thread
import attrs

from trivet import KeyListing, KeyRingError, KeyState
from trivet.ciphers.registry import Ciphers
from trivet_plugins.security.keys import lifecycle
from trivet_plugins.security.keys.counter import MessageCount, Reservation
from trivet_plugins.security.keys.document import KeyDocument
from trivet_plugins.security.keys.entry import RingKey
from trivet_plugins.security.keys.lifecycle import Policy
from trivet_plugins.security.keys.lock import ReadOnlyRingError
from trivet_plugins.security.keys.masters import Masters
from trivet_plugins.security.keys.ring_file import LOCK_SECONDS, Loaded, NotUnlockedError, RingFile, utc_now
from trivet_plugins.security.keys.view import NEVER, RingView

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Sequence

    from trivet import Key, KeyInfo, Operation

POLICY: Final = Policy(suite=2, age=dt.timedelta(days=90), messages=2**32, delay=dt.timedelta(hours=48))
"""For a ring without a kernel: as at level high, with AES-256-GCM."""

_LOOK_AGAIN: Final = 1.0  # seconds between two readings of the file for keys that nobody knows
_RESERVE_SECONDS: Final = 5.0  # in the event loop, where many processes begin to seal at once and the disk is slow


class KeyFile:
    """A `KeyKeeper` and `KeyCounter` over a file.

    The file is read when a key is first needed, and again when it has changed: a service's upkeep looks for that
    (`trivet_plugins.security.keys.upkeep`), and so does the search for a key that is not known, once a second at most. What was
    read last stays in force while the file cannot be read. Members that cannot write the file seal too; what they seal is counted
    by themselves alone.

    Args:
        path: The file; need not exist yet.
        masters: The master keys.
        policy: When keys are replaced.
        ciphers: Record what is done, and know what each cipher allows.
        clock: Says what time it is; UTC, whole seconds.
    """

    def __init__(
        self,
        path: pathlib.Path,
        *,
        masters: Masters | None = None,
        policy: Policy = POLICY,
        ciphers: Ciphers | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.path = path
        self.place = str(path)
        self.policy = policy
        self.ciphers = ciphers or Ciphers("keys")
        self.file = RingFile(path, masters or Masters(), clock)
        self._clock = clock
        self._view: RingView | None = None
        self._count = MessageCount()
        self._looked = -NEVER

    # -- sealing and opening -------------------------------------------------------------------------------------------

    def primary(self) -> Key:
        """Return the key that seals."""
        return self._current().primary

    def find(self, key_id: int) -> Key | None:
        """Return the key of that id, if it may open; an unknown one may stand in a newer version of the file."""
        view = self._current()
        key = view.by_id.get(key_id)
        if key is None and self._may_look(view):
            key = self._look().by_id.get(key_id)
        return key

    def key_ids(self) -> Sequence[int]:
        """Return the ids of all keys that open, the primary first."""
        view = self._current()
        first = view.primary.id
        return [first, *(key_id for key_id in view.by_id if key_id != first)]

    def count(self, key: Key, limit: int) -> None:
        """Count one more message under a key; once per block this writes the file."""
        if not self._count.take(key.id):
            self._reserve(key, limit)
            self._count.take(key.id)

    def operation(self, name: str) -> Operation:
        """Return the block in which something is done to the ring."""
        return self.ciphers.operation(name, self.place)

    def document(self) -> KeyDocument:
        """Return the keys as they are now."""
        return self._current().document

    def now(self) -> dt.datetime:
        """Return the time."""
        return self._clock()

    @property
    def loaded(self) -> Loaded | None:
        """The file as it was last read."""
        return None if self._view is None else self._view.loaded

    def _current(self) -> RingView:
        view = self._view
        if view is None:
            return self.take(self.file.load())
        if time.time() >= view.until:
            view = self._view = RingView.of(view.loaded, self._clock())
        return view

    def _may_look(self, view: RingView) -> bool:
        return self.file.stamp() != view.loaded.stamp and time.monotonic() - self._looked >= _LOOK_AGAIN

    def _look(self) -> RingView:
        self._looked = time.monotonic()
        try:
            return self.accept(self.file.load(at_once=True))
        except NotUnlockedError:  # the upkeep unlocks it in a thread
            return self._current()

    def accept(self, loaded: Loaded) -> RingView:
        """Put a file in force that another process has changed; recorded where its keys are others.

        Raises:
            KeyRingError: if it is older than the one in force.
        """
        if self._view is None or self._view.has_the_keys_of(loaded):
            return self.take(loaded)
        with self.operation("reload_keys") as operation:
            view = self.take(loaded)
            operation.key_id = view.primary.id
        return view

    def take(self, loaded: Loaded) -> RingView:
        """Put a file in force that was read.

        Raises:
            KeyRingError: if it is older than the one in force.
        """
        before = self._view
        if before is not None and loaded.document.generation < before.loaded.document.generation:
            if self.file.stamp() != loaded.stamp:  # it was read in a thread, and has been read again since
                return before
            raise KeyRingError(
                f"{self.path}: generation {loaded.document.generation}, and {before.loaded.document.generation} was seen; "
                "if an older file was put back on purpose, restart the service"
            )
        self._view = view = RingView.of(loaded, self._clock())
        return view

    def _reserve(self, key: Key, limit: int) -> None:
        block = Reservation(self._count, key.id, limit)
        try:
            self.take(self.file.change(block, known=self.loaded, seconds=_RESERVE_SECONDS))
        except ReadOnlyRingError:
            block(self.document())
            self._count.give_uncounted(key.id, block.granted)
        else:
            self._count.give(key.id, block.granted)
        if not block.granted:
            raise KeyRingError(
                f"key {key.id:016x} has sealed as many messages as its cipher allows ({limit}); "
                "take another: trivet keys rotate --now"
            )

    async def reserve_ahead(self) -> None:
        """Take the next block in a thread before the present one is used up: then sealing waits for no disk."""
        key = self.primary()
        limit = self.ciphers.max_messages(key.suite)
        if limit is not None and self._count.is_low(key.id):
            block = Reservation(self._count, key.id, limit)
            await self.change(block, seconds=0)
            self._count.give(key.id, block.granted)

    # -- keeping -------------------------------------------------------------------------------------------------------

    def create(self, *, suite: int) -> Key:
        """Write a new file with one primary key. Of many processes that try at once, one succeeds.

        Args:
            suite: The number of the cipher that the key is for.

        Raises:
            KeyRingError: if the file exists or cannot be written.
        """
        with self.operation("create_keys") as operation:
            key = self.take(self._created(suite)).primary
            operation.key_id = key.id
            return key

    def _created(self, suite: int) -> Loaded:
        now = self._clock()
        key = RingKey.generate(suite, KeyState.PRIMARY, now=now, activates=now, age=self.policy.age)
        try:
            return self.file.create(KeyDocument((key,), 1, self.file.masters.fresh()))
        except FileExistsError:
            raise KeyRingError(
                f"{self.path} exists; the values sealed with its keys would be lost. "
                "Use it as it is, or name another file with --key-file"
            ) from None

    async def create_missing(self) -> None:
        """Make the file where there is none; where another process is faster, use that one's."""
        if self.file.stamp() is None:
            try:
                async with self.operation("create_keys") as operation:
                    loaded = await anyio.to_thread.run_sync(self._created, self.policy.suite)
                    operation.key_id = self.take(loaded).primary.id
            except KeyRingError:
                if self.file.stamp() is None:
                    raise

    async def refresh(self) -> None:
        """Read the file, in a thread, and put it in force."""
        try:
            loaded = await anyio.to_thread.run_sync(self.file.load)
        except KeyRingError:
            async with self.operation("reload_keys"):
                raise
        self.accept(loaded)

    async def listing(self) -> KeyListing:
        """Return all keys, read from the file now."""
        loaded = await anyio.to_thread.run_sync(self.file.load)
        view = self.take(loaded)
        wrap = loaded.document.wrap
        return KeyListing(
            place=self.place,
            generation=loaded.document.generation,
            wrapped_by=None if wrap is None else str(wrap.header),
            writable=await anyio.to_thread.run_sync(self.file.is_writable),
            keys=[one.info() for one in view.document.keys],
        )

    async def rotate(self, *, suite: int | None = None, delay: float | None = None) -> KeyInfo:
        """Make a new key; see `KeyKeeper.rotate`."""
        policy = self.policy if suite is None else attrs.evolve(self.policy, suite=suite)
        pause = policy.delay if delay is None else dt.timedelta(seconds=delay)
        async with self.operation("rotate_key") as operation:
            document = await self.change(lambda one: lifecycle.rotated(one, self._clock(), policy, delay=pause))
            made = document.keys[-1]
            operation.key_id = made.id
            return made.info()

    async def retire(self, key_id: int) -> KeyInfo:
        """Have a pending or disabled key open values, and seal none."""
        return await self._move("retire_key", lifecycle.retired, key_id)

    async def disable(self, key_id: int) -> KeyInfo:
        """Have a key open nothing any more."""
        return await self._move("disable_key", lifecycle.disabled, key_id)

    async def destroy(self, key_id: int) -> KeyInfo:
        """Remove a disabled key's bytes, from the backup file too."""
        return await self._move("destroy_key", lifecycle.destroyed, key_id, keep_backup=False)

    async def rewrap(self) -> KeyListing:
        """Wrap all keys under the master key that is set up; the backup file is under another one and goes."""
        masters = self.file.masters
        async with self.operation("rewrap_keys"):
            if not masters.configured:
                raise KeyRingError("there is no master key to wrap the keys with; name one: plugins.key_file.master")
            wrap = await anyio.to_thread.run_sync(masters.fresh)
            await self.change(lambda one: attrs.evolve(one, wrap=wrap), keep_backup=False, unwrapped=True)
        return await self.listing()

    async def _move(
        self, name: str, step: Callable[[KeyDocument, int], KeyDocument], key_id: int, *, keep_backup: bool = True
    ) -> KeyInfo:
        async with self.operation(name) as operation:
            operation.key_id = key_id
            document = await self.change(lambda one: step(one, key_id), keep_backup=keep_backup)
            return next(one.info() for one in document.keys if one.id == key_id)

    async def change(
        self,
        step: Callable[[KeyDocument], KeyDocument],
        *,
        seconds: float = LOCK_SECONDS,
        keep_backup: bool = True,
        unwrapped: bool = False,
    ) -> KeyDocument:
        """Change the file in a thread, put it in force, and return its keys; see `RingFile.change`."""
        change = partial(self.file.change, step, known=self.loaded, seconds=seconds)
        work = partial(change, keep_backup=keep_backup, unwrapped=unwrapped)
        return self.take(await anyio.to_thread.run_sync(work)).document
