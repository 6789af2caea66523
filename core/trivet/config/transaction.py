"""`Transactions`: the snapshot in force, and the only way from it to the next."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from trivet.config.candidate import Candidate, Parts, build
from trivet.config.fingerprint import Fingerprint
from trivet.config.isolation import call_all
from trivet.config.layer import Layer
from trivet.config.live import Live
from trivet.config.origin import dotted
from trivet.config.participants import Participants
from trivet.config.problem import Problem
from trivet.config.schema import Schema
from trivet.config.snapshot import Snapshot
from trivet.config.tree import differences
from trivet.config.turns import Outcome
from trivet.errors import ConfigError
from trivet.events import ConfigRejected, ConfigReloaded, ConfigWarning, Event
from trivet.launch import Launch


class Transactions:
    """Builds, prepares, swaps and commits. Only one `reload` runs at a time; `trivet.config.turns` sees to that.

    Args:
        parts: What configuration is made with.
        emit: Takes events.
        launch: Says how the process was started.
    """

    def __init__(self, parts: Parts, *, emit: Callable[[Event], None], launch: Callable[[], Launch]) -> None:
        self.parts = parts
        self.lives: dict[tuple[str, ...], tuple[type, Live[Any]]] = {}
        self.participants = Participants()
        self.fingerprint = Fingerprint(parts.name)
        self.snapshot: Snapshot | None = None
        self.problems: tuple[Problem, ...] = ()
        self.rejected: ConfigRejected | None = None
        self.watched: tuple[pathlib.Path, ...] = ()
        self._emit = emit
        self._launch = launch

    def schema(self, *, lenient: bool = False) -> Schema:
        """Return the schema of what is bound now."""
        return Schema({path: cls for path, (cls, _) in self.lives.items()}, lenient=lenient)

    async def load(self, reason: str) -> None:
        """Load for the first time, or again in a new life of the kernel.

        Raises:
            ConfigError: with all problems.
        """
        begun = time.perf_counter()
        candidate = await self._build(None)
        self.problems = candidate.problems
        if candidate.problems:
            raise ConfigError(candidate.problems)
        new = await self._snapshot_of(candidate, reason)
        self._swap(new, None, (), begun)

    async def reload(self, reason: str) -> Outcome:
        """Run one transaction; see `Config.reload`."""
        begun, old = time.perf_counter(), self.snapshot
        candidate = await self._build(old)
        if candidate.problems or old is None:
            return self._reject(candidate.problems, reason)
        changed = tuple(dotted(path) for path in differences(old.tree, candidate.tree))
        if not changed and candidate.secrets == old.secrets and candidate.sections.keys() == _paths(old):
            self._accept()
            # Values may have moved to other places: what explains them must know, though nobody else has to.
            self.snapshot = attrs.evolve(old, layers=candidate.layers)
            return Outcome(applied=True, generation=old.generation)
        new = await self._snapshot_of(candidate, reason)
        refusal = await self._prepare(old, new)
        if refusal is not None:
            return self._reject((Problem(refusal),), reason)
        self._swap(new, old, changed, begun)
        self._warn(await self.participants.commit())
        return Outcome(applied=True, generation=new.generation, changed=changed)

    async def _build(self, old: Snapshot | None) -> Candidate:
        candidate = await build(self.parts, self._launch(), schema=self.schema(), old=old)
        self.watch(candidate.layers)
        return candidate

    def watch(self, layers: Iterable[Layer]) -> None:
        """Remember what to watch, of bad layers too: their cure is a change of the same files."""
        self.watched = tuple(dict.fromkeys(path for layer in layers for path in layer.watch))

    async def _snapshot_of(self, candidate: Candidate, reason: str) -> Snapshot:
        sections = {".".join(path): section for path, section in candidate.sections.items()}
        return Snapshot(
            generation=(self.snapshot.generation if self.snapshot is not None else 0) + 1,
            tree=candidate.tree,
            sections=sections,
            layers=candidate.layers,
            secrets=candidate.secrets,
            fingerprint=await self.fingerprint.of(sections, candidate.secrets),
            created=time.time(),
            reason=reason,
        )

    async def _prepare(self, old: Snapshot, new: Snapshot) -> str | None:
        try:
            refusal = await self.participants.prepare(old, new)
        except BaseException:  # cancelled: those who prepared must not wait for ever
            self._warn(await self.participants.rollback())
            raise
        if refusal is not None:
            self._warn(await self.participants.rollback())
        return refusal

    def _swap(self, new: Snapshot, old: Snapshot | None, changed: tuple[str, ...], begun: float) -> None:
        calls: list[Callable[[], object]] = []
        if old is not None and self.snapshot is not None:  # what was bound while this reload ran is not lost in it
            late = {name: self.snapshot.sections[name] for name in self.snapshot.sections if name not in new.sections}
            new = attrs.evolve(new, sections={**late, **new.sections})
        self.snapshot = new
        for path, (_, live) in self.lives.items():
            name = ".".join(path)
            if name in new.sections and (old is None or new.sections[name] is not old.sections.get(name)):
                calls += live.put(new.sections[name], new.generation)
        self._accept()
        self._warn(f"a subscriber of the configuration failed: {failure}" for failure in call_all(calls))
        self._emit(
            ConfigReloaded(
                generation=new.generation,
                fingerprint=new.fingerprint,
                reason=new.reason,
                changed=changed,
                seconds=time.perf_counter() - begun,
            )
        )

    def _accept(self) -> None:
        self.problems, self.rejected = (), None

    def _reject(self, problems: tuple[Problem, ...], reason: str) -> Outcome:
        generation = self.snapshot.generation if self.snapshot is not None else 0
        self.problems = problems
        self.rejected = ConfigRejected(generation=generation, reason=reason, problems=tuple(map(str, problems)))
        self._emit(self.rejected)
        return Outcome(applied=False, generation=generation, problems=problems)

    def _warn(self, messages: Iterable[str]) -> None:
        for message in messages:
            self._emit(ConfigWarning(message=message))


def _paths(snapshot: Snapshot) -> set[tuple[str, ...]]:
    return {tuple(name.split(".")) for name in snapshot.sections}
