"""Judged by parsers that others wrote: prometheus_client's, and promtool where it is installed."""

from __future__ import annotations

import math
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from trivet.metrics.contracts import MetricExporter
from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.dialect import bound_text, number
from trivet_plugins.monitoring.exposition import LINES
from trivet_plugins.monitoring.prometheus import PrometheusText


def written(metrics):
    return b"".join(PrometheusText().encode(metrics.families())).decode()


def samples(text):
    """Return all samples as others read them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def same(a, b):
    return float(a) == float(b) or (math.isnan(a) and math.isnan(b))


def test_it_is_an_exporter_of_the_text_format():
    assert isinstance(PrometheusText(), MetricExporter)
    assert PrometheusText().media_type == "text/plain; version=0.0.4; charset=utf-8"


def test_the_text_is_that_of_the_format_s_description():
    metrics = Metrics()
    counter = metrics.counter("http_requests_total", "The total\nof \\ requests.", labels=("method", "code"))
    counter.labels("post", 200).inc(1027)
    counter.labels('a"b\\c\nd', 400).inc(3)
    metrics.gauge("temperature", "Now.").set(-1.5)
    histogram = metrics.histogram("size", "Size.", labels=("k",), buckets=(0.5, 1, 2_500_000))
    for value in (0.5, 0.7, 3_000_000):
        histogram.labels("v").observe(value)
    plain = metrics.histogram("wait", "Wait.", buckets=(1,))
    plain.observe(1)
    text = written(metrics)
    assert text[text.index("# HELP http") :] == (
        "# HELP http_requests_total The total\\nof \\\\ requests.\n"
        "# TYPE http_requests_total counter\n"
        'http_requests_total{method="post",code="200"} 1027\n'
        'http_requests_total{method="a\\"b\\\\c\\nd",code="400"} 3\n'
        "# HELP temperature Now.\n"
        "# TYPE temperature gauge\n"
        "temperature -1.5\n"
        "# HELP size Size.\n"
        "# TYPE size histogram\n"
        'size_bucket{k="v",le="0.5"} 1\n'
        'size_bucket{k="v",le="1.0"} 2\n'
        'size_bucket{k="v",le="2.5e+06"} 2\n'
        'size_bucket{k="v",le="+Inf"} 3\n'
        'size_sum{k="v"} 3000001.2\n'
        'size_count{k="v"} 3\n'
        "# HELP wait Wait.\n"
        "# TYPE wait histogram\n"
        'wait_bucket{le="1.0"} 1\n'
        'wait_bucket{le="+Inf"} 1\n'
        "wait_sum 1.0\n"
        "wait_count 1\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (1, "1"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (2**70, str(2**70)),
    ],
)
def test_numbers_are_spelt_as_go_reads_them(value, text):
    assert number(value) == text
    metrics = Metrics()
    metrics.gauge("plain", "P.").set(value)
    metrics.gauge("labelled", "L.", labels=("x",)).labels("y").set(value)
    assert f"plain {text}\n" in written(metrics)
    assert f'labelled{{x="y"}} {text}\n' in written(metrics)


def test_bounds_are_spelt_as_prometheus_client_does():
    """Series keep their names when a service moves from one library to the other."""
    from prometheus_client.utils import floatToGoString

    for bound in (0.005, 0.1, 1.0, 10.0, 999_999.0, 1e6, 1_234_567.0, 2.5e7, 1e15, 1e16, 1e22, math.inf):
        assert bound_text(bound) == floatToGoString(bound)


hostile = st.text() | st.sampled_from(
    ['"', "\\", "\n", '\\"', "\\n", "\\\\n", "}", "{", ",", '",x="', "\r", "\x00", "\x85", "\u2028", " "]
)


@settings(max_examples=200, deadline=None)
@given(
    series=st.dictionaries(st.tuples(hostile, hostile), st.floats() | st.integers(-(2**80), 2**80), max_size=6),
    help_text=st.text(),
)
def test_hostile_labels_and_all_numbers_come_back_as_they_went_in(series, help_text):
    metrics = Metrics()
    gauge = metrics.gauge("g", help_text, labels=("a", "b"))
    for labels, value in series.items():
        gauge.labels(*labels).set(value)
    read = {key: value for key, value in samples(written(metrics)).items() if key[0] == "g"}
    wanted = {("g", (("a", a), ("b", b))): float(value) for (a, b), value in series.items()}
    assert read.keys() == wanted.keys()
    assert all(same(read[key], wanted[key]) for key in read)


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.floats(allow_nan=False), max_size=30),
    bounds=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=10, unique=True).map(sorted),
    label=hostile,
)
def test_histograms_come_back_as_they_went_in(values, bounds, label):
    metrics = Metrics()
    cell = metrics.histogram("h", "H.", labels=("x",), buckets=bounds).labels(label)
    for value in values:
        cell.observe(value)
    read = samples(written(metrics))
    for bound in (*map(float, bounds), math.inf):
        key = ("h_bucket", tuple(sorted({"x": label, "le": bound_text(bound)}.items())))
        assert read[key] == sum(value <= bound for value in values)
    assert read["h_count", (("x", label),)] == len(values)
    assert same(read["h_sum", (("x", label),)], cell.sum)


def test_large_expositions_come_in_chunks_of_bounded_size():
    """So that a server can give way to other tasks between them."""
    metrics = Metrics(limit=100_000)
    counter = metrics.counter("c", "C.", labels=("x",))
    histogram = metrics.histogram("h", "H.", labels=("x",))
    for index in range(5_000):
        counter.labels(index).inc()
    for index in range(500):
        histogram.labels(index).observe(1)
    chunks = list(PrometheusText().encode(metrics.families()))
    assert max(chunk.count(b"\n") for chunk in chunks) <= 2 * LINES
    assert len(chunks) >= 10
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    assert len(samples(b"".join(chunks).decode())) == 5_000 + 500 * 17


def test_small_families_share_a_chunk():
    metrics = Metrics()
    for index in range(50):
        metrics.gauge(f"g{index}", "G.").set(1)
    assert len(list(PrometheusText().encode(metrics.families()))) == 1


def test_births_and_deaths_between_chunks_break_nothing():
    metrics = Metrics(limit=100_000)
    counter = metrics.counter("c", "C.", labels=("x",))
    for index in range(3_000):
        counter.labels(index).inc()
    chunks = []
    for number_, chunk in enumerate(PrometheusText().encode(metrics.families())):
        chunks.append(chunk)
        counter.labels(f"born {number_}").inc()
        counter.remove(number_)
    read = samples(b"".join(chunks).decode())
    assert len(read) == 3_000


def test_what_was_written_once_is_written_the_same_again():
    """The label text is kept from scrape to scrape; the numbers are not."""
    metrics = Metrics()
    counter = metrics.counter("c", "C.", labels=("x",))
    counter.labels("a").inc()
    assert 'c_total{x="a"} 1\n' in written(metrics)
    counter.labels("a").inc()
    assert 'c_total{x="a"} 2\n' in written(metrics)


def test_promtool_finds_nothing_to_complain_about(program):
    promtool = program("promtool", package="prometheus")
    metrics = Metrics()
    metrics.counter("hostile_total", 'Help with "quotes" \\ and\nnewline.', labels=("x",)).labels('a"b\\c\nd').inc()
    metrics.gauge("odd_bytes", "Odd.").set(math.nan)
    metrics.histogram("wait_seconds", "Wait.", labels=("x",)).labels("ü").observe(3)
    with metrics.timed("charge_card"):
        pass
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=written(metrics), capture_output=True, text=True, timeout=15, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
