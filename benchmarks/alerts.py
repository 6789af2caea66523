"""Alert rules: what a round of 100 of them costs over 1,000 series of the kernel's history, a sample per second."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import anyio
import anyio.lowlevel
import anyio.to_thread
import attrs

from benchmarks.harness import Row, measure, within
from trivet.metrics.registry import Metrics
from trivet_plugins.alerts.promql.history_storage import HistoryStorage
from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.promql.round_cache import RoundCache
from trivet_plugins.monitoring.history import TIERS
from trivet_plugins.monitoring.history.clock import RisingClock
from trivet_plugins.monitoring.history.reader import RecordedHistory
from trivet_plugins.monitoring.history.recorder import Recorder

ROUND = 15
"""Seconds between two rounds."""
ROUNDS = 30
BEFORE = 900
"""Seconds of history before the first round."""
CPU_LIMIT = 0.050
STALL_LIMIT = 0.003

CODES = ("200", "404", "500", "502", "503")
WINDOWS = ("1m", "5m", "10m")
SAME = [
    f"sum by ({label}) ({function}(requests_total[{window}])) > {limit}"
    for window in WINDOWS
    for function in ("rate", "increase")
    for label in ("job", "code", "job, code", "method, code", "instance")
    for limit in (1e6, 2e6, 3e6, 4e6)
][:100]
"""Each of them reads all 1,000 series of one metric."""


def _mixed() -> list[str]:
    """Rules as they are written for services: ratios of errors, latencies, levels, forecasts."""
    rules = []
    for window in WINDOWS:
        rules += [f"sum by ({label}) (rate(requests_total[{window}])) > 1e6" for label in ("job", "code", "instance")]
        for label in ("job", "instance", "job, instance"):
            bad = f'sum by ({label}) (rate(requests_total{{code=~"5.."}}[{window}]))'
            rules.append(f"{bad} / sum by ({label}) (rate(requests_total[{window}])) > 0.99")
        for rank in ("0.5", "0.9", "0.99"):
            rules.append(f"histogram_quantile({rank}, sum by (le, job) (rate(took_bucket[{window}]))) > 100")
            rules.append(f"histogram_quantile({rank}, sum by (le) (rate(took_bucket[{window}]))) > 100")
        rules.append(f'sum by (instance) (increase(requests_total{{code="500"}}[{window}])) > 1e9')
        rules += [f"{name}_over_time(level[{window}]) > 1e9" for name in ("avg", "max", "min")]
        rules.append(f"changes(level[{window}]) > 1e9")
    rules += ["level > 1e9", "absent(level)", "predict_linear(level[5m], 3600) > 1e9", "count by (job) (level) < 1"]
    rules += ["topk(3, level) > 1e9", "quantile by (job) (0.9, level) > 1e9", "time() - timestamp(level) > 300"]
    rules += [
        "level / on (job, instance) capacity > 1e9",
        "level > on (job, instance) capacity",
        "deriv(level[5m]) > 1e9",
    ]
    number = 0
    while len(rules) < 100:
        rules.append(rules[number].replace("> 1", "> 2"))
        number += 1
    return rules


@attrs.frozen
class Outcome:
    """Of some rounds: CPU seconds of each, and by how much the event loop was late at worst in each."""

    cpu: list[float]
    late: list[float]


class Service:
    """A kernel's metrics and history, whose clock this turns."""

    def __init__(self, born: Callable[[Metrics], Callable[[], None]]) -> None:
        self.now = 1_700_000_000.0
        metrics = Metrics(limit=10_000)
        self._second = born(metrics)
        clock = RisingClock(wall=lambda: self.now, monotonic=lambda: self.now)
        self._recorder = Recorder(metrics, clock, tiers=TIERS, budget=64 << 20, block=300, collect=5)
        self.storage = HistoryStorage(RecordedHistory(self._recorder, metrics))

    async def live(self, seconds: int) -> None:
        """Let time go by."""
        for _ in range(seconds):
            self.now += 1
            self._second()
            await self._recorder.tick()
            if self._recorder.is_full:
                await self._recorder.seal()


def _one_metric(metrics: Metrics) -> Callable[[], None]:
    """Make 1,000 counters."""
    dice = random.Random(1)
    names = ("job", "instance", "method", "code")
    family = metrics.counter("requests", "R.", labels=names)
    targets = [(f"j{job}", f"i{instance}") for job in range(10) for instance in range(10)]
    labels = [(*target, method, code) for target in targets for method in ("GET", "POST") for code in CODES]
    cells = [family.labels(*some) for some in labels]

    def second() -> None:
        for cell in cells:
            cell.inc(dice.randrange(5))

    return second


def _several_metrics(metrics: Metrics) -> Callable[[], None]:
    """Make 500 counters, 300 series of histograms and 200 gauges."""
    dice = random.Random(1)
    requests = metrics.counter("requests", "R.", labels=("job", "instance", "code"))
    targets = [(f"j{job}", f"i{instance}") for job in range(10) for instance in range(10)]
    cells = [requests.labels(*target, code) for target in targets for code in CODES]
    took = metrics.histogram("took", "T.", labels=("job", "instance"))
    spreads = [took.labels(f"j{number % 5}", f"i{number}") for number in range(18)]
    level, capacity = (metrics.gauge(name, "G.", labels=("job", "instance")) for name in ("level", "capacity"))
    gauges = [family.labels(*target) for family in (level, capacity) for target in targets]

    def second() -> None:
        for cell in cells:
            cell.inc(dice.randrange(5))
        for spread in spreads:
            spread.observe(dice.random())
        for gauge in gauges:
            gauge.set(dice.random())

    return second


@cache
def _run(kind: str) -> Outcome:
    rules, born = (SAME, _one_metric) if kind == "same" else (_mixed(), _several_metrics)
    return anyio.run(_rounds, [Query.parse(rule) for rule in rules], born)


async def _rounds(queries: Sequence[Query], born: Callable[[Metrics], Callable[[], None]]) -> Outcome:
    service, known, outcome = Service(born), RoundCache(), Outcome([], [])
    await service.live(BEFORE)

    def evaluate() -> float:
        begun, at = time.thread_time(), round(service.now * 1000)
        for query in queries:
            query.instant(service.storage, at, cache=known)
        return time.thread_time() - begun

    for _ in range(ROUNDS):
        await service.live(ROUND)
        async with anyio.create_task_group() as tasks:
            outcome.late.append(0.0)
            tasks.start_soon(_watch, outcome.late)
            outcome.cpu.append(await anyio.to_thread.run_sync(evaluate))
            tasks.cancel_scope.cancel()
    return outcome


async def _watch(late: list[float]) -> None:
    """Ask for a turn every millisecond, and note how late it comes."""
    while True:
        wanted = time.perf_counter() + 0.001
        await anyio.sleep(0.001)
        late[-1] = max(late[-1], time.perf_counter() - wanted)


def _rows(title: str, kind: str) -> list[Row]:
    outcome = _run(kind)
    late = outcome.late[1:]
    return [
        within(f"{title}: CPU", statistics.median(outcome.cpu[1:]), CPU_LIMIT),
        within(f"{title}: first round, CPU", outcome.cpu[0], CPU_LIMIT),
        within(f"{title}: latest turn of the event loop, median of rounds", statistics.median(late), STALL_LIMIT),
        within(f"{title}: latest turn of the event loop, worst of rounds", max(late), STALL_LIMIT),
    ]


@measure("100 rules that each read 1,000 series")
@contextmanager
def same() -> Iterator[Sequence[Row]]:
    """One metric, in 6 ranges, grouped in 5 ways."""
    yield _rows("100 rules that each read 1,000 series", "same")


@measure("100 rules of many kinds over 1,000 series")
@contextmanager
def mixed() -> Iterator[Sequence[Row]]:
    """Several metrics."""
    yield _rows("100 rules of many kinds over 1,000 series", "mixed")
