"""Summary, Info, StateSet, exponential histograms, exemplars and expiry."""

from __future__ import annotations

import contextvars
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.errors import MetricError
from trivet.metrics.exponential import Exponential, bucket_index, upper_bound
from trivet.metrics.registry import Metrics
from trivet.metrics.summary import LockedSummaryCell
from trivet.metrics.watch import ROUND, Watch


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test can put forward."""
    now = [1000.0]
    monkeypatch.setitem(Watch.__init__.__kwdefaults__, "clock", lambda: now[0])
    return now


def test_a_summary_counts_and_sums(metrics):
    summary = metrics.summary("size_bytes", "Size.")
    for value in (0, 2.5, 4):
        summary.observe(value)
    assert (summary[()].count, summary[()].sum) == (3, 6.5)
    for wrong in (-1, math.nan):
        with pytest.raises(MetricError, match="not negative"):
            summary.observe(wrong)
    with pytest.raises(MetricError, match="'quantile' of s is reserved"):
        metrics.summary("s", "S.", labels=("quantile",))
    locked = LockedSummaryCell((), Watch())
    locked.observe(2)
    assert (locked.count, locked.sum) == (1, 2)


def test_an_info_holds_facts(metrics):
    info = metrics.info("build", "The build.", {"version": "1.4", "commit": 7})
    assert info.name == "build_info"
    assert dict(info[()].value) == {"version": "1.4", "commit": "7"}
    info.set({"version": "1.5"})
    assert dict(info[()].value) == {"version": "1.5"}
    labelled = metrics.info("disk", "Disks.", labels=("device",))
    assert labelled.labels("sda").value is None
    with pytest.raises(MetricError, match="twice"):
        labelled.labels("sda").set({"device": "sdb"})
    with pytest.raises(MetricError, match="no label name"):
        info.set({"a-b": "c"})
    with pytest.raises(MetricError, match="before _info"):
        metrics.info("_info", "X.")


def test_a_state_set_holds_some_of_its_states(metrics):
    states = metrics.stateset("phase", "Phase.", ("starting", "running", "stopping"))
    assert states[()].value == frozenset()
    states.set("running")
    assert states[()].value == {"running"}
    states.set("running", "stopping")
    assert states[()].value == {"running", "stopping"}
    with pytest.raises(MetricError, match="has the states starting, running, stopping; got 'gone'"):
        states.set("gone")
    for wrong in ((), ("a", "a"), "abc"):
        with pytest.raises(MetricError, match="different texts"):
            metrics.stateset("other", "O.", wrong)
    with pytest.raises(MetricError, match="'other' of other is reserved"):
        metrics.stateset("other", "O.", ("a",), labels=("other",))


# -- exponential histograms ---------------------------------------------------------------------------------------------


@given(st.floats(min_value=2.3e-308, max_value=1.7e308), st.integers(-4, 8))
def test_a_value_is_in_the_bucket_whose_bounds_enclose_it(value, schema):
    index = bucket_index(value, schema)
    assert value <= upper_bound(index, schema)
    assert value > upper_bound(index - 1, schema) or upper_bound(index - 1, schema) == 0


@pytest.mark.parametrize("schema", range(-4, 9))
def test_a_bound_belongs_to_the_bucket_below(schema):
    """Buckets include their upper bounds, powers of two exactly."""
    for index in range(-40, 41):
        bound = upper_bound(index, schema)
        if 1e-300 < bound < 1e300:
            assert bucket_index(bound, schema) == index
            assert bucket_index(math.nextafter(bound, math.inf), schema) == index + 1


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=60), st.integers(2, 12))
def test_coarser_buckets_are_those_that_the_coarser_schema_would_have_counted(values, most):
    """However often the resolution was halved on the way."""
    own = Exponential(8, most, 2.0**-128)
    for value in values:
        own.count(value)
    again = Exponential(own.schema, 10**6, 2.0**-128)
    for value in values:
        again.count(value)
    assert (own.positive, own.negative, own.zero) == (again.positive, again.negative, again.zero)
    assert len(own.positive) + len(own.negative) <= most or own.schema == -4
    assert sum(own.positive.values()) + sum(own.negative.values()) + own.zero == len(values)


def test_a_native_histogram_counts_in_both_kinds_of_buckets(metrics):
    histogram = metrics.histogram("wait", "Wait.", schema=3, unit="seconds", buckets=(1, 2))
    for value in (0.5, 1, 1.5, -3, 0, math.inf):
        histogram.observe(value)
    cell = histogram[()]
    assert cell.cumulated() == [4, 5, 6]
    schema, zero, positive, negative, count, total = cell.native()
    assert (schema, zero, count, total) == (3, 1, 6, math.inf)
    assert positive == {-8: 1, 0: 1, 5: 1}
    assert negative == {13: 1}
    for wrong in ({"schema": 9}, {"schema": -5}, {"schema": 3, "max_buckets": 1}):
        with pytest.raises(MetricError, match="schema"):
            metrics.histogram("other", "O.", **wrong)


# -- exemplars ----------------------------------------------------------------------------------------------------------


def test_the_exemplar_source_is_asked_at_every_update(metrics):
    """Metrics made before and after it is set, in the context of the update; bound handles too."""
    trace = contextvars.ContextVar("trace", default=None)
    counter, histogram = metrics.counter("c", "C."), metrics.histogram("h", "H.", buckets=(1, 2))
    inc = counter[()].inc
    inc()
    assert counter[()].exemplar is None
    metrics.take_exemplars(lambda: {"trace_id": trace.get()} if trace.get() else None)
    later = metrics.counter("later", "L.")
    inc()
    assert counter[()].exemplar is None
    trace.set("abc")
    inc(4)
    later.inc()
    for value in (0.5, 1.5, 1.6, 9):
        histogram.observe(value)
    with metrics.timed("work"):
        pass
    assert (counter[()].exemplar.names, counter[()].exemplar.values, counter[()].exemplar.value) == (
        ("trace_id",),
        ("abc",),
        4,
    )
    assert later[()].exemplar is not None
    assert {index: one.value for index, one in histogram[()].exemplars.items()} == {0: 0.5, 1: 1.6, 2: 9}
    assert metrics.get("work_seconds")["ok",].exemplars
    trace.set(None)
    inc()
    assert counter[()].exemplar.value == 4, "what is not sampled replaces nothing"
    metrics.take_exemplars(None)
    trace.set("def")
    inc()
    assert counter[()].exemplar.values == ("abc",)


def test_an_exemplar_may_be_given_with_the_update(metrics):
    counter, histogram = metrics.counter("c", "C."), metrics.histogram("h", "H.")
    counter.inc(exemplar={"order": "17"})
    histogram.observe(0.3, exemplar={"order": "18"})
    assert counter[()].exemplar.values == ("17",)
    (exemplar,) = histogram[()].exemplars.values()
    assert exemplar.values == ("18",)
    with pytest.raises(MetricError, match="OpenMetrics allows 128"):
        counter.inc(exemplar={"order": "x" * 124})
    counter.inc(exemplar={"order": "ü" * 123})


def test_an_exemplar_source_that_raises_costs_no_update(metrics):
    counter = metrics.counter("c", "C.")
    metrics.take_exemplars(lambda: 1 / 0)
    counter.inc()
    metrics.take_exemplars(lambda: {"trace_id": "x" * 200})
    counter.inc()
    assert counter[()].value == 2
    errors = metrics.get("trivet_metric_collect_errors_total")
    assert {cell.labels: cell.value for cell in errors.cells()} == {
        ("exemplar source", "ZeroDivisionError"): 1,
        ("exemplar source", "MetricError"): 1,
    }


# -- expiry -------------------------------------------------------------------------------------------------------------


def test_series_without_updates_expire(metrics, clock):
    """Also a gauge that is set to the same value again and again lives."""
    gauge = metrics.gauge("jobs", "Jobs.", labels=("worker",), expire=60)
    kept = metrics.counter("kept", "Kept.", labels=("x",))
    kept.labels("a").inc()
    gauge.labels("a").set(1)
    gauge.labels("b").set(1)
    clock[0] += 50
    gauge.labels("a").set(1)
    clock[0] += 50
    metrics.families()
    assert [cell.labels for cell in gauge.cells()] == [("a",)]
    clock[0] += 50
    metrics.families()
    assert gauge.cells() == []
    gauge.labels("a").set(2)
    metrics.families()
    assert gauge["a",].value == 2
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("make", "update"),
    [
        (lambda m: m.counter("x", "X.", labels=("l",), expire=1), lambda cell: cell.inc()),
        (lambda m: m.histogram("x", "X.", labels=("l",), expire=1), lambda cell: cell.observe(1)),
        (lambda m: m.summary("x", "X.", labels=("l",), expire=1), lambda cell: cell.observe(1)),
        (lambda m: m.info("x", "X.", labels=("l",), expire=1), lambda cell: cell.set({"v": "1"})),
        (lambda m: m.stateset("x", "X.", ["s"], labels=("l",), expire=1), lambda cell: cell.set("s")),
    ],
)
def test_every_update_of_every_kind_counts_as_life(metrics, clock, make, update):
    family = make(metrics)
    cell = family.labels("a")
    for _ in range(3):
        clock[0] += 0.9
        update(cell)
        metrics.families()
    assert len(family) == 1
    clock[0] += 1.1
    metrics.families()
    assert len(family) == 0


def test_a_function_of_a_gauge_keeps_its_series_alive(metrics, clock):
    gauge = metrics.gauge("g", "G.", labels=("x",), expire=1)
    gauge.labels("a").set_function(lambda: 1)
    for _ in range(3):
        clock[0] += 5
        metrics.families()
    assert len(gauge) == 1


def test_the_one_series_of_a_family_without_labels_does_not_expire(metrics, clock):
    counter = metrics.counter("c", "C.", expire=1)
    clock[0] += 10
    metrics.families()
    counter.inc()
    assert counter[()].value == 1
    with pytest.raises(MetricError, match="above 0 s"):
        metrics.counter("d", "D.", expire=0)


def test_a_large_family_is_looked_through_in_rounds(metrics, clock):
    """One scrape does a bounded amount of work."""
    gauge = metrics.gauge("g", "G.", labels=("x",), expire=1, limit=3 * ROUND)
    for index in range(2 * ROUND + 10):
        gauge.labels(index).set(1)
    clock[0] += 10
    metrics.families()
    assert len(gauge) == ROUND + 10
    for _ in range(3):
        metrics.families()
    assert len(gauge) == 0


def test_removed_and_cleared_series_leave_nothing_behind(metrics, clock):
    gauge = metrics.gauge("g", "G.", labels=("x",), expire=1)
    gauge.labels("a").set(1)
    gauge.labels("b").set(1)
    gauge.remove("a")
    assert len(gauge.watch._touched) == 1
    gauge.clear()
    assert gauge.watch._touched == {}
