"""The audit log: every use of a key, a password or a token, and every change of configuration that somebody asked for.

Config (``plugins.audit``): ``path``, the directory that ``trivet audit init`` made; without it there is no log. ``mode``, by
default what the security level says: ``chain`` authenticates each record with a key that moves on, ``checkpoints`` signs the
whole log now and then besides, and with ``fail_closed`` an operation that cannot be recorded fails, too. ``delay``, seconds that
records may gather before they are written at once (not with ``fail_closed``); ``checkpoint_records`` and
``checkpoint_interval``, seconds; ``segment_bytes``. All of them count from the start on. Example::

    [plugins.audit]
    path = "/var/lib/orders/audit"

It starts before anything is opened. Copies go to sinks: the hook ``register_audit_sinks``.
"""

from __future__ import annotations

import pathlib
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import attrs
from attrs.validators import ge, gt

from trivet import Provider, Recorder, SecurityLevel, Shortfall, hookimpl
from trivet_plugins.security.audit import hookspecs as trivet_hookspecs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from trivet import Composition, Kernel

__all__ = ("AuditConfig", "register_services", "trivet_hookspecs")

_MODES = ("chain", "checkpoints", "fail_closed")


@attrs.frozen(kw_only=True)
class AuditConfig:
    """The section ``plugins.audit``."""

    path: pathlib.Path | None = None
    mode: Literal["chain", "checkpoints", "fail_closed"] | None = None
    delay: float = attrs.field(default=0.05, validator=ge(0))
    checkpoint_records: int = attrs.field(default=1000, validator=ge(1))
    checkpoint_interval: float = attrs.field(default=60.0, validator=gt(0))
    segment_bytes: int = attrs.field(default=64 * 1024 * 1024, validator=ge(4096))

    def shortfalls(self, level: SecurityLevel) -> Iterator[Shortfall]:
        """Say where the log does less than the level asks for."""
        if self.path is None and level.audit == "fail_closed":
            yield Shortfall("path", f"there is no audit log, and level {level.name} asks for one that is fail-closed")
        if self.mode is not None and _MODES.index(self.mode) < _MODES.index(level.audit):
            yield Shortfall("mode", f"{self.mode} is less than the {level.audit} of level {level.name}")


class NoLog:
    """Stands in where no log is turned on: nothing is recorded, nothing waits."""

    def admit(self) -> None:
        """Let everything begin."""

    def record(self, operation: object) -> None:
        """Forget it."""


@asynccontextmanager
async def keep(config: AuditConfig, kernel: Kernel) -> AsyncIterator[Recorder]:
    """Open the log and write it while the kernel runs."""
    if config.path is None:
        yield NoLog()
        return
    from trivet_plugins.security.audit.journal import Journal, JournalPolicy
    from trivet_plugins.security.audit.log import AuditLog, running

    mode = config.mode or kernel.service(SecurityLevel).audit
    policy = JournalPolicy(
        sign=mode != "chain",
        checkpoint_records=config.checkpoint_records,
        checkpoint_interval=config.checkpoint_interval,
        segment_bytes=config.segment_bytes,
        strict=mode == "fail_closed",
    )
    journal = Journal(config.path, kernel=kernel.name, node=socket.gethostname(), policy=policy)
    try:
        log = AuditLog(kernel, journal, fail_closed=mode == "fail_closed", delay=config.delay)
        async with running(log, kernel) as recorder:
            yield recorder
    finally:
        journal.close()


@hookimpl
def register_services(composition: Composition) -> list[Provider[Recorder]]:
    """Offer ``service/audit``."""
    requires = ("service/security_level",)
    return [Provider(name="audit", factory=keep, config=AuditConfig, provides=Recorder, requires=requires)]
