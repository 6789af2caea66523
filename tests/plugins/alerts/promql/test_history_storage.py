"""The kernel's own history, as queries see it; every answer equal to that of a storage which copies everything."""

from __future__ import annotations

import math
import random
import threading

import pytest
from tests.plugins.monitoring.history.conftest import Scene

from trivet.metrics.history import is_stale
from trivet_plugins.alerts.promql import recent
from trivet_plugins.alerts.promql.history_storage import HistoryStorage
from trivet_plugins.alerts.promql.labels import labels_of, series_text
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.query import Query, RoundCache
from trivet_plugins.alerts.promql.result import Scalar
from trivet_plugins.alerts.promql.selector import Selector
from trivet_plugins.monitoring.history.tiers import Tier

SHORT = (Tier(0, 60), Tier(10, 600), Tier(60, 3_600))


def copied(history):
    """Everything that a history has, by its plainest method."""
    storage = MemoryStorage()
    for series in history.series():
        samples = history.samples(series, 0, math.inf)
        for time, value in zip(samples.times, samples.values, strict=True):
            storage.add(labels_of({**series.labels, "__name__": series.name}), round(time * 1000), value)
    return storage


def answer(text, storage, at, **options):
    value = Query.parse(text).instant(storage, at, **options).value
    if isinstance(value, Scalar):
        return repr(value)
    return sorted((series_text(sample.labels), repr(sample.value)) for sample in value.samples)


QUERIES = (
    "jobs_total",
    "sum by (queue) (rate(jobs_total[30s]))",
    'increase(jobs_total{queue=~"q1|q2",job!="x"}[20s])',
    "max_over_time(depth[1m])",
    "histogram_quantile(0.9, sum by (le) (rate(took_bucket[1m])))",
    'count({__name__=~"jobs.*|depth"})',
    "depth offset 10s",
    "avg_over_time(depth[50s] offset 5s)",
    "absent(nothing)",
    "resets(depth[1m])",
)


LATER = {25: "jobs_total", 28: "took_sum", 33: "took_bucket"}


class Life:
    """Series that are born, die and change."""

    def __init__(self, one, seed):
        self.dice = random.Random(seed)
        self.one = one
        self.jobs = one.metrics.counter("jobs", "J.", labels=("queue",))
        self.depth = one.metrics.gauge("depth", "D.", labels=("queue",))
        self.took = one.metrics.histogram("took", "T.", buckets=(0.1, 0.5), labels=())

    async def tick(self):
        name = f"q{self.dice.randrange(5)}"
        self.jobs.labels(name).inc(self.dice.randrange(4))
        self.depth.labels(name).set(self.dice.randrange(50))
        self.took.observe(self.dice.random())
        if self.dice.random() < 0.2:
            self.depth.remove(f"q{self.dice.randrange(5)}")
        await self.one.tick()


@pytest.mark.parametrize("tiers", [SHORT, (Tier(0, 3_600),)], ids=["folded soon", "fine"])
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_round_answers_as_a_storage_that_copies_everything(tiers, seed):
    """Births, deaths, packing and folding between and within rounds; with one cache over all rounds."""
    one = Scene(tiers=tiers, block=20)
    life, storage, cache = Life(one, seed), HistoryStorage(one.history), RoundCache()
    for _ in range(30):
        for _ in range(life.dice.randrange(1, 12)):
            await life.tick()
        at = round(one.history.now() * 1000)
        plain = copied(one.history)
        for text in QUERIES:
            assert answer(text, storage, at, cache=cache) == answer(text, plain, at), text


async def test_what_is_older_than_what_is_kept_is_read_when_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(recent, "MAX_SPAN", 20_000)
    one = Scene(block=20)
    life, storage = Life(one, 3), HistoryStorage(one.history)
    for _ in range(100):
        await life.tick()
    at = round(one.history.now() * 1000)
    for text in ("sum_over_time(depth[90s])", "sum_over_time(depth[10s])", "depth offset 80s"):
        assert answer(text, storage, at) == answer(text, copied(one.history), at)
    spanned = Query.parse("rate(jobs_total[30s])").over(storage, at - 60_000, at, 7_000)
    assert spanned == Query.parse("rate(jobs_total[30s])").over(copied(one.history), at - 60_000, at, 7_000)


async def test_a_series_that_is_asked_for_later_fits_to_times_that_are_folded_by_now():
    """What is kept of others is finer than what the history has left of the new one."""
    one = Scene(tiers=SHORT, block=20)
    life, storage, cache = Life(one, 8), HistoryStorage(one.history), RoundCache()
    for number in range(40):
        for _ in range(10):
            await life.tick()
        at = round(one.history.now() * 1000)
        assert answer("count_over_time(depth[200s])", storage, at, cache=cache)
        if number in LATER:
            text = f"sum_over_time({LATER[number]}[200s])"
            assert answer(text, storage, at, cache=cache) == answer(text, copied(one.history), at)


async def test_a_round_reads_only_what_is_new():
    one = Scene()
    life, storage = Life(one, 4), HistoryStorage(one.history)
    read = []
    table = one.history.table
    one.history.table = lambda series, start, end: read.append((len(series), table(series, start, end))) or read[-1][1]
    query = Query.parse("sum(rate(jobs_total[1m]))")
    for number in range(60):
        for _ in range(15):
            await life.tick()
        query.instant(storage, round(one.history.now() * 1000))
        values = sum(series * len(found.times) for series, found in read)
        assert values <= 5 * 15 or number < 3, "of five series, fifteen ticks"
        read.clear()


async def test_what_is_kept_is_as_long_as_what_is_asked_for():
    """A question about a longer time is answered, and forgotten again."""
    one = Scene()
    life, storage = Life(one, 7), HistoryStorage(one.history)
    jobs = [Selector("__name__", "=", "jobs_total")]
    lengths = []
    for number in range(120):
        for _ in range(15):
            await life.tick()
        now = round(one.history.now() * 1000)
        first, *_ = storage.select(jobs, now - (600_000 if number == 60 else 60_000), now)
        lengths.append(len(first.times))
    assert max(lengths[:60]) < 200
    assert lengths[60] > 600
    assert max(lengths[-10:]) < 200


async def test_series_that_nobody_asks_for_are_let_go():
    one = Scene()
    life, storage = Life(one, 5), HistoryStorage(one.history)
    for number in range(40):
        for _ in range(15):
            await life.tick()
        at = round(one.history.now() * 1000)
        if number < 3:
            answer("took_bucket", storage, at)
        answer("jobs_total", storage, at)
    assert {series.name for series in storage._recent._points} == {"jobs_total"}


async def test_threads_ask_while_metrics_are_recorded():
    one = Scene(block=10)
    life, storage = Life(one, 6), HistoryStorage(one.history)
    for _ in range(20):
        await life.tick()
    failures, done = [], threading.Event()

    def ask(seed):
        dice, cache = random.Random(seed), RoundCache()
        while not done.is_set():
            at = round(one.history.now() * 1000) - dice.randrange(3) * 1000
            try:
                for sample in Query.parse("increase(jobs_total[15s])").instant(storage, at, cache=cache).value.samples:
                    assert sample.value >= 0
                for points in Query.parse("depth[10s]").instant(storage, at).value.series:
                    assert len(points.times) == len(points.values)
                    assert not any(map(is_stale, points.values))
            except Exception as exc:  # noqa: BLE001 - whatever it is
                failures.append(exc)
                return

    threads = [threading.Thread(target=ask, args=[seed]) for seed in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        await life.tick()
    done.set()
    for thread in threads:
        thread.join(timeout=10)
    assert failures == []
