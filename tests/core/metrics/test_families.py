from __future__ import annotations

import enum
import math

import pytest

from trivet.errors import MetricError
from trivet.metrics.counter import CounterCell, LockedCounterCell
from trivet.metrics.gauge import LockedGaugeCell
from trivet.metrics.histogram import LockedHistogramCell
from trivet.metrics.registry import Metrics
from trivet.metrics.watch import Watch


@pytest.fixture
def metrics():
    return Metrics()


def test_a_family_without_labels_is_used_directly(metrics):
    """One series, there from the start, and its methods on the family itself."""
    counter, gauge = metrics.counter("served_total", "Served."), metrics.gauge("waiting", "Waiting.")
    histogram = metrics.histogram("size_bytes", "Size.", buckets=(10, 20))
    counter.inc()
    counter.inc(2.5)
    gauge.set(7)
    gauge.dec(3)
    gauge.inc()
    histogram.observe(10)
    histogram.observe(99)
    assert counter[()].value == 3.5
    assert gauge[()].value == 5
    assert histogram[()].cumulated() == [1, 1, 2]
    assert histogram[()].sum == 109


def test_all_ways_to_a_series_lead_to_the_same_one(metrics):
    family = metrics.counter("requests_total", "Requests.", labels=("method", "code"))
    cell = family.labels("GET", "200")
    assert family.labels(code=200, method="GET") is cell
    assert family.labels("GET", 200) is cell
    assert family["GET", "200"] is cell
    assert len(family) == 1


def test_a_label_value_is_known_by_its_text_whatever_its_type(metrics):
    """Two types with one text would be one series twice, which no scraper accepts."""

    class Region(str, enum.Enum):  # noqa: UP042 - str() of it is Region.EU, which is the trap
        EU = "eu"

    family = metrics.counter("orders_total", "Orders.", labels=("region",))
    assert family.labels(Region.EU) is family.labels("eu")
    assert family.labels(1) is family.labels("1")
    assert [cell.labels for cell in family.cells()] == [("eu",), ("1",)]


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("a",), {}), (("a", "b", "c"), {}), ((), {"x": 1}), ((), {"x": 1, "z": 2}), (("a",), {"y": 1})],
)
def test_label_values_that_do_not_fit_are_refused_with_the_labels_named(metrics, values, named):
    family = metrics.gauge("g", "G.", labels=("x", "y"))
    with pytest.raises(MetricError, match=r"g(: | has the labels \(x, y\))"):
        family.labels(*values, **named)
    assert len(family) == 0


def test_a_family_with_labels_says_so_when_used_without(metrics):
    for use in (
        metrics.counter("c", "C.", labels=("x",)).inc,
        metrics.gauge("g", "G.", labels=("x",)).inc,
        metrics.gauge("g", "G.", labels=("x",)).dec,
        lambda: metrics.gauge("g", "G.", labels=("x",)).set(1),
        lambda: metrics.gauge("g", "G.", labels=("x",)).set_function(lambda: 1),
        lambda: metrics.histogram("h", "H.", labels=("x",)).observe(1),
    ):
        with pytest.raises(MetricError, match=r"has the labels \(x\).*call \.labels\(x\)"):
            use()


def test_a_string_is_no_key(metrics):
    """`family["ab"]` would otherwise be the series of ("a", "b")."""
    with pytest.raises(MetricError, match="labels"):
        metrics.counter("c", "C.", labels=("x", "y"))["ab"]


@pytest.mark.parametrize("amount", [-1, -0.5, math.nan, "nan"])
def test_a_counter_refuses_to_shrink(metrics, amount):
    counter = metrics.counter("c", "C.")
    counter.inc(4)
    with pytest.raises(MetricError, match="only grows"):
        counter.inc(amount)
    assert counter[()].value == 4


def test_a_histogram_refuses_nan(metrics):
    histogram = metrics.histogram("h", "H.")
    with pytest.raises(MetricError, match="NaN"):
        histogram.observe(math.nan)
    assert histogram[()].cumulated()[-1] == 0
    assert histogram[()].sum == 0


def test_a_value_on_a_bound_belongs_to_its_bucket(metrics):
    """Buckets are "less or equal"; what lies above all bounds is only in +Inf."""
    histogram = metrics.histogram("h", "H.", buckets=(1, 2, 5))
    for value in (-3, 1, 1.5, 2, 5, 5.1, math.inf):
        histogram.observe(value)
    assert histogram[()].cumulated() == [2, 4, 5, 7]


def test_foreign_number_types_do_not_get_into_the_store(metrics):
    """Their addition may run Python code in the middle of an update, and their repr is no number."""

    class Odd:
        def __float__(self):
            return 2.0

        def __ge__(self, other):
            return True

    counter, gauge, histogram = metrics.counter("c", "C."), metrics.gauge("g", "G."), metrics.histogram("h", "H.")
    counter.inc(Odd())
    gauge.set(Odd())
    histogram.observe(Odd())
    gauge.inc(True)
    assert [type(value) for value in (counter[()].value, gauge[()].value, histogram[()].sum)] == [float] * 3
    assert gauge[()].value == 3


def test_a_removed_series_is_gone_and_comes_back_empty(metrics):
    family = metrics.counter("c", "C.", labels=("x",))
    family.labels("a").inc(5)
    family.remove("a")
    family.remove(x="never there")
    assert family.cells() == []
    assert family.labels("a").value == 0
    family.clear()
    assert family.cells() == []


def test_the_one_series_of_a_family_without_labels_stays(metrics):
    """Its methods are bound to the family: a new series behind them would count unseen."""
    family = metrics.counter("c", "C.")
    for remove in (family.remove, family.clear):
        with pytest.raises(MetricError, match="has no labels"):
            remove()


def test_too_many_series_share_one_and_name_the_guilty_label(metrics):
    family = metrics.counter("requests_total", "Requests.", labels=("method", "user"), limit=10)
    for user in range(25):
        family.labels("GET", user).inc()
    assert len(family) == 11
    assert family["_overflow", "_overflow"].value == 15
    assert family.overflow == "user"
    overflows = metrics.get("trivet_metric_overflow_total")
    assert overflows["requests_total", "user"].value == 15
    family.labels("GET", 3).inc()
    assert family["GET", "3"].value == 2


def test_room_made_by_removal_is_used_again(metrics):
    family = metrics.gauge("g", "G.", labels=("x",), limit=2)
    family.labels("a").set(1)
    family.labels("b").set(1)
    family.remove("a")
    family.labels("c").set(3)
    assert family["c",].value == 3
    assert family.overflow is None


def test_the_overflow_counter_cannot_overflow_into_itself():
    metrics = Metrics(limit=1)
    for name in "abc":
        family = metrics.counter(name, "X.", labels=("x",))
        family.labels("1").inc()
        family.labels("2").inc()
    overflows = metrics.get("trivet_metric_overflow_total")
    assert sum(cell.value for cell in overflows.cells()) == 3


def test_a_family_is_itself_and_not_its_series(metrics):
    """A dict by build, an object by behaviour: usable as a key, true while empty, with a short repr."""
    a, b = metrics.counter("a", "A.", labels=("x",)), metrics.counter("b", "B.", labels=("x",))
    assert a != b
    assert len({a, b}) == 2
    assert a
    for index in range(1000):
        a.labels(index)
    assert repr(a) == "<counter a_total(x), 1000 series>"


def test_label_values_that_utf8_cannot_carry_are_made_writable(metrics):
    """A lone surrogate, from a file name or a request path, must not break every later scrape."""
    family = metrics.counter("files_total", "Files.", labels=("path",))
    cell = family.labels("bad\udcff.txt")
    assert cell.labels == (r"bad\udcff.txt",)
    assert family.labels("bad\udcff.txt") is cell
    family.text_of(cell).encode()


def test_the_cells_for_interpreters_without_a_gil_do_the_same():
    watch = Watch()
    counter, gauge = LockedCounterCell((), watch), LockedGaugeCell((), watch, {})
    histogram = LockedHistogramCell((), watch, (1.0, 2.0))
    counter.inc()
    counter.inc(2)
    gauge.inc(5)
    gauge.dec(2)
    histogram.observe(1.5)
    assert (counter.value, gauge.value, histogram.cumulated(), histogram.sum) == (3, 3, [0, 1, 1], 1.5)
    with pytest.raises(MetricError):
        counter.inc(-1)


def test_a_series_costs_little_memory():
    """Slotted: no dict per series."""
    assert not hasattr(CounterCell((), Watch()), "__dict__")
