"""The published cases, what our own writers write, and what strangers may send."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.openmetrics.reader import Limits, read
from trivet.openmetrics.sample import ExpositionError
from trivet.openmetrics.sample_line import MAX_LABELS


def verdict(text, **options):
    """Return why a text is refused, or None."""
    try:
        read(text, **options)
    except ExpositionError as error:
        return error
    return None


def test_every_published_case_has_the_published_verdict(test_data):
    """106 documents of the OpenMetrics project."""
    cases = sorted((test_data / "openmetrics").iterdir())
    wrong = {}
    for case in cases:
        good = verdict((case / "metrics").read_bytes().decode()) is None
        if good != json.loads((case / "test.json").read_text())["shouldParse"]:
            wrong[case.name] = good
    assert len(cases) == 106
    assert wrong == {}


def test_what_prometheus_client_reads_out_of_the_valid_cases_we_read_too(test_data):
    """Names, labels, values, timestamps and exemplars."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    for case in sorted((test_data / "openmetrics").iterdir()):
        if not json.loads((case / "test.json").read_text())["shouldParse"] or case.name == "duplicate_timestamps_0":
            continue  # of two samples within a nanosecond, prometheus_client keeps one
        text = (case / "metrics").read_bytes().decode()
        theirs = [
            (
                family.type,
                sample.name,
                sample.labels,
                float(sample.value),
                sample.exemplar and (sample.exemplar.labels, float(sample.exemplar.value)),
            )
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]
        ours = [
            (
                family.kind,
                sample.name,
                sample.labels,
                float(sample.value),
                sample.exemplar and (sample.exemplar.labels, float(sample.exemplar.value)),
            )
            for family in read(text)
            for sample in family.samples
        ]
        assert repr(ours) == repr(theirs), case.name


def test_a_document_is_read_into_families():
    text = (
        "# HELP wait_seconds How long,\\nin seconds.\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n"
        'wait_seconds_bucket{le="1.0"} 1 # {trace_id="a\\"b"} 0.5 1600000000.5\nwait_seconds_bucket{le="+Inf"} 2\n'
        "wait_seconds_sum 9\nwait_seconds_count 2\n# TYPE up gauge\nup 1 1600000001\n# EOF\n"
    )
    wait, up = read(text)
    assert (wait.name, wait.kind, wait.help, wait.unit) == (
        "wait_seconds",
        "histogram",
        "How long,\nin seconds.",
        "seconds",
    )
    exemplar = wait.samples[0].exemplar
    assert (exemplar.labels, exemplar.value, exemplar.timestamp) == ({"trace_id": 'a"b'}, 0.5, 1600000000.5)
    assert wait.samples[1].labels == {"le": "+Inf"}
    assert up.samples[0].timestamp == 1600000001


def test_names_in_quotes_are_read_as_prometheus_3_writes_them():
    text = '# TYPE "http.requests" counter\n{"http.requests_total","http.method"="GET",code="200"} 3\n# EOF\n'
    (family,) = read(text)
    assert family.name == "http.requests"
    assert family.samples[0].name == "http.requests_total"
    assert family.samples[0].labels == {"http.method": "GET", "code": "200"}
    for wrong in ('{code="200"} 1', 'a{"b"} 1', '{"a","b"} 1', '{code="200","a"} 1', '{""} 1', "{} 1"):
        with pytest.raises(ExpositionError, match="line 1"):
            read(f"{wrong}\n# EOF\n")


def test_the_text_format_is_read_with_its_freedoms():
    text = (
        (
            "# a comment\n\n# HELP jobs_total Jobs.\n#  TYPE\tjobs_total  counter\n"
            'jobs_total{ region="eu", }  3 1600000000000\n# TYPE odd untyped\nodd -Inf\nalone 2\n'
        )
        .replace("{ ", "{")
        .replace(", }", ",}")
    )
    jobs, odd, alone = read(text, openmetrics=False)
    assert (jobs.kind, jobs.help, jobs.samples[0].labels) == ("counter", "Jobs.", {"region": "eu"})
    assert jobs.samples[0].timestamp == 1600000000
    assert (odd.kind, odd.samples[0].value) == ("unknown", -math.inf)
    assert (alone.kind, alone.samples[0].value) == ("unknown", 2)
    for wrong in ("a", "a 1 2 3", "a x", "# TYPE a meh\n", "a{b=c} 1", "a 1 NaN"):
        with pytest.raises(ExpositionError):
            read(wrong, openmetrics=False)


def test_what_is_too_much_is_not_read():
    for text, limits in (
        ("a 1\n# EOF\n", Limits(characters=5)),
        ("aaaaaaaaaaaaaaaaaaaaaaa 1\n# EOF\n", Limits(line=10)),
        ("a 1\nb 1\n# EOF\n", Limits(samples=1)),
        ("a{" + ",".join(f'l{n}="x"' for n in range(MAX_LABELS + 1)) + "} 1\n# EOF\n", None),
    ):
        with pytest.raises(ExpositionError, match=r"at most|more than"):
            read(text, limits=limits)


PIECES = st.sampled_from(
    [
        *'a:{}"\\,= #\n1',
        "a",
        "# TYPE a counter\n",
        "# TYPE a histogram\n",
        "a_total",
        'a_bucket{le="',
        '+Inf"}',
        " 1\n",
        " 1",
        " # {",
        "# EOF\n",
        'x="y"',
        "NaN",
        '"\\"',
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60), st.booleans())
def test_whatever_is_sent_is_read_or_refused_with_its_line(text, openmetrics):
    error = verdict(text + "# EOF\n", openmetrics=openmetrics)
    if error is not None:
        assert 1 <= error.line <= text.count("\n") + 2
        assert str(error).startswith(f"line {error.line}: ")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "line",
    [
        'a{b="' + "\\" * 900_000,
        "a" * 900_000 + "{",
        'a{b="x" # ' * 90_000,
        "a " + "1" * 900_000 + "x",
        "a 1 # {" * 100_000,
        '{"' + "a" * 900_000,
    ],
)
def test_a_hostile_line_takes_no_more_than_its_length(line):
    """Quadratic expressions would not come back."""
    with pytest.raises(ExpositionError):
        read(f"{line}\n# EOF\n")
