"""Watch the kernel itself: metrics and health checks of its configuration, providers and security operations.

Health: ``configuration`` warns while the last reload was rejected (the old snapshot is in force), while a generation is pinned,
while an override outlives its time, and while the last known good configuration stands in for a source; ``providers`` warns
while a provider has failed or a plugin is set aside. Both belong to ``ready`` and never fail it: the service works.

Config: none. To go without it: ``Kernel(block={"kernel"})``.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import attrs

from trivet import CheckPlan, Composition, Event, HealthCheck, Kernel, Provider, Status, Verdict, hookimpl
from trivet.events import ConfigRejected, ConfigReloaded, ProviderStateChanged, SecurityOperation

_OVERDUE_SECONDS = 5.0
_PLAN = CheckPlan(groups={"ready"}, interval=1.0, critical=False)


class KernelMetrics:
    """Count what the kernel tells.

    Args:
        kernel: The kernel to watch.
    """

    def __init__(self, kernel: Kernel) -> None:
        counter, gauge = kernel.metrics.counter, kernel.metrics.gauge
        self._health = kernel.health
        self._reloads = counter("trivet_config_reloads_total", "Loads of the configuration.", labels=("outcome",))
        self._changed = gauge("trivet_config_changed_timestamp_seconds", "When the configuration came into force.")
        self._states = counter("trivet_provider_states_total", "Changes of state.", labels=("provider", "state"))
        self._security = counter(
            "trivet_security_operations_total", "Sealed and opened.", labels=("operation", "outcome")
        )
        self._status = gauge("trivet_health_status", "0 pass, 1 warn, 2 fail.", labels=("check",))
        self._took = gauge("trivet_health_check_seconds", "How long its last run took.", labels=("check",))
        gauge("trivet_config_generation", "The configuration in force.", callback=lambda: kernel.config.generation)
        self._reloads.labels("accepted").inc()  # the load of the start came before this provider
        self._changed.set(time.time())

    def count(self, event: Event) -> None:
        """Count one event."""
        match event:
            case SecurityOperation():  # by far the most
                self._security.labels(event.operation, event.outcome).inc()
            case ConfigReloaded():
                self._reloads.labels("accepted").inc()
                self._changed.set(event.at)
            case ConfigRejected():
                self._reloads.labels("rejected").inc()
            case ProviderStateChanged():
                self._states.labels(event.provider, event.state).inc()

    def collect(self) -> None:
        """Set what is read rather than counted; called before a scrape."""
        for name, result in self._health.results.items():
            if result.status is not None:
                self._status.labels(name).set(result.status)
                self._took.labels(name).set(result.seconds or 0.0)


@asynccontextmanager
async def count_events(kernel: Kernel) -> AsyncIterator[KernelMetrics]:
    """Watch a kernel as long as it runs."""
    metrics = KernelMetrics(kernel)
    endings = kernel.observe(metrics.count), kernel.metrics.before_scrape(metrics.collect)
    try:
        yield metrics
    finally:
        for end in endings:
            end()


@attrs.frozen
class ConfigurationCheck:
    """Warn while what is in force is not what the sources say."""

    kernel: Kernel
    plan: CheckPlan = _PLAN

    async def check(self) -> Verdict | None:
        """Return a warning with all that is unusual, or None."""
        found = [*self._rejected(), *self._pinned(), *self._overdue(), *self._remembered()]
        return Verdict(Status.WARN, "; ".join(found)) if found else None

    def _rejected(self) -> Iterator[str]:
        first, *more = self.kernel.config.problems or (None,)
        if first is not None:
            others = f" (and {len(more)} more)" if more else ""
            generation = self.kernel.config.generation
            yield f"last reload rejected, generation {generation} stays: {first}{others}"

    def _pinned(self) -> Iterator[str]:
        pin = self.kernel.config.pinned
        if pin is not None:
            held = f", reloads held back: {pin.held}, the last for {pin.last}" if pin.held else ""
            yield f"{pin}{held}; unpin to reload"

    def _overdue(self) -> Iterator[str]:
        overdue = time.time() - _OVERDUE_SECONDS
        for override in self.kernel.config.overrides():
            if override.until is not None and override.until < overdue:
                yield f"{override} is still in force: its end was refused"

    def _remembered(self) -> Iterator[str]:
        stand_in = self.kernel.config.stand_in
        if stand_in is not None:
            yield f"{stand_in}, until a reload finds all sources"


@attrs.frozen
class ProvidersCheck:
    """Warn while a provider has failed or a plugin is set aside."""

    kernel: Kernel
    plan: CheckPlan = _PLAN

    async def check(self) -> Verdict | None:
        """Return a warning that names them, or None."""
        bad = [row for row in self.kernel.plugins() if row.state in ("failed", "restarting", "broken")]
        if not bad:
            return None
        return Verdict(Status.WARN, "; ".join(f"{row.id} is {row.state}: {row.error}" for row in bad))


@hookimpl
def register_services(composition: Composition) -> list[Provider[KernelMetrics]]:
    """Offer the metrics of the kernel itself."""
    return [Provider(name="kernel_metrics", factory=count_events, provides=KernelMetrics, critical=False)]


@hookimpl
def register_health_checks(composition: Composition) -> list[Provider[HealthCheck]]:
    """Offer the checks of the kernel itself."""
    return [
        Provider(name="configuration", factory=ConfigurationCheck, critical=False),
        Provider(name="providers", factory=ProvidersCheck, critical=False),
    ]
