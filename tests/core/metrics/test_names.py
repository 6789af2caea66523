"""Names, units and UTF-8: what is taken, and how it is escaped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.errors import MetricError
from trivet.metrics.names import Escaping, escape_name, is_legacy_metric
from trivet.metrics.registry import Metrics


@pytest.fixture
def metrics():
    return Metrics()


@pytest.mark.parametrize(
    ("name", "underscores", "dots", "values"),
    [
        ("http_requests", "http_requests", "http_requests", "http_requests"),
        ("http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum"),
        ("my.metric_name", "my_metric_name", "my_dot_metric__name", "U__my_2e_metric__name"),
        ("1st", "_st", "__st", "U__1st"),
        ("花火", "__", "____", "U___82b1__706b_"),
    ],
)
def test_names_are_escaped_as_prometheus_describes(name, underscores, dots, values):
    """The examples of the escaping schemes' description; a legacy name is never changed."""
    assert escape_name(name, Escaping.ALLOW_UTF_8) == name
    assert escape_name(name, Escaping.UNDERSCORES) == underscores
    assert escape_name(name, Escaping.DOTS) == dots
    assert escape_name(name, Escaping.VALUES) == values


@given(st.text(min_size=1), st.sampled_from([Escaping.UNDERSCORES, Escaping.DOTS, Escaping.VALUES]))
def test_an_escaped_name_is_one_that_every_reader_takes(name, escaping):
    assert is_legacy_metric(escape_name(name, escaping))
    assert ":" not in escape_name(name, escaping, label=True)


def test_utf8_names_are_taken_only_where_asked_for(metrics):
    with pytest.raises(MetricError, match="utf8_names = True"):
        metrics.counter("http.requests", "R.")
    with pytest.raises(MetricError, match="utf8_names = True"):
        metrics.counter("requests", "R.", labels=("http.method",))
    metrics.utf8_names = True
    family = metrics.counter("http.requests", "R.", labels=("http.method",))
    assert family.text_of(family.labels("GET")) == '"http.method"="GET"'
    for name in ("", "\ud800"):
        with pytest.raises(MetricError, match="no metric name"):
            metrics.gauge(name, "X.")
    with pytest.raises(MetricError, match="no label name"):
        metrics.gauge("x", "X.", labels=("",))


def test_names_that_are_one_once_escaped_clash(metrics):
    """A reader without UTF-8 names would get one series twice."""
    metrics.utf8_names = True
    metrics.gauge("a.b", "A.")
    with pytest.raises(MetricError, match="clashes"):
        metrics.gauge("a_b", "A.")
    with pytest.raises(MetricError, match="twice"):
        metrics.gauge("c", "C.", labels=("x.y", "x_y"))
    metrics.unregister("a.b")
    metrics.gauge("a_b", "A.")


def test_a_unit_is_the_last_part_of_the_name(metrics):
    """OpenMetrics demands it; it is added where it is missing, before the suffix of a counter."""
    assert metrics.counter("sent", "Sent.", unit="bytes").name == "sent_bytes_total"
    assert metrics.counter("got_bytes_total", "Got.", unit="bytes").name == "got_bytes_total"
    assert metrics.gauge("cache", "Cache.", unit="bytes").name == "cache_bytes"
    assert metrics.histogram("wait_seconds", "Wait.", unit="seconds").unit == "seconds"
    assert metrics.summary("size", "Size.", unit="bytes").name == "size_bytes"
    with pytest.raises(MetricError, match="no unit"):
        metrics.gauge("x", "X.", unit="m/s")
    with pytest.raises(MetricError, match="clashes"):
        metrics.gauge("cache_bytes", "Cache.")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda m: m.counter("x", "X."), lambda m: m.gauge("x_total", "X.")),
        (lambda m: m.gauge("x_total", "X."), lambda m: m.counter("x", "X.")),
        (lambda m: m.counter("x", "X."), lambda m: m.gauge("x_created", "X.")),
        (lambda m: m.gauge("x_bucket", "X."), lambda m: m.histogram("x", "X.")),
        (lambda m: m.summary("x", "X."), lambda m: m.gauge("x_count", "X.")),
        (lambda m: m.summary("x", "X."), lambda m: m.histogram("x", "X.")),
        (lambda m: m.info("x", "X."), lambda m: m.gauge("x_info", "X.")),
        (lambda m: m.info("x", "X."), lambda m: m.gauge("x", "X.")),
        (lambda m: m.stateset("x", "X.", ("a",)), lambda m: m.gauge("x", "X.")),
        (lambda m: m.stateset("x", "X.", ("a",)), lambda m: m.stateset("x", "X.", ("b",))),
        (lambda m: m.histogram("x", "X."), lambda m: m.histogram("x", "X.", schema=3)),
    ],
)
def test_names_that_would_be_confused_in_an_exposition_are_refused(metrics, first, second):
    first(metrics)
    with pytest.raises(MetricError, match="clashes"):
        second(metrics)
