"""Random registries -> our expositions -> our reader, prometheus_client's parsers and promtool."""

from __future__ import annotations

import math
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from trivet.metrics.names import Escaping
from trivet.metrics.registry import Metrics
from trivet.openmetrics.reader import read
from trivet_plugins.monitoring.openmetrics import OpenMetricsConfig, OpenMetricsText
from trivet_plugins.monitoring.prometheus import PrometheusText

PLANES = "".join(chr(plane * 0x10000 + 0x41) for plane in range(17)) + "\ud7ff\ue000\ufffd\uffff\U0010ffff"
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        '"',
        "\\",
        "\n",
        '\\"',
        "\\n",
        "\\\\n",
        "}",
        "{",
        ",",
        '",x="',
        "\r",
        "\x00",
        "\x85",
        "\u2028",
        "%s",
        " # {",
        PLANES,
    ]
)
NAMES = st.sampled_from(["region", "http.method", "le_", 'od"d\\', "täglich", "1st"])


@st.composite
def registries(draw, *, utf8=False):
    """A registry with metrics of every kind, and what to expect of it: ``{(name, labels): value}``."""
    metrics, wanted = Metrics(), {}
    metrics.utf8_names = utf8
    exemplar = draw(st.none() | TEXTS.map(lambda text: {"trace_id": text}))
    metrics.take_exemplars(lambda: exemplar)
    label = draw(NAMES) if utf8 else "region"
    dot = "." if utf8 else "_"

    def expect(name, value, **labels):
        wanted[name, tuple(sorted(labels.items()))] = float(value)

    help_text = f"Help {draw(TEXTS)}"
    counter = metrics.counter(f"jobs{dot}done", help_text, labels=(label,), unit="bytes")
    gauge = metrics.gauge(f"room{dot}left", help_text, labels=(label,))
    histogram = metrics.histogram(f"wait{dot}time", help_text, labels=(label,), buckets=(0.5, 1, 1e6), unit="seconds")
    summary = metrics.summary(f"size{dot}of", help_text, labels=(label,))
    for value in draw(st.lists(TEXTS, max_size=3, unique=True)):
        amount = draw(st.floats(0, 1e300) | st.integers(0, 2**70))
        counter.labels(value).inc(amount)
        expect(f"jobs{dot}done_bytes_total", amount, **{label: value})
        level = draw(st.floats())
        gauge.labels(value).set(level)
        expect(f"room{dot}left", level, **{label: value})
        for number in draw(st.lists(st.floats(0, 1e9), max_size=3)):
            histogram.labels(value).observe(number)
            summary.labels(value).observe(number)
    for cell in histogram.cells():
        for bound, count in zip(("0.5", "1.0", "1e+06", "+Inf"), cell.cumulated(), strict=True):
            expect(f"wait{dot}time_seconds_bucket", count, **{label: cell.labels[0], "le": bound})
        expect(f"wait{dot}time_seconds_sum", cell.sum, **{label: cell.labels[0]})
        expect(f"wait{dot}time_seconds_count", cell.cumulated()[-1], **{label: cell.labels[0]})
    for cell in summary.cells():
        expect(f"size{dot}of_sum", cell.sum, **{label: cell.labels[0]})
        expect(f"size{dot}of_count", cell.count, **{label: cell.labels[0]})
    facts = draw(st.dictionaries(NAMES if utf8 else st.sampled_from(["a", "b"]), TEXTS, min_size=1, max_size=3))
    metrics.info(f"the{dot}build", help_text, facts)
    expect(f"the{dot}build_info", 1, **facts)
    states = draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
    metrics.stateset(f"the{dot}phase", help_text, states).set(states[0])
    for state in states:
        expect(f"the{dot}phase", state == states[0], **{f"the{dot}phase": state})
    return metrics, wanted


def written(exporter, metrics):
    families = [family for family in metrics.families() if not family.name.startswith("trivet_")]
    return b"".join(exporter.encode(families)).decode()


def samples(families):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def same(read_, wanted):
    assert read_.keys() == wanted.keys()
    for key, value in wanted.items():
        found = float(read_[key])  # prometheus_client keeps integers beyond 2**53, which a sample cannot
        assert found == value or (math.isnan(value) and math.isnan(found)), key


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries(), st.booleans())
def test_our_reader_reads_what_we_write_in_both_formats(registry, created):
    metrics, wanted = registry
    same(samples(read(written(OpenMetricsText(OpenMetricsConfig(created)), metrics))), wanted)
    same(samples(read(written(PrometheusText(), metrics), openmetrics=False)), wanted)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries(utf8=True))
def test_utf8_names_come_back_too(registry):
    metrics, wanted = registry
    same(samples(read(written(OpenMetricsText(escaping=Escaping.ALLOW_UTF_8), metrics))), wanted)
    text = written(PrometheusText(Escaping.ALLOW_UTF_8, "1.0.0"), metrics)
    same(samples(read(text, openmetrics=False)), wanted)
    for escaping in (Escaping.UNDERSCORES, Escaping.DOTS, Escaping.VALUES):
        assert len(samples(read(written(OpenMetricsText(escaping=escaping), metrics)))) == len(wanted)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries())
def test_prometheus_client_reads_the_same_out_of_the_text_format(registry):
    metrics, wanted = registry
    same(samples(text_string_to_metric_families(written(PrometheusText(), metrics))), wanted)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(registry=registries())
@pytest.mark.timeout(120)
def test_promtool_finds_nothing_to_say_about_any_exposition(registry, program):
    metrics, _wanted = registry
    promtool = program("promtool", package="prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=written(PrometheusText(), metrics).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
