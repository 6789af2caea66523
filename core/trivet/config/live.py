"""`Live`: the handle whose ``current`` is the typed value of one section in the newest snapshot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NoReturn, Self, TypeVar, cast, overload

import anyio
import attrs

from trivet.config.origin import dotted
from trivet.config.selection import Selection
from trivet.errors import ConfigNotLoadedError

T = TypeVar("T")


@attrs.frozen
class Change(Generic[T]):
    """A section, or a value in it, is another.

    Args:
        section: Its path, e.g. ``database``, or ``database.pool_size`` where a value in it is followed.
        old: The value that this reader saw last.
        new: The value now in force.
        generation: The generation of the snapshot that ``new`` is from.
    """

    section: str
    old: T
    new: T
    generation: int


class Live(Generic[T]):
    """A typed section of the configuration; `Config.bind` makes them.

    ``current`` is a plain slot: reading it takes no lock and runs no code. It holds a frozen object that never changes; a reload
    puts another object in the slot. So read it once per unit of work (``settings = database.current``), and everything read from
    ``settings`` belongs together. An unchanged section keeps its object.

    Example:
        >>> database = kernel.config.bind("database", Database)  # doctest: +SKIP
        >>> database.current.pool_size  # doctest: +SKIP
        10
    """

    __slots__ = ("__weakref__", "_callbacks", "_generation", "_kind", "_waiting", "current", "section")

    current: T
    section: str

    def __init__(self, section: str, kind: type[T]) -> None:
        self.section = section
        self._kind = kind
        self._generation = 0
        self._callbacks: list[Callable[[Change[T]], object]] = []
        self._waiting: set[anyio.Event] = set()
        self.__class__ = cast("type[Self]", _NotLoaded)

    def __repr__(self) -> str:
        return f"<Live {self.section} generation={self._generation}>"

    @overload
    def changes(self) -> Changes[T]: ...

    @overload
    def changes(self, path: str) -> Changes[object]: ...

    def changes(self, path: str = "") -> Changes[T] | Changes[object]:
        """Return an async iterator over the changes from now on, for ``async for change in database.changes()``.

        A slow reader holds up nobody: it gets the newest value next, with ``old`` being what it saw last.

        Args:
            path: Follow one value only, e.g. ``pool.size`` or ``labels.zone``; None is the value of what is not there. Empty: the
                section.

        Raises:
            UnknownPathError: if the section has nothing at the path.
        """
        return Changes(self, self._selection(path))

    def _selection(self, path: str) -> Selection:
        return Selection.of(self.section, self._kind, path) if path else Selection()

    @overload
    def subscribe(self, callback: Callable[[Change[T]], object]) -> Callable[[], None]: ...

    @overload
    def subscribe(self, callback: Callable[[Change[object]], object], path: str) -> Callable[[], None]: ...

    def subscribe(self, callback: Callable[[Change[Any]], object], path: str = "") -> Callable[[], None]:
        """Call back in the event loop after every change of this section, or of one value in it.

        Args:
            callback: Must return at once; what it raises becomes a `ConfigWarning`, and the others are still called.
            path: As for `changes`.

        Returns:
            What ends the subscription; calling it again does nothing.

        Raises:
            UnknownPathError: if the section has nothing at the path.
        """
        selection = self._selection(path)

        def call(change: Change[T]) -> None:
            old, new = selection.value(change.old), selection.value(change.new)
            if not selection.same(old, new):
                callback(Change(selected(self, selection), old, new, change.generation))

        self._callbacks.append(call)

        def unsubscribe() -> None:
            if call in self._callbacks:
                self._callbacks.remove(call)

        return unsubscribe

    def put(self, value: T, generation: int) -> list[Callable[[], object]]:
        """Put a new value in force: the kernel calls this, in the swap of a reload.

        Returns:
            The calls to make once all sections are swapped.
        """
        waiting, self._waiting = self._waiting, set()
        calls: list[Callable[[], object]] = [event.set for event in waiting]
        if self._generation:
            change = Change(self.section, self.current, value, generation)
            calls += [partial(callback, change) for callback in self._callbacks]
        self.current, self._generation = value, generation
        self.__class__ = cast("type[Self]", Live)
        return calls


class _NotLoaded(Live[T]):
    """What a `Live` is until its first value is there: reading ``current`` says what to do.

    A class of its own, since CPython reads the slots of a class with ``__getattr__`` three times slower (no LOAD_ATTR_SLOT).
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> NoReturn:
        if name == "current":
            raise ConfigNotLoadedError(
                f"section {self.section!r} was read before the configuration was loaded; "
                "read .current inside 'async with kernel' (or kernel.configured()), not at import"
            )
        raise AttributeError(name)


def selected(live: Live[Any], selection: Selection) -> str:
    """Return the path of what is followed."""
    path = dotted(selection.path)
    return f"{live.section}{'' if path[:1] in {'', '['} else '.'}{path}"


class Changes(Generic[T]):
    """The changes of one section or of a value in it, latest wins. Made by `Live.changes`."""

    def __init__(self, live: Live[Any], selection: Selection) -> None:
        self._live = live
        self._selection = selection
        self._seen: list[T] = [self._now()] if live._generation else []  # noqa: SLF001 - one thing in two classes

    def _now(self) -> T:
        return cast("T", self._selection.value(self._live.current))

    def __aiter__(self) -> Changes[T]:
        return self

    async def __anext__(self) -> Change[T]:
        live = self._live
        while True:
            if live._generation:  # noqa: SLF001 - as above
                new = self._now()
                old, self._seen = self._seen or [new], [new]
                if not self._selection.same(old[0], new):
                    return Change(selected(live, self._selection), old[0], new, live._generation)  # noqa: SLF001 - as above
            await self._wait()

    async def _wait(self) -> None:
        arrived = anyio.Event()
        self._live._waiting.add(arrived)  # noqa: SLF001 - as above
        try:
            await arrived.wait()
        finally:
            self._live._waiting.discard(arrived)  # noqa: SLF001 - as above
