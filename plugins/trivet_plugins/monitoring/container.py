"""Measure the container: CPU and its throttling, memory and its limit, processes, disk (cgroup v2), and pressure (PSI).

Where there is no cgroup v2 it has nothing to say and says nothing. Config (``plugins.container``): ``interval`` in seconds (1),
``cgroup`` (``/sys/fs/cgroup``) and ``proc`` (``/proc``), the roots to read below. Names begin with ``container_``; the machine's
pressure is ``system_pressure_seconds_total``. A rate of pressure of 0.2 means: a fifth of the time something waited.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from trivet import Provider, hookimpl
from trivet_plugins.monitoring.cgroup import PROC, ROOT, Cgroup, pressure, read
from trivet_plugins.monitoring.readings import every, follow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trivet import Composition, Kernel
    from trivet.metrics.registry import Metrics

_RESOURCES: Final = ("cpu", "memory", "io")
_MEMORY_STATES: Final = ("anon", "file", "inactive_file", "kernel", "sock")
_MICRO: Final = 1e6


@attrs.frozen
class ContainerConfig:
    """How often to sample, and where."""

    interval: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    cgroup: Path = ROOT
    proc: Path = PROC


class ContainerSampler:
    """Reads the files of a cgroup into metrics. A file that is not there makes no series.

    Args:
        metrics: Where the series are.
        config: Where the files are.
    """

    def __init__(self, metrics: Metrics, config: ContainerConfig) -> None:
        counter, gauge = metrics.counter, metrics.gauge
        self._proc = config.proc
        self._group = Cgroup.own(config.cgroup, config.proc)
        self._cpu = counter("container_cpu_usage_seconds_total", "CPU time spent.", labels=("mode",))
        self._limit = gauge("container_cpu_limit_cores", "CPUs whose time the container may take.")
        self._periods = counter("container_cpu_periods_total", "Periods with a CPU limit.", labels=("throttled",))
        self._throttled = counter("container_cpu_throttled_seconds_total", "Time that tasks waited for the CPU limit.")
        self._memory = gauge("container_memory_bytes", "Memory in use.", labels=("state",))
        self._available = gauge("container_memory_available_bytes", "Memory below the tightest limit.")
        self._memory_limit = gauge("container_memory_limit_bytes", "The tightest limit of memory.")
        self._events = counter("container_memory_events_total", "Limits hit, and what came of it.", labels=("event",))
        self._pids = gauge("container_pids", "Processes and threads, and their limit.", labels=("what",))
        self._io = counter("container_io_bytes_total", "Bytes moved by all disks.", labels=("direction",))
        waited = "Time in which some or all tasks waited for a resource."
        self._pressure = counter("container_pressure_seconds_total", waited, labels=("resource", "kind"))
        self._system_pressure = counter("system_pressure_seconds_total", waited, labels=("resource", "kind"))

    def take(self) -> None:
        """Read everything once."""
        self._take_cpu()
        self._take_memory()
        self._take_rest()
        for resource in _RESOURCES:
            for kind, seconds in pressure(self._group.text(f"{resource}.pressure")).items():
                follow(self._pressure[resource, kind], seconds)
            for kind, seconds in pressure(read(self._proc / "pressure" / resource)).items():
                follow(self._system_pressure[resource, kind], seconds)

    def _take_cpu(self) -> None:
        found = self._group.table("cpu.stat")
        for mode in ("user", "system"):
            if (spent := found.get(f"{mode}_usec")) is not None:
                follow(self._cpu[mode,], spent / _MICRO)
        if (limit := self._group.cpu_limit()) is not None:
            self._limit.set(limit)
        if "nr_periods" in found:
            throttled = found.get("nr_throttled", 0)
            follow(self._periods["yes",], throttled)
            follow(self._periods["no",], found["nr_periods"] - throttled)
            follow(self._throttled[()], found.get("throttled_usec", 0) / _MICRO)

    def _take_memory(self) -> None:
        if (current := self._group.number("memory.current")) is not None:
            self._memory["current",].set(current)
        stat = self._group.table("memory.stat")
        for state in _MEMORY_STATES:
            if state in stat:
                self._memory[state,].set(stat[state])
        tightest = min(self._group.memory_limits(), default=None)
        if tightest is not None:
            self._available.set(tightest[0])
            self._memory_limit.set(tightest[1])
        for event, times in self._group.table("memory.events").items():
            follow(self._events[event,], times)

    def _take_rest(self) -> None:
        for what, name in (("current", "pids.current"), ("limit", "pids.max")):
            if (number := self._group.number(name)) is not None:
                self._pids[what,].set(number)
        if self._group.text("io.stat"):
            for direction, moved in zip(("read", "written"), self._group.io_bytes(), strict=True):
                follow(self._io[direction,], moved)


@asynccontextmanager
async def sample(config: ContainerConfig, kernel: Kernel) -> AsyncIterator[ContainerSampler]:
    """Sample while the service runs."""
    sampler = ContainerSampler(kernel.metrics, config)
    async with every(config.interval, sampler.take):
        yield sampler


@hookimpl
def register_services(composition: Composition) -> list[Provider[ContainerSampler]]:
    """Offer ``service/container``."""
    return [Provider(name="container", factory=sample, config=ContainerConfig, critical=False, restart=3)]
