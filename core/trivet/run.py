"""`Run`: one life of a kernel, from start to stop.

Start, phase by phase (`trivet.phase.Phase`), wave by wave, the providers of a wave at once: local config sources load
-> plugins that the configuration enables are added -> provider sections are structured -> what opens sealed values starts
-> remote sources load -> the whole configuration is validated -> services -> the application's tasks. Stop: in reverse, one
at a time.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import anyio

from trivet.composition import factory_parameters
from trivet.errors import ProviderFailed, ProviderStartError
from trivet.events import KernelStarted, KernelStopping, ProviderSlow, ProviderStateChanged
from trivet.failure import describe
from trivet.phase import Phase
from trivet.routing import attach
from trivet.supervision import Slot, State

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from trivet.composition import Composition, Declared
    from trivet.config.live import Live
    from trivet.kernel import Kernel

_SLOW_CHECK = 0.05

RUNNING: Final[set[Kernel]] = set()
"""The kernels of this process that have begun to start and not ended to stop: `trivet.testing` finds the one a test forgot."""


class Run:
    """One start and stop.

    Args:
        kernel: Whose.
        tasks: Its task group; every provider has a task in it.
        body: The scope around the start and the application's body; cancelled when a critical provider fails.
    """

    def __init__(self, kernel: Kernel, tasks: TaskGroup, body: anyio.CancelScope) -> None:
        self.slots: dict[str, Slot] = {}
        self.fatal: ProviderFailed | None = None
        self._kernel = kernel
        self._tasks = tasks
        self._body = body
        self._started: list[Slot] = []
        self._sections: dict[str, Live[object]] = {}
        self._validated = False
        self._warned: set[str] = set()

    async def start(self, until: Phase) -> None:
        """Start all phases up to ``until``; after the remote sources the configuration is loaded and validated."""
        kernel, begun, slow_watch = self._kernel, time.perf_counter(), anyio.CancelScope()
        RUNNING.add(kernel)
        kernel.health.ready_gate("starting")
        self._tasks.start_soon(self._warn_of_slow, slow_watch)
        try:
            composition = await self._find_plugins()
            self._bind_sections(composition)
            await kernel.config.preload(lenient=False)  # what text means (a list, X_FILE) is known with the sections
            await self._start_phases(composition, Phase.SECURITY, Phase.SECURITY)
            if until >= Phase.REMOTE:  # sealing and opening (Kernel.secured) must work while the configuration does not
                await self._start_remote(composition)
                await kernel.config.load(reason="start")
                self._validated = True
            if until > Phase.REMOTE:
                self._tasks.start_soon(kernel.health.run)
                self._tasks.start_soon(kernel.config.expire_overrides)
                await self._start_phases(composition, Phase.SERVICE, until)
                self._tasks.start_soon(kernel.config.remember)  # good is what its services start with
                kernel.health.ready_gate(None)
                kernel.emit(KernelStarted(kernel=kernel.name, seconds=time.perf_counter() - begun))
        finally:
            slow_watch.cancel()

    async def _find_plugins(self) -> Composition:
        """Start local sources, load what they know, add the plugins named there, until nothing new turns up."""
        kernel = self._kernel
        while True:
            composition = kernel.compose()
            await self._retire_replaced(composition)
            await self._start_phases(composition, Phase.LOCAL, Phase.LOCAL)
            await kernel.config.preload()
            enable, block = (_names(kernel.config.peek(("plugins", key))) for key in ("enable", "block"))
            if not kernel.assembly.admit(enable, block):
                return composition

    async def _retire_replaced(self, composition: Composition) -> None:
        for slot in [one for one in self._started if composition.providers.get(one.id) is not one.declared]:
            await slot.stop()
            self._started.remove(slot)
            del self.slots[slot.id]

    def _bind_sections(self, composition: Composition) -> None:
        for declared in composition.providers.values():
            cls, section = declared.provider.config, f"plugins.{declared.provider.name}"
            if cls is not None:
                self._sections[section] = self._kernel.config.bind(section, cls)

    async def _start_remote(self, composition: Composition) -> None:
        remote = [composition.providers[id_].provider for wave in composition.waves[Phase.REMOTE] for id_ in wave]
        sections = [f"plugins.{provider.name}" for provider in remote if provider.config is not None]
        await self._kernel.config.resolve_preloaded(sections)
        await self._start_phases(composition, Phase.REMOTE, Phase.REMOTE)

    async def _start_phases(self, composition: Composition, first: Phase, last: Phase) -> None:
        for phase in Phase:
            if first <= phase <= last:
                for wave in composition.waves[phase]:
                    await self._start_wave(composition, [id_ for id_ in wave if id_ not in self.slots])

    async def _start_wave(self, composition: Composition, wave: list[str]) -> None:
        failures: list[Exception] = []

        async def start(slot: Slot) -> None:
            try:
                await self._start_slot(composition, slot)
            except Exception as exc:  # noqa: BLE001 - collected, so that one clear error leaves instead of a group
                failures.append(exc)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for id_ in wave:
                slot = self.slots[id_] = self._slot(composition.providers[id_])
                group.start_soon(start, slot)
        if failures:
            raise failures[0]

    def _slot(self, declared: Declared) -> Slot:
        return Slot(
            declared,
            arguments=self._arguments,
            attach=partial(attach, self._kernel),
            changed=self._slot_changed,
            watch=self._kernel.assembly.watch,
        )

    async def _start_slot(self, composition: Composition, slot: Slot) -> None:
        try:
            self._check_requirements(composition, slot)
            await slot.start(self._tasks, self._crashed)
        except Exception as exc:
            if slot.declared.provider.critical:
                raise
            slot.become(State.FAILED, exc)
        else:
            self._started.append(slot)

    def _check_requirements(self, composition: Composition, slot: Slot) -> None:
        for wanted in composition.requirements(slot.id):
            other = self.slots.get(wanted)
            if other is None or other.state is not State.RUNNING:
                why = f": {describe(other.error)}" if other is not None and other.error is not None else ""
                raise ProviderStartError(
                    slot.id, slot.declared.plugin.name, "start", f"needs {wanted}, which does not run{why}"
                )

    def _arguments(self, declared: Declared) -> dict[str, object]:
        available: dict[str, object] = {"kernel": self._kernel}
        cls = declared.provider.config
        if cls is not None:
            section = f"plugins.{declared.provider.name}"
            available["config"] = (
                self._sections[section].current if self._validated else self._kernel.config.provisional(section, cls)
            )
        return {name: available[name] for name in factory_parameters(declared.provider) if name in available}

    def _slot_changed(self, slot: Slot) -> None:
        error = describe(slot.error) if slot.error is not None else None
        plugin = slot.declared.plugin.name
        self._kernel.emit(ProviderStateChanged(provider=slot.id, plugin=plugin, state=slot.state.value, error=error))

    async def _warn_of_slow(self, until: anyio.CancelScope) -> None:
        with until:
            while True:
                await anyio.sleep(_SLOW_CHECK)
                for slot in self.slots.values():
                    self._warn_if_slow(slot)

    def _warn_if_slow(self, slot: Slot) -> None:
        limit = slot.declared.provider.start_timeout / 2
        if slot.id not in self._warned and slot.starting_for() >= limit:
            self._warned.add(slot.id)
            plugin = slot.declared.plugin.name
            self._kernel.emit(ProviderSlow(provider=slot.id, plugin=plugin, seconds=limit, stack=slot.stack()))

    def _crashed(self, slot: Slot) -> None:
        if not slot.declared.provider.critical or self.fatal is not None:
            return
        cause = cast("BaseException", slot.error)
        self.fatal = ProviderFailed(slot.id, slot.declared.plugin.name, describe(cause))
        self.fatal.__cause__ = cause
        self._kernel.stop(str(self.fatal))
        self._body.cancel()

    async def stop(self, reason: str) -> None:
        """Stop everything that started, in reverse order, one at a time. Readiness falls first."""
        self._kernel.health.ready_gate("stopping")
        self._kernel.emit(KernelStopping(kernel=self._kernel.name, reason=reason))
        # First those that were starting when the stop began: they may lean on what runs.
        starting = [slot for slot in self.slots.values() if slot not in self._started]
        for slot in [*reversed(starting), *reversed(self._started)]:
            await slot.stop()
        RUNNING.discard(self._kernel)


def _names(value: object) -> list[str]:
    # Before validation: a comma list from a text layer, or a list; what is neither is reported when everything is validated.
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]
