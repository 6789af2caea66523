"""`run_alerts`: evaluates round by round while the service runs, follows the files, and takes part in reloads."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from trivet import CheckPlan, MetricHistory, StartupRefused, Status, UnknownServiceError, Verdict
from trivet_plugins.alerts.rules.problem import ProblemsError
from trivet_plugins.alerts.service.alerts import Alerts
from trivet_plugins.alerts.service.config import AlertsConfig
from trivet_plugins.alerts.service.event import AlertChanged
from trivet_plugins.alerts.service.participant import RuleReload
from trivet_plugins.alerts.service.rule_set import RuleSet

if TYPE_CHECKING:
    from trivet import Kernel

_logger = logging.getLogger("trivet.alerts")


@asynccontextmanager
async def run_alerts(config: AlertsConfig, kernel: Kernel) -> AsyncIterator[Alerts | None]:
    """Evaluate while the block runs; nothing where no rule files are named.

    Raises:
        StartupRefused: if a rule file is not as it must be, or there is no history.
    """
    if not config.rule_files:
        yield None
        return
    alerts = await _made(config, kernel)
    runner = Runner(alerts, kernel)
    async with AsyncExitStack() as ends:
        await ends.enter_async_context(alerts.dispatcher.running())
        ends.callback(kernel.health.add("alert_rules", runner))
        live = kernel.config.bind("plugins.alerts", AlertsConfig)
        ends.callback(kernel.config.add_participant("alerts", RuleReload(runner, live)))
        tasks = await ends.enter_async_context(anyio.create_task_group())
        ends.callback(tasks.cancel_scope.cancel)
        tasks.start_soon(runner.run)
        yield alerts


async def _made(config: AlertsConfig, kernel: Kernel) -> Alerts:
    from trivet_plugins.alerts.notifications.dispatcher import Dispatcher
    from trivet_plugins.alerts.promql.history_storage import HistoryStorage
    from trivet_plugins.alerts.rules.state_file import StateFile

    try:
        history: MetricHistory = kernel.service(MetricHistory)
    except UnknownServiceError:
        raise StartupRefused("alert rules read the history of metrics: load the plugin history") from None
    try:
        rules = await anyio.to_thread.run_sync(
            functools.partial(RuleSet.load, config.rule_files, external_url=config.external_url)
        )
        if config.state is not None:
            await anyio.Path(config.state).mkdir(mode=0o700, parents=True, exist_ok=True)
    except ProblemsError as exc:
        raise StartupRefused(str(exc)) from None
    except OSError as exc:
        raise StartupRefused(f"plugins.alerts.state: {config.state} cannot be made: {exc.strerror}") from None
    store = config.state / "notifications" if config.state else None
    dispatcher = Dispatcher(kernel.provided("alert_receiver"), config.notify, store=store, kernel=kernel)
    state = StateFile(config.state / "rules") if config.state else None
    alerts = Alerts(config, rules, HistoryStorage(history), dispatcher, state)
    await anyio.to_thread.run_sync(alerts.restore, _milliseconds(history))
    return alerts


def _milliseconds(history: MetricHistory) -> int:
    return round(history.now() * 1_000)


class Runner:
    """Evaluates round by round, and says how that goes: a check, metrics, events.

    Args:
        alerts: What is evaluated.
        kernel: Whose events, metrics and history.
    """

    plan = CheckPlan(groups={"ready"}, interval=1.0, critical=False)

    def __init__(self, alerts: Alerts, kernel: Kernel) -> None:
        self.alerts = alerts
        self._kernel = kernel
        self._history: MetricHistory = kernel.service(MetricHistory)
        self._lock = anyio.Lock()
        self.broken = ""
        self._unwritten = ""
        metrics = kernel.metrics
        self._rounds = metrics.counter("trivet_rule_rounds_total", "Rounds of rules.", labels=("outcome",))
        self._failures = metrics.counter(
            "trivet_rule_evaluation_failures_total", "Rules that could not be evaluated.", labels=("group",)
        )
        self._seconds = metrics.gauge("trivet_rule_round_seconds", "How long the last round took.")
        self._count = metrics.gauge("trivet_alerts", "Alerts by state.", labels=("state",))
        self._failed = {group.identity: 0 for group in alerts.rules.groups}

    async def run(self) -> None:
        """Evaluate, for ever."""
        while True:
            begun = anyio.current_time()
            async with self._lock:
                await self._round()
            spent = anyio.current_time() - begun
            self._seconds.set(spent)
            interval = self.alerts.interval / 1_000
            missed = int(spent / interval)
            if missed:
                self._rounds.labels("missed").inc(missed)
            await anyio.sleep(interval - spent % interval)

    async def put_in_force(self, rules: RuleSet, config: AlertsConfig) -> None:
        """Replace the rules, between two rounds."""
        async with self._lock:
            self.alerts.config = config
            self.alerts.problem = ""
            await anyio.to_thread.run_sync(self.alerts.replace, rules, _milliseconds(self._history))

    async def check(self) -> Verdict | None:
        """Warn of rules that cannot be evaluated, of files that cannot be used, and of a state that cannot be written."""
        runs = [run for group in self.alerts.rules.groups for run in group.runs]
        bad = [f"{run.rule.name}: {run.error}" for run in runs if run.health == "err"]
        said = [text for text in (self.broken, self.alerts.problem, self._unwritten, *bad[:3]) if text]
        return Verdict(Status.WARN, "; ".join(said)) if said else None

    async def _round(self) -> None:
        try:
            await self._follow_files()
            await self._evaluate()
        except Exception as exc:  # a mistake in here must not stop the service that is watched
            _logger.exception("a round of rules came to no end")
            self.broken = f"a round of rules came to no end: {type(exc).__name__}"
            self._rounds.labels("failed").inc()
        else:
            self.broken = ""

    async def _follow_files(self) -> None:
        alerts = self.alerts
        if not await anyio.to_thread.run_sync(alerts.changed_on_disk):
            return
        try:
            rules = await anyio.to_thread.run_sync(
                functools.partial(RuleSet.load, alerts.config.rule_files, external_url=alerts.config.external_url)
            )
        except ProblemsError as exc:
            if alerts.problem != str(exc):
                alerts.problem = str(exc)
                _logger.error("rule files are not as they must be, those before go on:\n%s", exc)  # noqa: TRY400 - no stack: it says all
            return
        alerts.problem = ""
        await anyio.to_thread.run_sync(alerts.replace, rules, _milliseconds(self._history))
        _logger.info("rule files have changed: %d groups are in force", len(rules.groups))

    async def _evaluate(self) -> None:
        try:
            changes = await anyio.to_thread.run_sync(self.alerts.evaluate, _milliseconds(self._history))
            self._unwritten = ""
        except OSError as exc:
            changes, self._unwritten = [], f"the state of alerts cannot be written: {exc.strerror}"
        for change in changes:
            self._kernel.emit(AlertChanged(before=change.before, alert=change.alert))
        told = [alert for _run, alert in self.alerts.alerts()]
        self.alerts.dispatcher.put(told)
        for state in ("pending", "firing"):
            self._count.labels(state).set(sum(alert.state == state for alert in told))
        for group in self.alerts.rules.groups:
            new = group.failures - self._failed.get(group.identity, 0)
            self._failed[group.identity] = group.failures
            self._failures.labels(group.group.name).inc(max(0, new))
        self._rounds.labels("done").inc()
