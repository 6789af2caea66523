"""What is recorded reads back: through hot rows, packed blocks and coarser tiers, within the budget."""

from __future__ import annotations

import itertools
import math
import random
import threading
import tracemalloc

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.metrics.history import STALE, is_stale
from trivet_plugins.monitoring.history.tiers import Tier

SHORT = (Tier(0, 60), Tier(10, 600), Tier(60, 3_600))


async def test_a_family_appears_as_a_server_has_it(scene):
    """Buckets, sums, counts, facts and states are series of their own, with the labels of the exposition."""
    one = scene()
    metrics = one.metrics
    metrics.counter("jobs", "Jobs.", labels=("queue",)).labels("mail").inc(3)
    metrics.histogram("took", "T.", buckets=(0.5, 1_000_000)).observe(0.7)
    metrics.summary("size", "S.").observe(4)
    metrics.info("build", "B.").set({"version": "1.4"})
    metrics.stateset("mode", "M.", states=("up", "down")).set("up")
    await one.tick()
    own = [series for series in one.history.series() if not series.name.startswith("trivet_")]
    assert {(s.name, s.kind, *s.labels.items()): one.history.samples(s, 0, 1e9).values[0] for s in own} == {
        ("jobs_total", "counter", ("queue", "mail")): 3,
        ("took_bucket", "histogram", ("le", "0.5")): 0,
        ("took_bucket", "histogram", ("le", "1e+06")): 1,
        ("took_bucket", "histogram", ("le", "+Inf")): 1,
        ("took_sum", "histogram"): 0.7,
        ("took_count", "histogram"): 1,
        ("size_sum", "summary"): 4,
        ("size_count", "summary"): 1,
        ("build_info", "info", ("version", "1.4")): 1,
        ("mode", "stateset", ("mode", "up")): 1,
        ("mode", "stateset", ("mode", "down")): 0,
    }
    assert one.history.help()["jobs_total"] == ("counter", "Jobs.")


VALUES = st.one_of(st.floats(allow_nan=True), st.integers(-(2**70), 2**70), st.none())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=40), st.integers(2, 9))
def test_everything_reads_back_equal(scene_class, rows, block):
    """Values of any kind, births and deaths at any tick (None: absent), whether still hot or packed."""

    async def run():
        one = scene_class(block=block)
        gauge = one.metrics.gauge("g", "G.", labels=("x",))
        expected = {str(number): [] for number in range(3)}
        for at, row in enumerate(rows, 1):
            for label, value in zip(expected, row, strict=True):
                if value is None:
                    gauge.remove(label)
                    if expected[label] and not is_stale(expected[label][-1][1]):
                        expected[label].append((1000.0 + at, STALE))
                else:
                    gauge.labels(label).set(value)
                    expected[label].append((1000.0 + at, float(value)))
            await one.tick()
        for label, samples in expected.items():
            found = one.samples("g", x=label) if samples else []
            assert repr(found) == repr(samples)
            assert [is_stale(value) for _, value in found] == [is_stale(value) for _, value in samples]
        assert_table_has_the_samples(one, 1000.0, 1e9)
        assert_table_has_the_samples(one, 1000.0 + block, 1001.5 + len(rows) // 2)

    anyio.run(run)


def assert_table_has_the_samples(one, start, end):
    """All series, in any order: a column is the samples, and stale wherever there is none."""
    every = [*one.history.series()][::-1]
    table = one.history.table(every, start, end)
    assert {len(column) for column in table.columns} == {len(table.times)}
    for series, column in zip(every, table.columns, strict=True):
        found = one.history.samples(series, start, end)
        present = [(time, value) for time, value in zip(found.times, found.values, strict=True) if not is_stale(value)]
        theirs = [(time, value) for time, value in zip(table.times, column, strict=True) if not is_stale(value)]
        assert repr(theirs) == repr(present)


async def test_a_number_that_no_float_holds_is_infinite(scene):
    one = scene()
    one.metrics.counter("c", "C.").inc(10**400)
    await one.tick()
    assert one.samples("c_total") == [(1001, math.inf)]


async def test_the_older_the_coarser(scene):
    """Every second first, then the last value of ten seconds with lows and highs, then of a minute; never twice."""
    one = scene(tiers=SHORT, block=30, start=0.0)
    gauge = one.metrics.gauge("g", "G.")
    for at in range(1, 5_001):
        gauge.set(at % 100)
        await one.tick()
    samples = one.samples("g")
    times = [time for time, _ in samples]
    assert times == sorted(set(times))
    assert times[-60:] == list(range(4_941, 5_001))
    assert all(value == time % 100 for time, value in samples)
    gaps = [round(b - a) for a, b in itertools.pairwise(times)]
    assert max(gaps) == 60
    assert gaps.count(60) > 30
    assert gaps.count(10) > 30
    assert gaps.index(60) < gaps.index(10) < gaps.index(1, gaps.index(10))
    assert times[-1] - times[0] >= 3_600
    ranges = one.history.extremes(one.find("g"), 0, 1e9)
    assert list(ranges.times) == times
    seen = list(zip(ranges.times, ranges.lows, ranges.highs, strict=True))
    for (before, _, _), (time, low, high) in itertools.pairwise(seen):
        values = [at % 100 for at in range(round(before) + 1, round(time) + 1)]
        assert (low, high) == (min(values), max(values))


async def test_a_range_is_cut_at_both_its_ends(scene):
    one = scene(block=4)
    counter = one.metrics.counter("c", "C.")
    for _ in range(10):
        counter.inc()
        await one.tick()
    assert one.samples("c_total", 1003, 1006) == [(1003, 3), (1004, 4), (1005, 5), (1006, 6)]
    assert one.samples("c_total", 1003.5, 1003.9) == []


async def test_a_late_tick_and_a_jump_ahead_are_gaps_and_a_jump_back_is_none(scene):
    one = scene(block=5)
    counter = one.metrics.counter("c", "C.")
    steps = [(1, 1), (1, 1), (7, 7), (3_601, 1), (-9_999, 1), (1, 1), (1, 1)]
    for wall, monotonic in steps:
        counter.inc()
        one.wall += wall
        one.monotonic += monotonic
        await one.tick(0)
    times = [time for time, _ in one.samples("c_total")]
    assert times == [1001, 1002, 1009, 4610, 4611, 4612, 4613]
    assert [value for _, value in one.samples("c_total")] == [1, 2, 3, 4, 5, 6, 7]
    assert one.history.now() == 4613


async def test_a_family_that_is_gone_is_stale_and_one_that_is_new_is_there_at_once(scene):
    one = scene()
    one.metrics.gauge("g", "G.").set(5)
    await one.tick()
    one.metrics.unregister("g")
    one.metrics.gauge("new", "N.").set(6)
    for _ in range(6):
        await one.tick()
    assert is_stale(one.samples("g")[-1][1])
    assert one.samples("new")[0] == (1002, 6)


async def test_collectors_run_as_seldom_as_for_a_scrape(scene):
    one = scene()
    calls = []
    one.metrics.gauge("g", "G.").set_function(lambda: calls.append(1) or len(calls))
    for _ in range(11):
        await one.tick()
    assert [value for _, value in one.samples("g")] == [1] * 5 + [2] * 5 + [3]


@pytest.mark.timeout(120)
async def test_the_budget_is_kept_under_fifty_thousand_births(scene):
    """In the figure that is shown, and in memory that the interpreter really holds."""
    budget = 8 << 20
    one = scene(budget=budget, limit=100_000, block=20)
    gauge = one.metrics.gauge("g", "G.", labels=("x",))
    dice = random.Random(7)
    await one.tick()
    tracemalloc.start()
    try:
        for at in range(200):
            for number in range(250):
                gauge.labels(f"{at}-{number}").set(dice.random())
                if at > 4:
                    gauge.remove(f"{at - 5}-{number}")
            await one.tick()
            assert one.recorder.size <= budget
            assert one.value("trivet_history_bytes") <= budget
        held, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= budget * 1.1
    assert one.value("trivet_history_evicted_total", "block") + one.value("trivet_history_evicted_total", "series") > 0
    assert len(one.samples("g", x="199-0")) == 1, "the newest are there"


async def test_where_all_series_live_newcomers_are_refused_and_counted(scene):
    one = scene(budget=1 << 20, limit=100_000)
    gauge = one.metrics.gauge("g", "G.", labels=("x",))
    for number in range(2_000):
        gauge.labels(str(number)).set(number)
    for _ in range(4):
        await one.tick()
        await one.recorder.seal()
    assert one.recorder.size <= 1 << 20
    assert one.value("trivet_history_evicted_total", "birth") > 0
    assert one.value("trivet_history_series") == one.recorder.shelf.limit
    assert one.samples("g", x="0")[-1][1] == 0


async def test_a_series_that_was_asked_for_outlives_others(scene):
    one = scene(budget=1 << 20, limit=100_000, block=2)
    gauge = one.metrics.gauge("g", "G.", labels=("x",))
    limit = one.recorder.shelf.limit
    for number in range(limit // 2):
        gauge.labels(str(number)).set(number)
    await one.tick()
    asked = one.find("g", x="7")
    for number in range(limit // 2):
        gauge.remove(str(number))
    for number in range(limit // 2 - 20):
        gauge.labels(f"more-{number}").set(number)
    for _ in range(5):
        await one.tick()
    gauge.labels("one too many").set(1)
    for number in range(20):
        gauge.labels(f"late-{number}").set(number)
    for _ in range(4):
        await one.tick()
    left = {series.label_values for series in one.history.series() if series.name == "g"}
    assert one.value("trivet_history_evicted_total", "series") > 0
    assert ("7",) in left
    assert one.history.samples(asked, 0, 1e9).values[0] == 7
    assert ("1",) not in left


async def test_threads_update_give_birth_and_remove_during_ticks(scene):
    """No tick fails, none is missing, and a counter never falls."""
    one = scene(limit=1_000_000, block=7)
    counter, gauge = one.metrics.counter("c", "C."), one.metrics.gauge("g", "G.", labels=("x",))
    histogram = one.metrics.histogram("h", "H.")
    stop = threading.Event()

    def work(name):
        number = 0
        while not stop.is_set():
            counter.inc()
            histogram.observe(number % 3)
            gauge.labels(f"{name}-{number % 50}").set(number)
            gauge.remove(f"{name}-{(number + 25) % 50}")
            number += 1

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):
            await one.tick()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    values = [value for _, value in one.samples("c_total")]
    assert len(values) == 60
    assert values == sorted(values)
    counts = [value for _, value in one.samples("h_count")]
    assert counts == sorted(counts)


async def test_what_another_history_gave_has_no_samples(scene):
    one, other = scene(), scene()
    for each in (one, other):
        each.metrics.gauge("g", "G.").set(1)
        await each.tick()
    assert list(one.history.samples(other.find("g"), 0, 1e9).times) == []
    assert list(one.history.extremes(other.find("g"), 0, 1e9).times) == []
    table = one.history.table([other.find("g"), one.find("g")], 0, 1e9)
    assert [[*map(is_stale, column)] for column in table.columns] == [[True], [False]]


async def test_a_table_of_few_series_among_many_and_of_coarse_times(scene):
    """However far apart their columns are, and however old."""
    one = scene(tiers=SHORT, block=30, start=0.0)
    gauge = one.metrics.gauge("g", "G.", labels=("x",))
    for at in range(1, 200):
        for label in range(0, 400, 1 + (at < 150)):  # half of them are born late
            gauge.labels(str(label)).set(at * label)
        await one.tick()
    some = [one.find("g", x=str(label)) for label in (398, 1, 7, 200)]
    table = one.history.table(some, 0, 1e9)
    for series, column in zip(some, table.columns, strict=True):
        samples = {time: value for time, value in one.samples("g", **series.labels) if not is_stale(value)}
        assert {time: value for time, value in zip(table.times, column, strict=True) if not is_stale(value)} == samples


@pytest.fixture(scope="module")
def scene_class():
    from tests.plugins.monitoring.history.conftest import Scene

    return Scene
