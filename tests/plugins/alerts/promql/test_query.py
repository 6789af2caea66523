"""`Query`: spans and caches answer as single questions do; limits hold; places of notes are those of the text."""

from __future__ import annotations

import random
import time

import pytest
from tests.plugins.alerts.promql.expressions import Questions, series
from tests.plugins.alerts.promql.script import close
from tests.plugins.alerts.promql.test_against_promtool import storage_of
from tests.plugins.monitoring.history.conftest import Scene

from trivet.metrics.history import STALE
from trivet_plugins.alerts.promql.breath import Breath
from trivet_plugins.alerts.promql.budget import Budget
from trivet_plugins.alerts.promql.errors import EvaluationError, PromqlError, QueryLimitError
from trivet_plugins.alerts.promql.history_storage import HistoryStorage
from trivet_plugins.alerts.promql.labels import labels_of
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage, SampleOrderError
from trivet_plugins.alerts.promql.query import Query, RoundCache
from trivet_plugins.alerts.promql.result import Matrix, Points, Scalar, Text, Vector
from trivet_plugins.alerts.promql.selector import Selector
from trivet_plugins.alerts.promql.storage import Storage
from trivet_plugins.alerts.promql.union_storage import UnionStorage


def samples(value):
    if isinstance(value, Scalar):
        return {(): value.value}
    return {sample.labels: sample.value for sample in value.samples}


def same(one, other):
    return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)


@pytest.mark.parametrize("seed", range(4))
def test_a_span_is_what_single_questions_say(seed):
    """At each of its times; it fails where one of them does. Queries with ``@ start()`` aside, none depends on the span."""
    dice = random.Random(seed)
    storage, questions = storage_of(series(dice)), Questions(dice)
    for _ in range(60):
        query = Query.parse(questions.any())
        times = range(100_000, 400_001, 37_000)
        try:
            spanned = query.over(storage, times[0], times[-1] + 500, 37_000).value
        except EvaluationError:
            spanned = None
        try:
            single = [samples(query.instant(storage, at).value) for at in times]
        except EvaluationError:
            single = None
        assert (spanned is None) == (single is None), query.text
        for number, at in enumerate(times) if single is not None else ():
            theirs = {one.labels: dict(zip(one.times, one.values, strict=True)) for one in spanned.series}
            there = {labels: found[at] for labels, found in theirs.items() if at in found}
            assert same(single[number], there), f"{query.text} at {at}"


@pytest.mark.parametrize("seed", range(4))
def test_a_cache_changes_no_answer(seed):
    """Rounds of rules that share parts, while series are born, recorded to and forgotten."""
    dice = random.Random(seed)
    storage, questions, cache = storage_of(series(dice)), Questions(dice), RoundCache()
    texts = [questions.any() for _ in range(30)]
    queries = [
        Query.parse(text)
        for text in [*texts, *(f"({text}) > 0" for text in texts[:10]), *texts[:10]]
        if "bool" not in text
    ]
    for at in range(200_000, 500_001, 20_003):
        if dice.random() < 0.3:
            storage.forget_before(at - 300_000)
        for query in queries:
            answers = []
            for known in (cache, None):
                try:
                    outcome = query.instant(storage, at, cache=known)
                    answers.append((repr(sorted(samples(outcome.value).items())), outcome.warnings, outcome.infos))
                except EvaluationError as exc:
                    answers.append(str(exc))
            assert answers[0] == answers[1], query.text
            if dice.random() < 0.05:
                name = dice.choice(("k", "g", "nothing"))
                storage.add(labels_of({"__name__": name, "job": f"new{at}", "instance": str(dice.random())}), at, 1.0)
                cache.invalidate(name)


def made(count=100, *, names=1):
    storage = MemoryStorage()
    for number in range(names):
        for at in range(count):
            storage.add(labels_of({"__name__": "m_total", "x": str(number)}), at * 1000, float(at))
    return storage


def test_what_is_kept_from_round_to_round_is_what_is_asked_for():
    storage, cache = made(), RoundCache()
    for number in range(100):
        query = Query.parse(f"sum(max_over_time(m_total{{y!='{number}'}}[1m:10s]))")
        query.instant(storage, number * 60_000, cache=cache)
    assert len(cache._selections) < 15
    assert len(cache._answers) < 15
    assert len(cache.steps._found) < 15
    query = Query.parse("max_over_time(sum(m_total)[5m:10s])")
    for at in range(7_000_000, 12_000_000, 20_000):
        query.instant(storage, at, cache=cache)
    (steps,) = cache.steps._found.values()
    assert len(steps.rows) < 60
    assert cache.steps._count < 120


@pytest.mark.parametrize(
    ("text", "budget", "reason"),
    [
        ("sum_over_time(m_total[90s])", Budget(max_samples=500), "more than 500 samples"),
        ("sum_over_time(m_total[90s:1s])", Budget(max_samples=500), "more than 500 samples"),
        ("m_total", Budget(max_series=19), "20 series at a time, more than 19"),
        ('count_values("v", m_total + on (x) group_left () m_total)', Budget(max_series=19), "more than 19"),
        ("max_over_time(sum(rate(m_total[1m]))[1000d:1s])", Budget(), "at most 11,000 steps"),
        ("max_over_time(sum(rate(m_total[1m]))[90s:10ms])", Budget(seconds=0.05), r"longer than 0\.05 s"),
    ],
)
def test_a_query_stops_at_its_limits(text, budget, reason):
    begun = time.monotonic()
    with pytest.raises(QueryLimitError, match=reason):
        Query.parse(text).instant(made(names=20), 99_000, budget=budget)
    assert time.monotonic() - begun < 5


def test_an_answer_has_no_endless_points():
    with pytest.raises(QueryLimitError, match="more than 1,000 points"):
        Query.parse("m_total").over(made(names=20), 0, 99_000, 1_000, budget=Budget(max_points=1_000))
    with pytest.raises(QueryLimitError, match="more than 1,000 points"):
        Query.parse("m_total[90s]").instant(made(names=20), 99_000, budget=Budget(max_points=1_000))


def test_a_span_has_limits_too():
    query = Query.parse("m_total")
    with pytest.raises(QueryLimitError, match="at most 11,000 times"):
        query.over(made(), 0, 11_000, 1)
    with pytest.raises(ValueError, match="more than 0 ms"):
        query.over(made(), 0, 11_000, 0)
    with pytest.raises(EvaluationError, match="this is a matrix"):
        Query.parse("m_total[5m]").over(made(), 0, 11_000, 1000)
    with pytest.raises(EvaluationError, match="this is a string"):
        Query.parse("'a'").over(made(), 0, 11_000, 1000)


def test_every_kind_of_answer():
    storage = made(3)
    labels = (("__name__", "m_total"), ("x", "0"))
    assert Query.parse("1 + 1").instant(storage, 0).value == Scalar(2.0)
    assert Query.parse("'a\\x41'").instant(storage, 0).value == Text("aA")
    assert Query.parse("m_total[2s]").instant(storage, 2000).value == Matrix(
        (Points(labels, [1000, 2000], [1.0, 2.0]),)
    )
    assert Query.parse("m_total[2s:1s]").instant(storage, 2000).value == Matrix(
        (Points(labels, [1000, 2000], [1.0, 2.0]),)
    )
    assert Query.parse("m_total > 7").instant(storage, 2000).value == Vector(())
    assert Query.parse("time()").over(storage, 0, 2000, 1000).value == Matrix(
        (Points((), [0, 1000, 2000], [0.0, 1.0, 2.0]),)
    )


def test_subqueries_of_later_rounds_evaluate_only_the_steps_that_are_new():
    """And say again what they have to say."""
    storage, cache = made(600), RoundCache()
    query = Query.parse("max_over_time(sum(increase(m_total[1m]))[5m:10s])")
    read = []
    for at in range(400_000, 500_001, 20_000):
        for one in (query, Query.parse("avg_over_time(quantile(3, m_total)[3m:])")):
            alone = one.instant(storage, at)
            known = one.instant(storage, at, cache=cache)
            assert known == alone
            assert bool(alone.warnings) == (one is not query)
        before = cache.steps._count
        query.instant(storage, at, cache=cache)
        read.append(cache.steps._count - before)
    assert cache.steps._count > 2 * 24
    assert read == [0] * len(read)


def test_start_and_end_are_those_of_the_span():
    storage = made()
    found = Query.parse("m_total @ end() - m_total @ start()").over(storage, 10_000, 50_000, 10_000).value
    assert found.series[0].values == [40.0] * 5


def test_the_look_back_leaves_out_its_left_edge():
    storage = made(1)
    assert samples(Query.parse("m_total").instant(storage, 299_999).value)
    assert not samples(Query.parse("m_total").instant(storage, 300_000).value)
    assert samples(Query.parse("m_total").instant(storage, 300_000, lookback=300_001).value)


def test_notes_have_the_places_of_the_text():
    storage = made(3)
    outcome = Query.parse("rate(m_total[5m])\n  + quantile_over_time(3, m_total[5m])\n  + rate(g[5m])").instant(
        storage, 2000
    )
    assert outcome.warnings == ("PromQL warning: quantile value should be between 0 and 1, got 3 (2:24)",)
    assert outcome.infos == ()


def test_a_storage_takes_samples_in_the_order_of_time_only():
    storage = made(3)
    with pytest.raises(SampleOrderError, match=r'm_total\{x="0"\} has a sample at 2000 ms, so none at 2000 ms'):
        storage.add(labels_of({"__name__": "m_total", "x": "0"}), 2000, 1.0)


def test_what_is_forgotten_is_gone_and_what_is_left_answers_as_before():
    storage = made(300, names=2)
    storage.add(labels_of({"__name__": "old"}), 1000, 1.0)
    storage.add(labels_of({"__name__": "m_total", "x": "1"}), 300_000, STALE)
    before = samples(Query.parse("increase(m_total[100s])").instant(storage, 300_500).value)
    storage.forget_before(150_000)
    assert same(samples(Query.parse("increase(m_total[100s])").instant(storage, 300_500).value), before)
    assert {one.labels[0][1] for one in storage.series()} == {"m_total"}
    assert all(len(one.times) <= 152 for one in storage.series())


def test_a_union_has_the_series_of_all_and_joins_those_that_several_have():
    one, other = MemoryStorage(), MemoryStorage()
    for storage, times in ((one, (1000, 3000)), (other, (2000, 3000, 4000))):
        for at in times:
            storage.add(labels_of({"__name__": "m"}), at, 1.0 if storage is one else 2.0)
    other.add(labels_of({"__name__": "n"}), 1000, 7.0)
    union = UnionStorage(one, other)
    assert Query.parse("m[10s]").instant(union, 5000).value.series[0].values == [1.0, 2.0, 1.0, 2.0]
    assert samples(Query.parse("m + on () n").instant(union, 5000).value) == {(): 9.0}
    every = [Selector("__name__", "=~", "m|n")]
    assert len(union.select(every, 0, 9_000)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "max_over_time(stddev_over_time(m_total[10m])[10m:5s])",
        "predict_linear(m_total[30m], 60)",
        "quantile_over_time(0.9, m_total[30m])",
        "sum by (x) (rate(m_total[30m]))",
        "changes(m_total[30m])",
    ],
)
def test_other_threads_have_their_turns(text, monkeypatch):
    """However much there is to do: in processor time, a small part of it at a stretch."""
    storage, gaps, last = made(2_000, names=60), [], [0.0]
    take = Breath.take

    def noted(breath):
        gaps.append(time.thread_time() - last[0])
        now = take(breath)
        last[0] = time.thread_time()
        return now

    monkeypatch.setattr(Breath, "take", noted)
    query = Query.parse(text)
    begun = last[0] = time.thread_time()
    query.instant(storage, 1_999_000, budget=Budget(seconds=60))
    assert max(gaps) < max(0.01, (time.thread_time() - begun) / 4)


def test_all_storages_keep_the_contract():
    assert all(isinstance(one, Storage) for one in (MemoryStorage(), UnionStorage(), HistoryStorage(Scene().history)))
    (points,) = made().select([Selector("x", "=~", "0|1")], 0, 0)
    assert points.between(3_000, 4_999) == Points(points.labels, [3_000, 4_000], [3.0, 4.0])


def test_errors_are_of_one_kind():
    with pytest.raises(PromqlError):
        Query.parse("m_total + on () m_total").instant(made(names=2), 0)
