"""`Phase`: when providers start. From what they are and what they come after follows the order in which they do."""

from __future__ import annotations

import enum
import graphlib
from typing import TYPE_CHECKING

from trivet.ciphers.level import SecurityLevel
from trivet.ciphers.passwords import Passwords
from trivet.ciphers.recorder import Recorder
from trivet.errors import CompositionError, RequirementCycle

if TYPE_CHECKING:
    from trivet.composition import Composition, Declared

_LOCAL = frozenset({"config_format", "config_source"})
_BEFORE_VALIDATION = frozenset({"cipher", "key_source", "password_hasher", "resolver"})
_SECURITY_SERVICES = (Passwords, Recorder, SecurityLevel)


class Phase(enum.IntEnum):
    """When a provider starts; what a provider requires starts no later than itself."""

    LOCAL = 0  # formats and sources without settings of their own: they find the rest
    SECURITY = 1  # what opening sealed values takes
    REMOTE = 2  # sources with settings; then the full configuration is validated
    SERVICE = 3  # everything else
    APPLICATION = 4  # the application's own tasks: all of the above is there for them


def waves_of(composition: Composition) -> dict[Phase, tuple[tuple[str, ...], ...]]:
    """Return per phase the groups of ids that start together, in order.

    Raises:
        RequirementCycle: if providers wait for each other.
        CompositionError: if a provider with settings would have to start before there are any.
    """
    phases = _phases(composition)
    waves: dict[Phase, list[tuple[str, ...]]] = {phase: [] for phase in Phase}
    for phase in Phase:
        members = [id_ for id_ in sorted(phases) if phases[id_] is phase]
        graph = {id_: [one for one in composition.predecessors(id_) if phases[one] is phase] for id_ in members}
        sorter = graphlib.TopologicalSorter(graph)
        sorter.prepare()
        while sorter.is_active():
            ready = sorter.get_ready()
            waves[phase].append(tuple(sorted(ready)))
            sorter.done(*ready)
    return {phase: tuple(groups) for phase, groups in waves.items()}


def _phases(composition: Composition) -> dict[str, Phase]:
    graph = {id_: composition.predecessors(id_) for id_ in composition.providers if id_ not in composition.unavailable}
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as exc:
        raise RequirementCycle(exc.args[1][:0:-1]) from None  # graphlib lists a cycle from required to requiring
    phases = {id_: _own_phase(composition.providers[id_]) for id_ in order}
    for id_ in reversed(order):
        for wanted in graph[id_]:
            phases[wanted] = min(phases[wanted], phases[id_])
    for id_, phase in phases.items():
        if phase is Phase.LOCAL and composition.providers[id_].provider.config is not None:
            msg = f"{id_} is required by a local config source and so cannot have settings of its own; remove config="
            raise CompositionError(msg)
    return phases


def _own_phase(item: Declared) -> Phase:
    if item.kind == "task":
        return Phase.APPLICATION
    if item.kind in _BEFORE_VALIDATION or item.provider.provides in _SECURITY_SERVICES:
        return Phase.SECURITY
    if item.kind in _LOCAL:
        return Phase.LOCAL if item.provider.config is None else Phase.REMOTE
    return Phase.SERVICE
