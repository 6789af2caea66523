"""What a health check is: a contract for plugins, its verdict, and how it is run."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

import attrs

from trivet.errors import HealthError


class Status(enum.IntEnum):
    """A verdict, ordered: the worst of many is their ``max``. Named as in the ``application/health+json`` draft."""

    PASS = 0
    WARN = 1
    FAIL = 2

    def __str__(self) -> str:
        return self.name.lower()


@attrs.frozen
class Verdict:
    """What a check says.

    Args:
        status: Pass, warn or fail.
        output: One sentence for a person; empty where all is well. Never a secret.
        observed: Numbers worth keeping, e.g. ``{"free_bytes": 1.2e9}``.
    """

    status: Status = Status.PASS
    output: str = ""
    observed: Mapping[str, float] = attrs.field(factory=dict)


@runtime_checkable
class HealthCheck(Protocol):
    """A health check of a plugin. A check of an application is a plain coroutine function under ``@kernel.health.check(...)``."""

    @property
    def plan(self) -> CheckPlan:
        """How to run it; read once, when the check is added."""
        ...

    async def check(self) -> Verdict | None:
        """Return a verdict; None is a pass, an exception a failure with its text as output."""
        ...


def _names(names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        msg = f'groups, tags and depends_on are sets of names, e.g. {{"{names}"}}, got the string {names!r}'
        raise HealthError(msg)
    return frozenset(names)


@attrs.frozen(kw_only=True)
class CheckPlan:
    """How a check is run: in the background, each in its own rhythm, so that asking never waits.

    Args:
        groups: The endpoints it counts for: ``live``, ``ready``, ``startup`` or own names.
        tags: Own words to find it by, e.g. ``{"storage"}``; they change nothing in how it counts.
        depends_on: Names of checks without which this one cannot pass: where both fail, the report names the other as the cause.
        timeout: Seconds; longer is a failure.
        interval: Seconds between the end of one run and the next.
        initial_delay: Seconds before the first run.
        fail_after: Failures in a row before the status falls.
        recover_after: Passes in a row before it rises again.
        critical: False: a failure counts as a warning in its groups.
    """

    groups: frozenset[str] = attrs.field(default=frozenset({"ready"}), converter=_names)
    tags: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    depends_on: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    timeout: float = attrs.field(default=2.0, validator=attrs.validators.gt(0))
    interval: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))
    initial_delay: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    fail_after: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    recover_after: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    critical: bool = True
