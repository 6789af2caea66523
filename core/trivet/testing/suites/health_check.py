"""What every `HealthCheck` promises."""

from __future__ import annotations

import math
from typing import Final

import anyio
import pytest

from trivet.health.check import CheckPlan, HealthCheck, Status, Verdict
from trivet.health.registry import Health
from trivet.testing.suites.suite import Suite, override

LATE: Final = 1.0
"""Seconds beyond a check's own timeout that a loaded machine may add."""


async def _verdict(check: HealthCheck) -> Verdict:
    with anyio.fail_after(check.plan.timeout + LATE):
        return await check.check() or Verdict()


class HealthCheckSuite(Suite):
    """The promises of a health check. Override `check` with one whose subject is well, and `failing` where that can be made."""

    @pytest.fixture
    def check(self) -> HealthCheck:
        """Return the check; what it looks at is well."""
        override("check")

    @pytest.fixture
    def failing(self) -> HealthCheck:
        """Return a check whose subject is not well."""
        pytest.skip("override the fixture failing to prove what the check says when its subject is not well")

    def test_it_has_the_shape_of_its_contract(self, check: HealthCheck) -> None:
        """It has a plan, which counts for at least one group."""
        assert isinstance(check, HealthCheck)
        assert isinstance(check.plan, CheckPlan)
        assert check.plan.groups
        assert all(check.plan.groups)

    async def test_it_passes_where_all_is_well(self, check: HealthCheck) -> None:
        """Its verdict, within its timeout, is a pass."""
        verdict = await _verdict(check)
        assert isinstance(verdict, Verdict)
        assert verdict.status is Status.PASS

    async def test_what_it_observes_are_numbers(self, check: HealthCheck) -> None:
        """Observations are finite numbers under names, so that they can be kept and plotted."""
        for name, value in (await _verdict(check)).observed.items():
            assert isinstance(name, str)
            assert isinstance(value, int | float)
            assert math.isfinite(value)

    async def test_it_can_be_asked_again(self, check: HealthCheck) -> None:
        """A check runs again and again: the same state gives the same status."""
        statuses = [(await _verdict(check)).status for _ in range(5)]
        assert set(statuses) == {Status.PASS}

    async def test_it_can_be_cancelled_and_asked_again(self, check: HealthCheck) -> None:
        """A run that is cancelled, as a time-out does it, leaves the check fit for another, soon if not at once."""
        with anyio.CancelScope() as scope:
            scope.cancel()
            await check.check()
        with anyio.fail_after(check.plan.timeout + LATE):
            # A thread of the first run may still be at it, and nothing tells when it ends.
            while (await _verdict(check)).status is not Status.PASS:  # noqa: ASYNC110
                await anyio.sleep(0.01)

    async def test_a_failure_says_what_is_wrong(self, failing: HealthCheck) -> None:
        """Where its subject is not well it warns, fails or raises, in time, with one line for a person."""
        health = Health()
        health.add("suite", failing)
        await health.refresh()
        verdict = health.results["suite"].verdict
        assert verdict.status is not Status.PASS
        assert verdict.output.strip()
        assert "\n" not in verdict.output.strip()
