"""`DirectoryObserver`: watchdog, kept to what is wanted of it: these directories, these paths, one call into the loop."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from trivet_plugins.config.watch_chain import Chain

# Without a filter watchdog also tells of opening and closing for reading: who reads on an event then never stops.
EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]

Notify = Callable[[str, bool], None]
"""Takes a path that changed, and whether more is to be expected: it was opened for writing and not closed yet."""


class DirectoryObserver(FileSystemEventHandler):
    """Watches directories, and tells of events on the paths of interest.

    Args:
        notify: Called in watchdog's thread.
    """

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._observer = Observer()
        self._watches: dict[str, tuple[Any, tuple[int, int]]] = {}
        self._points: frozenset[str] = frozenset()
        self._listed: frozenset[str] = frozenset()

    def start(self) -> None:
        """Start watchdog's thread.

        Raises:
            OSError: if inotify has no instance left.
        """
        self._observer.start()

    def watch(self, chains: Iterable[Chain]) -> None:
        """Watch just what these chains need; a directory that was replaced by another is watched anew.

        Raises:
            OSError: if inotify has no watch left.
        """
        chains = [*chains]
        self._points = frozenset[str]().union(*(chain.points for chain in chains))
        self._listed = frozenset[str]().union(*(chain.listed for chain in chains))
        wanted = {
            directory: identity
            for directory in frozenset[str]().union(*(chain.directories for chain in chains))
            if (identity := _identity(directory)) is not None
        }
        for directory, (watch, identity) in list(self._watches.items()):
            if wanted.get(directory) != identity:
                self._observer.unschedule(watch)
                del self._watches[directory]
        for directory, identity in wanted.items():
            if directory not in self._watches:
                try:
                    watch = self._observer.schedule(self, directory, event_filter=EVENTS)
                except (
                    FileNotFoundError,
                    NotADirectoryError,
                ):  # gone since: the directory above, which is watched, tells when it is back
                    continue
                self._watches[directory] = (watch, identity)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Pass on an event that matters. Runs in watchdog's thread."""
        for raw in (event.src_path, event.dest_path):
            path = os.fsdecode(raw)
            if path and (path in self._points or str(pathlib.PurePath(path).parent) in self._listed):
                self._notify(path, isinstance(event, FileModifiedEvent))

    def stop(self) -> None:
        """Stop all threads and wait for them."""
        self._observer.unschedule_all()
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join(2.0)


def _identity(directory: str) -> tuple[int, int] | None:
    try:
        status = pathlib.Path(directory).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
