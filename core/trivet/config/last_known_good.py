"""`LastKnownGood`: remembers the last good configuration, in a file too, for loads while a source is down."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import attrs

from trivet.config.isolation import foreign
from trivet.config.layer import Layer
from trivet.config.loading import Loaded, combine
from trivet.config.origin import Path
from trivet.config.override import SOURCE
from trivet.config.redaction import Redaction, mask_userinfo
from trivet.config.schema import Schema
from trivet.config.tree import scalars
from trivet.events import ConfigWarning, Event

if TYPE_CHECKING:
    from trivet.ciphers.registry import Ciphers
    from trivet.config.remembered_file import RememberedFile

T = TypeVar("T")

FILE_SECONDS: Final = 10.0
"""How long reading or writing the file may take."""


@attrs.frozen(kw_only=True)
class StandIn:
    """Layers that stand in for sources that are down: from the file at the start, else as they were loaded before.

    Args:
        path: The file; None: all are as they were loaded in this life.
        saved: When the oldest of them was good, in seconds since the epoch.
        sources: Whose layers they are.
    """

    path: pathlib.Path | None
    saved: float
    sources: tuple[str, ...]

    def __str__(self) -> str:
        from trivet.config.remembered import utc

        whose = ", ".join(f"config_source/{name}" for name in self.sources)
        origin = f", from {self.path}" if self.path is not None else ""
        return f"{whose}: last known good of {utc(self.saved)}, {_age(time.time() - self.saved)} old{origin}"


@attrs.frozen(eq=False, kw_only=True)
class _Good:
    path: pathlib.Path
    sources: Mapping[str, Sequence[Layer]] = attrs.field(repr=False)
    schema: Schema
    stand_in: StandIn | None = None
    secrets: frozenset[Path] = frozenset()
    saved: float = attrs.field(factory=time.time)


class LastKnownGood:
    """Keeps the file, and takes from it what a start lacks.

    Args:
        name: The kernel's name.
        emit: Takes events.
        ciphers: Seal the file; None: it is written only where nothing in it is secret.
    """

    def __init__(self, name: str, *, emit: Callable[[Event], None], ciphers: Ciphers | None) -> None:
        self.stand_in: StandIn | None = None
        """What stands in now; None where all sources were loaded."""
        self._name = name
        self._emit = emit
        self._ciphers = ciphers
        self._loaded: _Good | None = None
        self._good: _Good | None = None
        self._due: _Good | None = None
        self._news = anyio.Event()
        self._told = ""

    async def complete(self, loaded: Loaded, path: pathlib.Path | None, schema: Schema, *, start: bool) -> Loaded:
        """Put what was good in the place of sources that are down.

        Args:
            loaded: What the sources gave.
            path: The file; None: nothing is remembered, and what is loaded is returned as it is.
            schema: As for loading.
            start: True: what was good is in the file; False: it is in force.
        """
        self._loaded = None
        self.stand_in = None if start else self.stand_in  # of an earlier life
        if path is None:
            return loaded
        stand_in = None
        if loaded.down:
            good = await self._from_file(path) if start else self._good
            if good is not None:
                loaded, stand_in = self._stand_in(loaded, good, schema)
        sources = {name: layers for name, layers in loaded.sources.items() if name != SOURCE}
        self._loaded = _Good(path=path, sources=sources, schema=schema, stand_in=stand_in)
        return loaded

    async def _from_file(self, path: pathlib.Path) -> _Good | None:
        outcome = await foreign(_in_time(self._file(path).read()))
        if outcome.error is not None:
            self._warn(f"the last known good configuration in {path} is not used: {outcome.error}")
        if outcome.value is None:
            return None
        sources, saved = outcome.value.sources, outcome.value.saved
        kept = StandIn(path=path, saved=saved, sources=tuple(sources))
        return _Good(path=path, sources=sources, schema=Schema({}), stand_in=kept, saved=saved)

    def _stand_in(self, loaded: Loaded, good: _Good, schema: Schema) -> tuple[Loaded, StandIn | None]:
        from trivet.config.remembered import with_note

        found = {name: good.sources[name] for name in loaded.down if name in good.sources}
        if not found:
            return loaded, None
        before, saved = good.stand_in, good.saved
        is_old = before is not None and not {*before.sources}.isdisjoint(found)
        stand_in = StandIn(
            path=before.path if before is not None and is_old else None,
            saved=before.saved if before is not None and is_old else saved,
            sources=tuple(found),
        )
        if self.stand_in is None or self.stand_in.sources != stand_in.sources:  # else it was told
            reasons = "; ".join(str(loaded.down[name]) for name in found)
            self._warn(f"{stand_in}, because a source is down: {reasons}")
        noted = {name: [with_note(layer, saved) for layer in layers] for name, layers in found.items()}
        silent = {name: problem for name, problem in loaded.down.items() if name not in {**found, **loaded.sources}}
        return combine({**loaded.sources, **noted}, silent, schema), stand_in

    def accept(self, secrets: frozenset[Path]) -> None:
        """Note that what was loaded last is in force. It is written down, but not where the file itself stood in.

        Args:
            secrets: Paths whose values are secrets because of how they came in.
        """
        good, self._loaded = self._loaded, None
        self._good = good
        self.stand_in = good.stand_in if good is not None else None
        if good is not None and good.stand_in is None:
            self._due = attrs.evolve(good, secrets=secrets)
            self._news.set()

    async def keep(self) -> None:
        """Write down every good configuration, for ever: the kernel runs this while it runs."""
        self._news = anyio.Event()  # the one of an earlier life belongs to its event loop
        while True:
            good, self._due = self._due, None
            if good is not None:
                with anyio.CancelScope(shield=True):  # a stop waits for it, as long as it may take
                    await self._write(good)
            await self._news.wait()
            self._news = anyio.Event()

    async def _write(self, good: _Good) -> None:
        from trivet.config.remembered import Remembered

        file = self._file(good.path)
        if not file.seals and _holds_secrets(good):
            error: str | None = (
                "it would hold secrets, and there is no key to seal it with; make one: trivet secrets init"
            )
        else:
            error = (await foreign(_in_time(file.write(Remembered(time.time(), good.sources))))).error
        if error is not None and error != self._told:
            self._warn(f"the last known good configuration is not kept in {good.path}: {error}")
        self._told = error or ""

    def _file(self, path: pathlib.Path) -> RememberedFile:
        from trivet.config.remembered_file import RememberedFile

        return RememberedFile(path, self._name, self._ciphers)

    def _warn(self, message: str) -> None:
        self._emit(ConfigWarning(message=message))


def _holds_secrets(good: _Good) -> bool:
    redaction = Redaction(good.schema, good.secrets)
    return any(
        layer.secret or redaction.is_secret(path) or _may_hold_secret(value, text=layer.text)
        for layer in combine(good.sources, {}, good.schema).layers
        for path, value in scalars(layer.data)
        if value is not None
    )


def _may_hold_secret(value: object, *, text: bool) -> bool:
    if isinstance(value, bytes):
        return True
    # JSON in a text layer: a list of tables, say, that only the schema opens.
    return isinstance(value, str) and (mask_userinfo(value) != value or (text and value.lstrip()[:1] in ("[", "{")))


async def _in_time(call: Awaitable[T]) -> T:
    with anyio.move_on_after(FILE_SECONDS):
        return await call
    raise ValueError(f"the file system did not answer within {FILE_SECONDS:g} s")


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
