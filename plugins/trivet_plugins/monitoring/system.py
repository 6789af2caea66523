"""Measure the process and the machine: CPU, memory, file descriptors, threads, load, disk and network.

Config (``plugins.system``): ``interval`` in seconds (default 1). One sample costs about half a millisecond.
Process metrics have the names of the Prometheus client libraries (``process_cpu_seconds_total``, ...); the machine's begin
with ``system_``.
"""

from __future__ import annotations

import os
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from trivet import Composition, Kernel, Provider, hookimpl
from trivet_plugins.monitoring.readings import every, follow

if TYPE_CHECKING:
    from trivet.metrics.gauge import Gauge
    from trivet.metrics.registry import Metrics


@attrs.frozen
class SystemConfig:
    """How often to sample, in seconds."""

    interval: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))


class ProcessSample:
    """Metrics of this process."""

    def __init__(self, metrics: Metrics) -> None:
        import psutil

        self._process = psutil.Process()
        self._cpu = metrics.counter("process_cpu_seconds_total", "User and system CPU time spent.")
        self._resident = metrics.gauge("process_resident_memory_bytes", "Resident memory.")
        self._virtual = metrics.gauge("process_virtual_memory_bytes", "Virtual memory.")
        self._threads = metrics.gauge("process_threads", "Operating system threads.")
        self._open_files = metrics.gauge("process_open_fds", "Open file descriptors.")
        self._max_files = metrics.gauge("process_max_fds", "Limit of open file descriptors.")
        start = metrics.gauge("process_start_time_seconds", "Start time, seconds since the epoch.")
        start.set(self._process.create_time())

    def take(self) -> None:
        """Read everything once."""
        with self._process.oneshot():
            times, memory = self._process.cpu_times(), self._process.memory_info()
            follow(self._cpu, times.user + times.system)
            self._resident.set(memory.rss)
            self._virtual.set(memory.vms)
            self._threads.set(self._process.num_threads())
        self._open_files.set(self._process.num_fds())
        limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._max_files.set(float("inf") if limit == resource.RLIM_INFINITY else limit)


class MachineSample:
    """Metrics of the machine that the process runs on."""

    def __init__(self, metrics: Metrics) -> None:
        self._cpu = metrics.gauge("system_cpu_share", "Share of all CPUs' time in use since the last sample, 0 to 1.")
        self._load = metrics.gauge("system_load_average", "Runnable tasks.", labels=("minutes",))
        self._memory = metrics.gauge("system_memory_bytes", "Memory.", labels=("state",))
        self._swap = metrics.gauge("system_swap_bytes", "Swap space.", labels=("state",))
        self._disk = metrics.counter("system_disk_bytes_total", "Bytes moved by all disks.", labels=("direction",))
        self._network = metrics.counter(
            "system_network_bytes_total", "Bytes moved by all network devices but loopback.", labels=("direction",)
        )

    def take(self) -> None:
        """Read everything once."""
        import psutil

        self._cpu.set(psutil.cpu_percent(interval=None) / 100)
        for minutes, load in zip(("1", "5", "15"), os.getloadavg(), strict=True):
            self._load[minutes,].set(load)
        _fill(self._memory, psutil.virtual_memory(), "total", "available", "used")
        _fill(self._swap, psutil.swap_memory(), "total", "free", "used")
        disk = psutil.disk_io_counters()
        if disk is not None:  # a container without block devices
            follow(self._disk["read",], disk.read_bytes)
            follow(self._disk["written",], disk.write_bytes)
        devices = [device for name, device in psutil.net_io_counters(pernic=True).items() if name != "lo"]
        follow(self._network["received",], sum(device.bytes_recv for device in devices))
        follow(self._network["sent",], sum(device.bytes_sent for device in devices))


def _fill(gauge: Gauge, reading: object, *states: str) -> None:
    for state in states:
        gauge[state,].set(getattr(reading, state))


class SystemSampler:
    """Takes all samples."""

    def __init__(self, metrics: Metrics) -> None:
        self._samples = (ProcessSample(metrics), MachineSample(metrics))

    def take(self) -> None:
        """Read everything once."""
        for sample in self._samples:
            sample.take()


@asynccontextmanager
async def system_sampler(config: SystemConfig, kernel: Kernel) -> AsyncIterator[SystemSampler]:
    """Sample while the service runs."""
    sampler = SystemSampler(kernel.metrics)
    async with every(config.interval, sampler.take):
        yield sampler


@hookimpl
def register_services(composition: Composition) -> list[Provider[SystemSampler]]:
    """Offer ``service/system``."""
    return [
        Provider(
            name="system",
            factory=system_sampler,
            config=SystemConfig,
            provides=SystemSampler,
            critical=False,
            restart=3,
        )
    ]
