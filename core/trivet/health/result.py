"""`Result`: what is known about a health check at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from trivet.health.check import Status, Verdict

if TYPE_CHECKING:
    from trivet.health.check import CheckPlan

LIVE: Final = "live"
STALE_INTERVALS: Final = 3


@attrs.frozen(kw_only=True)
class Result:
    """What is known about a check at one moment.

    Args:
        name: The check's name.
        plan: How it is run.
        status: After hysteresis; None: it has not run yet.
        verdict: Of the last run, as the check gave it.
        at: When the last run ended, in seconds since the epoch.
        age: Seconds since then.
        seconds: How long the last run took.
        failures: Failures in a row, up to now.
        causes: Checks that it depends on and that are to blame, as far down as they fail; empty where it is well or to blame.
        availability: Share of the time since the first verdict in which it did not fail, 0 to 1; None before that.
    """

    name: str
    plan: CheckPlan
    status: Status | None = None
    verdict: Verdict = attrs.field(factory=Verdict)
    at: float | None = None
    age: float | None = None
    seconds: float | None = None
    failures: int = 0
    causes: tuple[str, ...] = ()
    availability: float | None = None

    @property
    def pending(self) -> bool:
        """True until the first run has ended."""
        return self.status is None

    @property
    def stale(self) -> bool:
        """True when the last result is older than three intervals and a timeout: the check, or the event loop, hangs."""
        return self.age is not None and self.age > STALE_INTERVALS * self.plan.interval + self.plan.timeout

    @property
    def failing(self) -> bool:
        """True where the last verdict, after hysteresis, is a failure, or is too old to count."""
        return self.status is Status.FAIL or self.stale

    @property
    def output(self) -> str:
        """One sentence for a person; empty where all is well."""
        if self.pending:
            return "has not run yet"
        if self.stale:
            return f"no result for {self.age:.0f} s, due every {self.plan.interval:g} s"
        return self.verdict.output

    def counts_as(self, group: str | None = None) -> Status:
        """Return what the check contributes to a group.

        A stale result counts as a failure. So does a pending one, except for liveness: what has not failed yet is no reason to
        kill a process. The failure of a check that is not critical counts as a warning.

        Args:
            group: The group's name; None for the whole.
        """
        if self.pending:
            alive = group == LIVE or (group is None and self.plan.groups == {LIVE})
            status = Status.PASS if alive else Status.FAIL
        else:
            status = Status.FAIL if self.failing or self.status is None else self.status
        return status if self.plan.critical else min(status, Status.WARN)
