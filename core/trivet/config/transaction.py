"""`Transactions`: the snapshot in force, and the only way from it to the next."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import attrs

from trivet.config.candidate import Candidate, Parts, assemble, build, revive
from trivet.config.cause import Cause
from trivet.config.fingerprint import Fingerprint
from trivet.config.history import History
from trivet.config.isolation import call_all
from trivet.config.last_known_good import LastKnownGood
from trivet.config.layer import Layer
from trivet.config.live import Live
from trivet.config.loading import Loaded, prepare
from trivet.config.origin import dotted
from trivet.config.override import Overrides
from trivet.config.participants import Participants
from trivet.config.pin import Pin
from trivet.config.problem import Problem
from trivet.config.schema import Schema
from trivet.config.snapshot import Snapshot
from trivet.config.tree import differences
from trivet.config.turns import Outcome
from trivet.errors import ConfigError, ConfigNotLoadedError
from trivet.events import ConfigRejected, ConfigReloaded, ConfigWarning, Event
from trivet.launch import Launch


class Transactions:
    """Builds, prepares, swaps and commits. Only one `reload` runs at a time; `trivet.config.turns` sees to that.

    Args:
        parts: What configuration is made with.
        emit: Takes events.
        launch: Says how the process was started.
        memory: Remembers what was good.
    """

    def __init__(
        self, parts: Parts, *, emit: Callable[[Event], None], launch: Callable[[], Launch], memory: LastKnownGood
    ) -> None:
        self.parts = parts
        self.lives: dict[tuple[str, ...], tuple[type, Live[Any]]] = {}
        self.participants = Participants(self._warn)
        self.fingerprint = Fingerprint(parts.name)
        self.history = History()
        self.overrides = Overrides()
        self.pin: Pin | None = None
        self.problems: tuple[Problem, ...] = ()
        self.rejected: ConfigRejected | None = None
        self.watched: tuple[pathlib.Path, ...] = ()
        self.emit, self.launch, self.memory = emit, launch, memory
        self._snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot in force; None before the first load. What is put here is in the history too."""
        return self._snapshot

    @snapshot.setter
    def snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.history.put(snapshot)

    def in_force(self) -> Snapshot:
        """Return the snapshot in force.

        Raises:
            ConfigNotLoadedError: before the first load.
        """
        if self._snapshot is None:
            raise ConfigNotLoadedError(
                "the configuration is not loaded yet; enter the kernel, or kernel.configured(), first"
            )
        return self._snapshot

    def schema(self, *, lenient: bool = False) -> Schema:
        """Return the schema of what is bound now."""
        return Schema({path: cls for path, (cls, _) in self.lives.items()}, lenient=lenient)

    async def load(self, reason: str) -> None:
        """Load for the first time, or again in a new life of the kernel.

        Raises:
            ConfigError: with all problems.
        """
        begun, self.pin = time.perf_counter(), None
        candidate = await self._build(None)
        self.problems = candidate.problems
        if candidate.problems:
            raise ConfigError(candidate.problems)
        new = await self._snapshot_of(candidate, Cause(reason))
        self._swap(new, None, begun, settles=True)

    async def reload(self, cause: Cause) -> Outcome:
        """Run one transaction; see `Config.reload`."""
        begun, old = time.perf_counter(), self.in_force()
        if self.pin is not None:
            return self._hold_back(self.pin, cause.reason)
        return await self._replace(old, await self._build(old), cause, begun, settles=True)

    async def overlay(self, cause: Cause) -> Outcome:
        """Lay the overrides that count now over what is in force, without loading anything else anew."""
        begun, old, schema = time.perf_counter(), self.in_force(), self.schema()
        kept = [layer for layer in old.layers if not self.overrides.is_ours(layer)]
        layers = kept + [prepare(layer, schema) for layer in self.overrides.layers()]
        loaded = Loaded(tuple(sorted(layers, key=lambda layer: layer.priority)), ())
        candidate = await assemble(self.parts, loaded, schema=schema, old=old)
        return await self._replace(old, candidate, cause, begun, settles=False)

    async def end_override(self, id_: int, cause: Cause) -> Outcome:
        """Take an override away; where that is refused, it stays."""
        if self.overrides.get(id_) is None:
            return Outcome(applied=True, generation=self.in_force().generation)
        put_back, applied = self.overrides.remove(id_), False
        try:
            outcome = await self.overlay(cause)
            applied = outcome.applied
        finally:
            if not applied:
                put_back()
        return outcome

    async def rollback(self, target: Snapshot, cause: Cause) -> Outcome:
        """Put the values of an older snapshot in force, as a new generation."""
        begun, old = time.perf_counter(), self.in_force()
        candidate = revive(self.parts, target, schema=self.schema(), old=old)
        return await self._replace(old, candidate, cause, begun, settles=False)

    async def _replace(
        self, old: Snapshot, candidate: Candidate, cause: Cause, begun: float, *, settles: bool
    ) -> Outcome:
        """Prepare, swap and commit, if all is well and anything is new.

        Args:
            old: The snapshot in force.
            candidate: What is to follow it.
            cause: Why.
            begun: When the transaction began, on the performance counter.
            settles: True where the candidate is what the sources say now, so that its end decides over `problems`.
        """
        if candidate.problems:
            return self._reject(candidate.problems, cause, settles=settles)
        changed = tuple(dotted(path) for path in differences(old.tree, candidate.tree))
        if not changed and candidate.secrets == old.secrets and candidate.sections.keys() == old.paths:
            self._accept(settles=settles)
            # Values may have moved to other places: what explains them must know, though nobody else has to.
            # Not of `old`: it lacks what was bound meanwhile.
            self.snapshot = attrs.evolve(self.in_force(), layers=candidate.layers)
            return Outcome(applied=True, generation=old.generation)
        new = attrs.evolve(await self._snapshot_of(candidate, cause), changed=changed)
        refusal = await self.participants.prepare(old, new)
        if refusal is not None:
            return self._reject((refusal.problem(new, self.schema()),), cause, settles=settles)
        self._swap(new, old, begun, settles=settles)
        await self.participants.commit()
        return Outcome(applied=True, generation=new.generation, changed=changed)

    async def _build(self, old: Snapshot | None) -> Candidate:
        launch, schema = self.launch(), self.schema()
        known = partial(self.memory.complete, path=launch.remembers_in(), schema=schema, start=old is None)
        candidate = await build(self.parts, launch, schema=schema, old=old, complete=known)
        before = self.watched
        self.watch(candidate.layers)
        if candidate.problems:  # a source that failed names no files: its cure may be in those it named before
            self.watched = tuple(dict.fromkeys((*self.watched, *before)))
        return candidate

    def watch(self, layers: Iterable[Layer]) -> None:
        """Remember what to watch, of bad layers too: their cure is a change of the same files."""
        self.watched = tuple(dict.fromkeys(path for layer in layers for path in layer.watch))

    async def _snapshot_of(self, candidate: Candidate, cause: Cause) -> Snapshot:
        sections = {".".join(path): section for path, section in candidate.sections.items()}
        return Snapshot(
            generation=(self.snapshot.generation if self.snapshot is not None else 0) + 1,
            tree=candidate.tree,
            sections=sections,
            layers=candidate.layers,
            secrets=candidate.secrets,
            fingerprint=await self.fingerprint.of(sections, candidate.secrets),
            created=time.time(),
            reason=cause.reason,
            actor=cause.actor,
        )

    def _swap(self, new: Snapshot, old: Snapshot | None, begun: float, *, settles: bool) -> None:
        calls: list[Callable[[], object]] = []
        if old is not None and self.snapshot is not None:  # what was bound while this reload ran is not lost in it
            late = {name: self.snapshot.sections[name] for name in self.snapshot.sections if name not in new.sections}
            new = attrs.evolve(new, sections={**late, **new.sections})
        self.snapshot = new
        for path, (_, live) in self.lives.items():
            name = ".".join(path)
            if name in new.sections and (old is None or new.sections[name] is not old.sections.get(name)):
                calls += live.put(new.sections[name], new.generation)
        self._accept(settles=settles)
        self._warn(f"a subscriber of the configuration failed: {failure}" for failure in call_all(calls))
        self.emit(
            ConfigReloaded(
                generation=new.generation,
                fingerprint=new.fingerprint,
                reason=new.reason,
                actor=new.actor,
                changed=new.changed,
                seconds=time.perf_counter() - begun,
            )
        )

    def _accept(self, *, settles: bool) -> None:
        if settles:
            self.problems, self.rejected = (), None
            self.memory.accept(self.in_force().secrets)

    def _reject(self, problems: tuple[Problem, ...], cause: Cause, *, settles: bool) -> Outcome:
        generation = self.snapshot.generation if self.snapshot is not None else 0
        lines = tuple(map(str, problems))
        rejected = ConfigRejected(generation=generation, reason=cause.reason, actor=cause.actor, problems=lines)
        if settles:
            self.problems, self.rejected = problems, rejected
        self.emit(rejected)
        return Outcome(applied=False, generation=generation, problems=problems)

    def _hold_back(self, pin: Pin, reason: str) -> Outcome:
        self.pin = attrs.evolve(pin, held=pin.held + 1, last=reason)
        message = f"reload held back ({reason}): {pin}; unpin to reload"
        if reason != pin.last:  # a source that polls asks again and again
            self._warn([message])
        return Outcome(applied=False, generation=self.in_force().generation, problems=(Problem(message),))

    def _warn(self, messages: Iterable[str]) -> None:
        for message in messages:
            self.emit(ConfigWarning(message=message))
