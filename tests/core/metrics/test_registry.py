from __future__ import annotations

import math

import pytest

from trivet.errors import MetricError
from trivet.metrics.contracts import MetricExporter
from trivet.metrics.registry import Metrics


@pytest.fixture
def metrics():
    return Metrics()


def test_a_counter_is_called_total_whether_its_maker_says_so_or_not(metrics):
    counter = metrics.counter("orders_accepted", "Orders accepted.")
    assert counter.name == "orders_accepted_total"
    assert metrics.counter("orders_accepted_total", "Orders accepted.") is counter


def test_the_same_definition_gives_the_same_family(metrics):
    """Modules that are imported twice, or share a metric, must not fight."""
    make = lambda: metrics.histogram("h", "H.", labels=["x"], buckets=(1, 2, math.inf))  # noqa: E731
    assert make() is make()
    assert make() is metrics.get("h")


@pytest.mark.parametrize(
    "other",
    [
        lambda metrics: metrics.gauge("h", "H."),
        lambda metrics: metrics.histogram("h", "Other help."),
        lambda metrics: metrics.histogram("h", "H.", labels=("x",)),
        lambda metrics: metrics.histogram("h", "H.", buckets=(1,)),
        lambda metrics: metrics.gauge("h_sum", "H."),
        lambda metrics: metrics.gauge("h_bucket", "H."),
        lambda metrics: metrics.gauge("h_count", "H."),
    ],
)
def test_a_different_definition_of_a_name_is_refused_naming_both(metrics, other):
    metrics.histogram("h", "H.")
    before = metrics.families()
    with pytest.raises(MetricError, match=r"<.* h.*> clashes with <histogram h\(\), 1 series> over h"):
        other(metrics)
    assert metrics.families() == before


def test_names_that_only_openmetrics_would_confuse_are_refused(metrics):
    """There the family of `jobs_total` is called `jobs`."""
    metrics.counter("jobs_total", "Jobs.")
    with pytest.raises(MetricError, match="clashes"):
        metrics.gauge("jobs", "Jobs.")


@pytest.mark.parametrize("name", ["", "1st", "a-b", "a b", "a\n", "ä", "a{b}"])
def test_a_metric_name_the_formats_do_not_know_is_refused(metrics, name):
    for make in (metrics.counter, metrics.gauge, metrics.histogram, metrics.timed):
        with pytest.raises(MetricError, match="no metric name"):
            make(name, "X.")


@pytest.mark.parametrize("labels", [("1",), ("a-b",), ("a:b",), ("",), ("__x",), ("x", "x"), "region"])
def test_label_names_the_formats_do_not_know_are_refused(metrics, labels):
    with pytest.raises(MetricError, match="label"):
        metrics.counter("c", "C.", labels=labels)


def test_a_histogram_keeps_the_label_le_for_itself(metrics):
    with pytest.raises(MetricError, match="'le' of h is reserved"):
        metrics.histogram("h", "H.", labels=("le",))
    metrics.gauge("g", "G.", labels=("le",))


@pytest.mark.parametrize("buckets", [(), (math.inf,), (1, 1), (2, 1), (math.nan,), (-math.inf, 1)])
def test_buckets_must_rise(metrics, buckets):
    with pytest.raises(MetricError, match="buckets of h must be finite numbers that rise"):
        metrics.histogram("h", "H.", buckets=buckets)


def test_a_limit_below_one_is_refused(metrics):
    with pytest.raises(ValueError, match="limit"):
        metrics.counter("c", "C.", limit=0)


def test_a_gauge_asks_its_function_at_scrape(metrics):
    queue = [1, 2, 3]
    gauge = metrics.gauge("queue_length", "Waiting.", callback=lambda: len(queue))
    sizes = metrics.gauge("sizes", "Sizes.", labels=("name",))
    sizes.labels("queue").set_function(lambda: len(queue) * 2)
    metrics.families()
    assert (gauge[()].value, sizes["queue",].value) == (3, 6)
    queue.append(4)
    sizes.labels("queue").set_function(None)
    metrics.families()
    assert (gauge[()].value, sizes["queue",].value) == (4, 6)


def test_a_gauge_function_that_raises_reads_nan_and_is_counted(metrics):
    broken = metrics.gauge("broken", "B.", callback=lambda: 1 / 0)
    fine = metrics.gauge("fine", "F.", callback=lambda: 1)
    metrics.families()
    assert math.isnan(broken[()].value)
    assert fine[()].value == 1
    assert metrics.get("trivet_metric_collect_errors_total")["broken", "ZeroDivisionError"].value == 1


def test_a_gauge_function_must_not_be_async(metrics):
    async def later():
        return 1

    with pytest.raises(MetricError, match="cannot wait"):
        metrics.gauge("g", "G.", callback=later)


def test_the_function_of_a_removed_series_is_asked_no_more(metrics):
    asked = []
    gauge = metrics.gauge("g", "G.", labels=("x",))
    gauge.labels("a").set_function(lambda: asked.append(1) or 1)
    metrics.families()
    gauge.remove("a")
    metrics.families()
    assert len(asked) == 1
    assert gauge.cells() == []


def test_collectors_run_before_a_scrape_until_removed(metrics):
    counter = metrics.counter("scrapes", "Scrapes.")
    remove = metrics.before_scrape(counter.inc)
    metrics.families()
    metrics.families()
    remove()
    remove()
    metrics.families()
    assert counter[()].value == 2


def test_a_collector_that_raises_spoils_no_scrape(metrics):
    def broken_collector():
        raise OSError

    seen = []
    metrics.before_scrape(broken_collector)
    metrics.before_scrape(lambda: seen.append(1))
    assert metrics.families()
    assert seen == [1]
    (cell,) = metrics.get("trivet_metric_collect_errors_total").cells()
    assert cell.labels[0].endswith("broken_collector")


def test_a_collector_may_make_metrics(metrics):
    metrics.before_scrape(lambda: metrics.gauge("born_late", "Late.").set(1))
    assert "born_late" in {family.name for family in metrics.families()}


def test_an_unregistered_family_frees_its_names(metrics):
    metrics.histogram("h", "H.")
    metrics.timed("work")
    metrics.unregister("h")
    metrics.unregister("work_seconds")
    metrics.unregister("never there")
    assert metrics.get("h") is None
    metrics.gauge("h_sum", "H.")
    metrics.timed("work")
    assert metrics.get("work_seconds") is not None


def test_exporters_come_and_go_by_name(metrics):
    class Exporter:
        media_type = "text/plain"

        def encode(self, families):
            yield b""

    one, two = Exporter(), Exporter()
    assert isinstance(one, MetricExporter)
    remove = metrics.add_exporter("prometheus", one)
    with pytest.raises(MetricError, match="exporter prometheus is there already"):
        metrics.add_exporter("prometheus", two)
    assert metrics.exporters == {"prometheus": one}
    remove()
    metrics.add_exporter("prometheus", two)
    remove()
    assert metrics.exporters == {"prometheus": two}
    with pytest.raises(TypeError):
        metrics.exporters["x"] = one
