"""Reload the configuration when a file of it changes.

It sees editors' renames, Kubernetes ``..data`` swaps, links turned to another target and edits of a link's target, and reloads
once per change, when the content really is another. Where inotify is exhausted it says so in a `ConfigWarning` and polls. A slow
poll runs in any case, for file systems that tell nothing.

Config (``plugins.watcher``), in seconds: ``debounce``, the quiet before a reload (0.01); ``settle``, how long to wait at most for
a writer to close the file (0.1); ``poll_interval``, between polls (5).

Example::

    [plugins.watcher]
    poll_interval = 30.0
"""

from __future__ import annotations

import errno
import pathlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import anyio.to_thread
import attrs
from attrs.validators import gt

from trivet import Provider, hookimpl
from trivet.events import ConfigWarning
from trivet_plugins.config.watch_chain import Look, chain, look

if TYPE_CHECKING:
    from trivet import Composition, Kernel, Live
    from trivet_plugins.config.observer import DirectoryObserver

_START_SECONDS = 30.0  # a start longer than this has other troubles than a file that changed in it
_COARSE = 1.0  # time stamps of files are coarse, and clocks of network file systems differ
_EXHAUSTED = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


@attrs.frozen
class WatcherConfig:
    """The section ``plugins.watcher``; all in seconds."""

    debounce: float = attrs.field(default=0.01, validator=gt(0))
    settle: float = attrs.field(default=0.1, validator=gt(0))
    poll_interval: float = attrs.field(default=5.0, validator=gt(0))


class Watcher:
    """The service; `run` is its life.

    Args:
        kernel: Whose configuration.
        settings: Its own settings, which may change while it runs.
    """

    def __init__(self, kernel: Kernel, settings: Live[WatcherConfig]) -> None:
        self._kernel = kernel
        self._settings = settings
        self._looks: dict[pathlib.Path, Look] = {}
        self._writing: set[str] = set()
        self._wake = anyio.Event()
        self._observer: DirectoryObserver | None = None

    @property
    def polls_only(self) -> bool:
        """True where the system gives no events, so that a change takes up to ``poll_interval`` to be seen."""
        return self._observer is None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Watcher]:
        """Watch from entering to leaving."""
        async with anyio.from_thread.BlockingPortal() as portal:
            await self._observe(portal)
            try:
                await self._look_again()
                async with anyio.create_task_group() as group:
                    group.start_soon(self._run)
                    yield self
                    group.cancel_scope.cancel()
            finally:
                await self._stop_observer()

    async def _observe(self, portal: anyio.from_thread.BlockingPortal) -> None:
        from trivet_plugins.config.observer import DirectoryObserver

        def notify(path: str, unfinished: bool) -> None:  # noqa: FBT001 - watchdog's thread calls it
            try:
                portal.start_task_soon(self._note, path, unfinished)
            except RuntimeError:
                return  # the loop is stopping, and this thread is about to

        self._observer = DirectoryObserver(notify)
        await self._with_observer(self._observer.start)

    async def _with_observer(self, step: Callable[[], None]) -> None:
        """Take a step of the observer; where the system has nothing left to watch with, poll from now on."""
        try:
            await anyio.to_thread.run_sync(step)
        except OSError as exc:
            if exc.errno not in _EXHAUSTED:
                raise
            await self._stop_observer()
            seconds = self._settings.current.poll_interval
            self._kernel.emit(
                ConfigWarning(
                    message=f"no inotify watches are left ({exc.strerror}): configuration files are polled, every {seconds:g} s; "
                    f"raise fs.inotify.max_user_watches or max_user_instances"
                )
            )

    async def _stop_observer(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            with anyio.CancelScope(shield=True):  # its threads would outlive the loop that they call
                await anyio.to_thread.run_sync(observer.stop)

    def _note(self, path: str, unfinished: bool) -> None:  # noqa: FBT001 - as above
        (self._writing.add if unfinished else self._writing.discard)(path)
        self._wake.set()

    async def _run(self) -> None:
        await self._catch_up()
        while True:
            with anyio.move_on_after(self._settings.current.poll_interval):
                await self._wake.wait()
                await self._quiet()
            self._wake = anyio.Event()
            await self._reload_if_changed()

    async def _catch_up(self) -> None:
        """Reload at once if a file changed between the first load and the first look."""
        since = self._kernel.config.snapshot.created - _START_SECONDS
        if any(one.changed > since for one in self._looks.values()):
            await self._reload("file changed during the start")

    async def _reload(self, reason: str) -> None:
        """Reload, and once more where a file changed meanwhile: nobody knows which of its states was read.

        So too where a file that was not watched yet changed so lately that the reload may have missed it.
        """
        fresh = True
        while fresh:
            begun, before = time.time(), self._looks
            await self._kernel.config.reload(reason=reason)
            await self._look_again()
            fresh = any(
                _was_touched(before[path], one) if path in before else one.changed > begun - _COARSE
                for path, one in self._looks.items()
            )
            if fresh:  # it may be under change right now
                await anyio.sleep(self._settings.current.debounce)

    async def _quiet(self) -> None:
        """Wait until nothing has happened for a while, and every writer has closed its file; but not for ever."""
        settings = self._settings.current
        deadline = time.monotonic() + max(settings.settle, settings.debounce)
        while True:
            self._wake = anyio.Event()
            limit = deadline - time.monotonic() if self._writing else settings.debounce
            with anyio.move_on_after(max(limit, 0)):
                await self._wake.wait()
                if time.monotonic() < deadline:
                    continue
            self._writing.clear()
            return

    async def _reload_if_changed(self) -> None:
        changed = await self._look_again()
        if changed:
            names = ", ".join(map(str, changed[:3])) + (", ..." if len(changed) > 3 else "")
            await self._reload(f"file changed: {names}")

    async def _look_again(self) -> Sequence[pathlib.Path]:
        """Look at all files, and watch what they now lead over; returns the files that changed since the last look."""
        paths = self._kernel.config.watched_paths()
        if self._observer is not None:  # before the look, so that what happens in between is seen by one or the other
            await self._with_observer(partial(_watch_all, self._observer, paths))
        looks = await anyio.to_thread.run_sync(_look_at_all, paths, self._looks)
        changed = [path for path in paths if path in self._looks and self._looks[path] != looks[path]]
        self._looks = looks
        return changed


def _was_touched(before: Look, after: Look) -> bool:
    """Tell whether anything happened to a file, even if it now reads as before."""
    return before != after or (after.stat is not None and (before.stat, before.changed) != (after.stat, after.changed))


def _watch_all(observer: DirectoryObserver, paths: Sequence[pathlib.Path]) -> None:
    observer.watch([chain(path) for path in paths])


def _look_at_all(paths: Sequence[pathlib.Path], before: dict[pathlib.Path, Look]) -> dict[pathlib.Path, Look]:
    return {path: look(path, before.get(path)) for path in paths}


@asynccontextmanager
async def watch(kernel: Kernel) -> AsyncIterator[Watcher]:
    """Watch the files of a kernel's configuration."""
    settings = kernel.config.bind("plugins.watcher", WatcherConfig)
    async with Watcher(kernel, settings).running() as watcher:
        yield watcher


@hookimpl
def register_services(composition: Composition) -> list[Provider[Watcher]]:
    """Offer ``service/watcher``."""
    return [Provider(name="watcher", factory=watch, config=WatcherConfig, provides=Watcher, critical=False, restart=5)]
