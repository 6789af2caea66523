"""`Live`: the handle whose ``current`` is the typed value of one section in the newest snapshot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, NoReturn, Self, TypeVar, cast

import anyio
import attrs

from trivet.errors import ConfigNotLoadedError

T = TypeVar("T")


@attrs.frozen
class Change(Generic[T]):
    """A section got a new value.

    Args:
        section: Its path, e.g. ``database``.
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

    __slots__ = ("__weakref__", "_callbacks", "_generation", "_waiting", "current", "section")

    current: T
    section: str

    def __init__(self, section: str) -> None:
        self.section = section
        self._generation = 0
        self._callbacks: list[Callable[[Change[T]], object]] = []
        self._waiting: set[anyio.Event] = set()
        self.__class__ = cast("type[Self]", _NotLoaded)

    def __repr__(self) -> str:
        return f"<Live {self.section} generation={self._generation}>"

    def changes(self) -> Changes[T]:
        """Return an async iterator over the changes from now on, for ``async for change in database.changes()``.

        A slow reader holds up nobody: it gets the newest value next, with ``old`` being what it saw last.
        """
        return Changes(self)

    def subscribe(self, callback: Callable[[Change[T]], object]) -> Callable[[], None]:
        """Call back in the event loop after every change of this section.

        Args:
            callback: Must return at once; what it raises becomes a `ConfigWarning`, and the others are still called.

        Returns:
            What ends the subscription; calling it again does nothing.
        """
        self._callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

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


class Changes(Generic[T]):
    """The changes of one section, latest wins. Made by `Live.changes`."""

    def __init__(self, live: Live[T]) -> None:
        self._live = live
        self._seen: list[T] = [live.current] if live._generation else []  # noqa: SLF001 - one thing in two classes

    def __aiter__(self) -> Changes[T]:
        return self

    async def __anext__(self) -> Change[T]:
        live = self._live
        while True:
            if live._generation and not self._seen:  # noqa: SLF001 - as above
                self._seen = [live.current]
            if self._seen and live.current is not self._seen[0]:
                change = Change(live.section, self._seen[0], live.current, live._generation)  # noqa: SLF001 - as above
                self._seen = [live.current]
                return change
            await self._wait()

    async def _wait(self) -> None:
        arrived = anyio.Event()
        self._live._waiting.add(arrived)  # noqa: SLF001 - as above
        try:
            await arrived.wait()
        finally:
            self._live._waiting.discard(arrived)  # noqa: SLF001 - as above
