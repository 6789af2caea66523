"""The notation of test files, and how series are written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.metrics.history import is_stale
from trivet_plugins.alerts.promql.errors import QueryError, UnsupportedError
from trivet_plugins.alerts.promql.labels import labels_of, series_text, value_of
from trivet_plugins.alerts.promql.notation import parse_series, parse_values
from trivet_plugins.alerts.promql.number_text import plain_number, short_number

TEXT = st.text(max_size=8).filter(lambda text: not any("\ud800" <= character < "\ue000" for character in text))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2.5 -3 +4 .5 1e3 1E-2", [1, 2.5, -3, 4, 0.5, 1000, 0.01]),
        ("0+1x3 5-2x2 -1+1x1", [0, 1, 2, 3, 5, 3, 1, -1, 0]),
        ("0x3 1.5x1", [0, 0, 0, 0, 1.5, 1.5]),
        ("_ _x2 7", [None, None, None, 7]),
        ("Inf -inf +INF", [math.inf, -math.inf, math.inf]),
        ("1.5e3+2x1", [1500, 1502]),
        ("", []),
        (" \t 1\n2 ", [1, 2]),
    ],
)
def test_values_are_read(text, values):
    assert parse_values(text) == values


def test_stale_and_nan_are_told_apart():
    values = parse_values("stale NaN stalex1")
    assert [is_stale(value) for value in values] == [True, False, True, True]


@pytest.mark.parametrize("text", ["1 x", "1 2x", "1+x3", "_y", "0x1F", "1,2", "x5", "1 2xx3", "--1"])
def test_what_is_no_value_is_told_with_its_column(text):
    with pytest.raises(QueryError) as caught:
        parse_values(text)
    assert (caught.value.line, caught.value.column) == (1, 3 if text[1] == " " else 1)


def test_native_histograms_are_refused_by_name():
    with pytest.raises(UnsupportedError, match=r"^1:3: native histograms are not supported"):
        parse_values("1 {{schema:1 sum:15}}x3")


@pytest.mark.parametrize("text", ["0x1000000", "_x99999999999999999999999", "0x600000 0x600000"])
def test_a_short_text_stands_for_no_endless_list(text):
    with pytest.raises(QueryError, match="more than 1,000,000 values"):
        parse_values(text)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("up", {"__name__": "up"}),
        ("a:b{}", {"__name__": "a:b"}),
        ("up{job=\"api\", x='y',z=`\\n`}", {"__name__": "up", "job": "api", "x": "y", "z": "\\n"}),
        ('{"my.metric", "a b"="c"}', {"__name__": "my.metric", "a b": "c"}),
        ('{a="\\"\\\\\\n\\u00e9\\x41"}', {"a": '"\\\né' + "A"}),
        ('up{a=""}', {"__name__": "up"}),
        ("{}", {}),
    ],
)
def test_series_are_read(text, labels):
    assert parse_series(text) == labels_of(labels)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("up{", 4),
        ("up{a}", 5),
        ('up{a="b"', 9),
        ("up down", 4),
        ('up{a="b" c="d"}', 10),
        ('{a="b",a="c"}', 8),
        ("up{1=2}", 4),
    ],
)
def test_what_is_no_series_is_told_with_its_column(text, column):
    with pytest.raises(QueryError) as caught:
        parse_series(text)
    assert (caught.value.line, caught.value.column) == (1, column)


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=4))
def test_what_is_written_of_a_series_reads_as_the_same_series(pairs):
    labels = labels_of(pairs)
    assert parse_series(series_text(labels)) == labels
    assert all(value_of(labels, name) == value for name, value in pairs.items())


def test_numbers_are_written_as_go_writes_them():
    assert [*map(plain_number, (1e21, 0.1, -0.0, 1e-7, math.nan, -math.inf, 123456789.0))] == [
        *("1000000000000000000000", "0.1", "-0", "0.0000001", "NaN", "-Inf", "123456789")
    ]
    assert [*map(short_number, (1.5, 1e21, math.nan, 0.1234567891))] == ["1.5", "1e+21", "NaN", "0.1234567891"]
