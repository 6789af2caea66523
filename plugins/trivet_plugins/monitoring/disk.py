"""Warn when a disk runs full; fail when it is.

Config (``plugins.disk``): ``paths`` (default: the working directory), ``warn_share`` and ``fail_share`` of free space (0.10 and
0.02), ``fail_bytes`` (16 MiB), ``critical`` (false: a failure degrades the service and does not take it out of work). Example::

    [plugins.disk]
    paths = ["/var/lib/orders", "/tmp"]
    warn_share = 0.2
"""

from __future__ import annotations

import shutil
from pathlib import Path

import attrs

from trivet import CheckPlan, Composition, HealthCheck, Provider, Status, Verdict, hookimpl
from trivet.health.function import ThreadCheck

_SHARE = attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.le(1.0))


@attrs.frozen
class DiskConfig:
    """When a disk counts as full."""

    paths: tuple[Path, ...] = (Path(),)
    warn_share: float = attrs.field(default=0.10, validator=_SHARE)
    fail_share: float = attrs.field(default=0.02, validator=_SHARE)
    fail_bytes: int = attrs.field(default=16 * 2**20, validator=attrs.validators.ge(0))
    critical: bool = False


def disk_check(config: DiskConfig) -> HealthCheck:
    """Return a check that asks in a thread of its own: a network file system may never answer."""
    plan = CheckPlan(groups={"ready"}, timeout=5, interval=30, critical=config.critical)
    return ThreadCheck(lambda: max((free_space(path, config) for path in config.paths), key=_badness), plan)


def free_space(path: Path, config: DiskConfig) -> Verdict:
    """Judge the free space of the file system that holds a path."""
    usage = shutil.disk_usage(path)
    share = usage.free / usage.total if usage.total else 1.0
    failed = share < config.fail_share or usage.free < config.fail_bytes
    status = Status.FAIL if failed else Status.WARN if share < config.warn_share else Status.PASS
    output = f"{share:.1%} of the disk of {path.absolute()} is free" if status else ""
    return Verdict(status, output, {"free_bytes": usage.free, "free_share": share})


def _badness(verdict: Verdict) -> tuple[int, float]:
    return verdict.status, -verdict.observed["free_share"]


@hookimpl
def register_health_checks(composition: Composition) -> list[Provider[HealthCheck]]:
    """Offer ``health_check/disk``."""
    return [Provider(name="disk", factory=disk_check, config=DiskConfig)]
