"""`Report`: the health of a service, or of a group of its checks, at one moment."""

from __future__ import annotations

import time
from collections.abc import Collection

import attrs

from trivet.health.check import Status
from trivet.health.rendering import health_json, kubernetes_text, plain_json
from trivet.health.result import Result


@attrs.frozen(kw_only=True)
class Report:
    """The last results of a group's checks; the worst of them is the group's status.

    Args:
        group: ``live``, ``ready``, ``startup``, an own name; None for all checks.
        results: By name.
        gate: Why the kernel itself says no, whatever the checks say (``starting``, ``stopping``); None where it does not.
        at: When it was made, in seconds since the epoch.
    """

    group: str | None
    results: tuple[Result, ...]
    gate: str | None = None
    at: float = attrs.field(factory=time.time)

    @property
    def status(self) -> Status:
        """The worst of all; pass where there is nothing to check."""
        if self.gate is not None:
            return Status.FAIL
        return max((result.counts_as(self.group) for result in self.results), default=Status.PASS)

    @property
    def ok(self) -> bool:
        """True unless the status is fail: a service with warnings goes on serving."""
        return self.status is not Status.FAIL

    @property
    def root_causes(self) -> tuple[str, ...]:
        """The failing checks that nothing else explains, sorted; they may belong to other groups."""
        failing = [result for result in self.results if result.counts_as(self.group) is not Status.PASS]
        return tuple(sorted({cause for result in failing for cause in result.causes or (result.name,)}))

    def without(self, names: Collection[str]) -> Report:
        """Return the report as if some checks were not there."""
        return attrs.evolve(self, results=tuple(result for result in self.results if result.name not in names))

    def tagged(self, tag: str) -> Report:
        """Return the report of the checks that have a tag."""
        return attrs.evolve(self, results=tuple(result for result in self.results if tag in result.plan.tags))

    @property
    def http_status(self) -> int:
        """200, or 503 where the status is fail."""
        return 200 if self.ok else 503

    def to_json(self, *, service: str | None = None, details: bool = True) -> dict[str, object]:
        """Return the report as ``application/health+json`` has it: see `trivet.health.rendering.health_json`."""
        return health_json(self, service=service, details=details)

    def to_plain_json(self, *, service: str | None = None) -> dict[str, object]:
        """Return the report as plain data: see `trivet.health.rendering.plain_json`."""
        return plain_json(self, service=service)

    def to_text(self, *, verbose: bool = False, details: bool = False) -> str:
        """Return the report as Kubernetes prints it: see `trivet.health.rendering.kubernetes_text`."""
        return kubernetes_text(self, verbose=verbose, details=details)
