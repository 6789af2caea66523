"""`Config`: what is bound, what is in force, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from trivet.config.candidate import Parts, structure_one
from trivet.config.last_known_good import LastKnownGood, StandIn
from trivet.config.live import Live
from trivet.config.loading import Loaded, load
from trivet.config.origin import Path, dotted
from trivet.config.override import SOURCE
from trivet.config.preloaded import Preloaded
from trivet.config.schema import section_path
from trivet.config.shape import is_class
from trivet.config.showing import Showing
from trivet.config.steering import Steering
from trivet.config.transaction import Transactions
from trivet.config.tree import MISSING, look_up
from trivet.config.turns import Turns

if TYPE_CHECKING:
    import pathlib

    from trivet.ciphers.registry import Ciphers
    from trivet.config.contracts import ConfigFormat, ConfigSource, ReloadParticipant, Resolver
    from trivet.config.layer import Layer
    from trivet.config.problem import Problem
    from trivet.events import ConfigRejected, Event
    from trivet.launch import Launch

T = TypeVar("T")


class Config(Showing, Steering):
    """``kernel.config``: layered, typed, reloadable configuration.

    A reload is a transaction: load every layer, merge, resolve, structure and validate everything, let every participant prepare,
    swap, commit. Whatever fails on the way leaves the old snapshot in force and says why in `problems`. What is in force can be
    shown and explained, now and as it was (`trivet.config.showing`), and steered: overridden, rolled back, pinned
    (`trivet.config.steering`).

    Args:
        name: The kernel's name.
        emit: Takes events.
        launch: Says how the process was started, asked anew for every load.
        ciphers: Seal the last known good configuration; None: it is kept only where nothing in it is secret.
    """

    def __init__(
        self,
        name: str,
        *,
        emit: Callable[[Event], None],
        launch: Callable[[], Launch],
        ciphers: Ciphers | None = None,
    ) -> None:
        self._parts = Parts(name=name)
        self._launch = launch
        memory = LastKnownGood(name, emit=emit, ciphers=ciphers)
        self._store = Transactions(self._parts, emit=emit, launch=launch, memory=memory)
        self._parts.sources[SOURCE] = self._store.overrides
        self._preloaded = Preloaded.of(Loaded((), ()))
        self._turns: Turns | None = None

    # -- for applications -----------------------------------------------------------------------------------------------------

    def bind(self, section: str, cls: type[T]) -> Live[T]:
        """Bind a section to an attrs class.

        Before the configuration is loaded this does no I/O and reads nothing; afterwards the section is structured at once.

        Args:
            section: Its dotted path, e.g. ``database``.
            cls: A frozen attrs class: fields with defaults are optional, validators run, unknown keys are refused.

        Returns:
            The handle; binding the same class to the same section again returns the same one.

        Raises:
            ConfigError: after the load, if the section does not fit.
            TypeError: if ``cls`` is no attrs class.
            ValueError: if the section is bound to another class, or lies in one or around one that is bound.
        """
        path, lives = section_path(section), self._store.lives
        if not is_class(cls):
            raise TypeError(f"bind({section!r}, ...) takes an attrs class, got {cls!r}; decorate it with @attrs.frozen")
        if path in lives and lives[path][0] is cls:
            return cast("Live[T]", lives[path][1])
        for other, (bound, _) in lives.items():
            if other[: len(path)] == path or path[: len(other)] == other:
                raise ValueError(f"section {section!r} clashes with {dotted(other)!r}, bound to {bound.__qualname__}")
        live: Live[T] = Live(section, cls)
        snapshot = self._store.snapshot
        if snapshot is not None:
            value = structure_one(self._parts, path, cls, layers=snapshot.layers, tree=snapshot.tree)
            self._store.snapshot = attrs.evolve(snapshot, sections={**snapshot.sections, section: value})
            live.put(value, snapshot.generation)
        lives[path] = (cls, live)
        return live

    @property
    def fingerprint(self) -> str:
        """The fingerprint in force; empty before the first load."""
        return "" if self._store.snapshot is None else self._store.snapshot.fingerprint

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the last load was rejected; empty while what the sources say is in force."""
        return self._store.problems

    @property
    def rejected(self) -> ConfigRejected | None:
        """The last rejected reload, until one is accepted."""
        return self._store.rejected

    @property
    def stand_in(self) -> StandIn | None:
        """What of the last known good configuration is in force because a source is down; else None."""
        return self._store.memory.stand_in

    # -- for plugins ----------------------------------------------------------------------------------------------------------

    def add_source(self, name: str, source: ConfigSource) -> Callable[[], None]:
        """Add a source; returns what removes it. Counts from the next load on, like formats and resolvers."""
        return _add(self._parts.sources, name, source)

    def add_format(self, name: str, config_format: ConfigFormat) -> Callable[[], None]:
        """Add a file format; returns what removes it."""
        return _add(self._parts.formats, name, config_format)

    def add_resolver(self, name: str, resolver: Resolver) -> Callable[[], None]:
        """Add a resolver; returns what removes it."""
        return _add(self._parts.resolvers, name, resolver)

    def add_participant(self, name: str, participant: ReloadParticipant) -> Callable[[], None]:
        """Let something take part in every reload; returns what takes it out. ``name`` is what a veto is reported under."""
        key = self._store.participants.add(name, participant)
        return lambda: self._store.participants.remove(key)

    def use_fingerprint_key(self, key: bytes) -> None:
        """Hash secrets under this key in fingerprints from now on; nodes that are to agree need the same key."""
        self._store.fingerprint.use_key(key)

    def watched_paths(self) -> tuple[pathlib.Path, ...]:
        """Return the files and directories, existing or not, whose change asks for a reload; of the last load, good or bad."""
        return self._store.watched

    # -- for the kernel: the way to the first snapshot ------------------------------------------------------------------------

    async def preload(self, *, lenient: bool = True) -> None:
        """Load and merge the layers of the sources that are there, and validate nothing.

        Args:
            lenient: Take names that match no section literally: not all sections are known yet.
        """
        schema = self._store.schema(lenient=lenient)
        self._preloaded = Preloaded.of(
            await load(self._parts.sources, self._parts.context(self._launch(), schema), schema)
        )

    async def resolve_preloaded(self, sections: Iterable[str]) -> None:
        """Resolve what some sections of the preloaded layers refer to; see `Preloaded.resolved`."""
        self._preloaded = await self._preloaded.resolved(sections, self._parts)

    def peek(self, path: Path, default: object = None) -> object:
        """Return the raw value at a path of the snapshot, before the first one of the preloaded layers."""
        tree = self._store.snapshot.tree if self._store.snapshot is not None else self._preloaded.tree
        found = look_up(tree, path)
        return default if found is MISSING else cast("object", found)

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers in force, the weakest first; before the first load those that are preloaded."""
        return self._store.snapshot.layers if self._store.snapshot is not None else self._preloaded.loaded.layers

    def provisional(self, section: str, cls: type[T]) -> T:
        """Structure one section from the preloaded layers, for a provider that must start before the validation.

        Raises:
            ConfigError: if the section does not fit.
        """
        return self._preloaded.structure(section, cls, self._parts)

    async def load(self, reason: str = "start") -> None:
        """Load, validate and put in force the first snapshot.

        Raises:
            ConfigError: with all problems of all layers.
        """
        await self._store.load(reason)
        self._turns = Turns(self._store.reload)

    async def remember(self) -> None:
        """Keep the last known good configuration, for ever: the kernel runs this while it runs."""
        await self._store.memory.keep()


def _add(registry: dict[str, T], name: str, item: T) -> Callable[[], None]:
    if name in registry:
        raise ValueError(f"{name!r} is registered already")
    registry[name] = item

    def remove() -> None:
        if registry.get(name) is item:
            del registry[name]

    return remove
