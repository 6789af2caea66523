"""Warn when memory runs short: the machine's, or the container's where that is tighter (cgroup v2).

Config (``plugins.memory``): ``warn_share`` and ``fail_share`` of available memory (0.10 and 0.03), ``critical`` (false),
``cgroup`` (``/sys/fs/cgroup``). Page cache that can be dropped at once counts as available, as for the kubelet.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from trivet import CheckPlan, Composition, HealthCheck, Provider, Status, Verdict, hookimpl
from trivet_plugins.monitoring.cgroup import ROOT, Cgroup


@attrs.frozen
class MemoryConfig:
    """When memory counts as short."""

    warn_share: float = 0.10
    fail_share: float = 0.03
    critical: bool = False
    cgroup: Path = ROOT


class MemoryCheck:
    """Compare available memory with its limit, on the machine and in every cgroup from ours up to the root."""

    def __init__(self, config: MemoryConfig) -> None:
        self.plan = CheckPlan(groups={"ready"}, interval=10, critical=config.critical)
        self._config = config

    async def check(self) -> Verdict:
        """Judge the tightest limit."""
        import psutil

        host = psutil.virtual_memory()
        limits = [(host.available, host.total, "the machine's"), *self._container_limits()]
        free, total, whose = min(limits, key=lambda limit: limit[0] / limit[1])
        share, config = free / total, self._config
        status = Status.FAIL if share < config.fail_share else Status.WARN if share < config.warn_share else Status.PASS
        output = f"{share:.1%} of {whose} {total / 2**20:.0f} MiB memory is available" if status else ""
        return Verdict(status, output, {"available_bytes": free, "available_share": share})

    def _container_limits(self) -> Iterator[tuple[int, int, str]]:
        for free, limit in Cgroup.own(self._config.cgroup).memory_limits():
            yield free, limit, "the container's"


@hookimpl
def register_health_checks(composition: Composition) -> list[Provider[HealthCheck]]:
    """Offer ``health_check/memory``."""
    return [Provider(name="memory", factory=MemoryCheck, config=MemoryConfig)]
