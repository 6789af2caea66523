"""What is no query is refused with its place; what is one of Prometheus, but not supported, by name."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet_plugins.alerts.promql.errors import QueryError, UnsupportedError
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.promql.selector import Selector
from trivet_plugins.alerts.promql.signatures import REFUSED
from trivet_plugins.alerts.promql.syntax import Binary, Negate, Number, Shift


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("sum(rate(foo[5m])", (1, 4), "unclosed left parenthesis"),
        ("foo bar", (1, 5), "invalid promql query"),
        ("1 +", (1, 4), "invalid promql query"),
        ("a\n  +* b", (2, 4), "invalid promql query"),
        ("1 + rate(foo)", (1, 5), "expected type matrix in call to function 'rate', got vector"),
        ("1 + nope(foo)", (1, 5), "unknown function with name 'nope'"),
        ('foo{a=~"("}', (1, 8), "is no regular expression"),
        ('foo{a=~"a)|(b"}', (1, 8), "is no regular expression"),
        ('{a=~".*"}', (1, 1), "at least one condition"),
        ("foo $ bar", (1, 5), "'$' does not belong here"),
        ('x{a="\\q"}', (1, 5), "means nothing in a string"),
        ("x[99999999999y]", (1, 3), "longer than any duration"),
        ("x offset Inf", (1, 10), "longer than any duration"),
        ("", (1, 1), "no expression"),
        ("1 and 2", (1, 3), "set operator"),
        ("sum(1)", (0, 0), "expected type vector"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, place, reason):
    with pytest.raises(QueryError) as caught:
        Query.parse(text)
    assert reason in caught.value.reason
    assert (caught.value.line, caught.value.column) == place
    assert str(caught.value).startswith(f"{place[0]}:{place[1]}: " if place[0] else caught.value.reason)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_function_that_only_prometheus_has_is_refused_by_name(name):
    with pytest.raises(UnsupportedError, match=rf"^1:5: {name}\(\) is ") as caught:
        Query.parse(f"1 + {name}(x)")
    assert "not supported" in caught.value.reason


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rate(x[5m] smoothed)", "smoothed"),
        ("rate(x[5m] anchored)", "anchored"),
        ("a + on (x) fill(0) b", "fill"),
        ('{a="1" or b="2"}', "'or' between the conditions"),
    ],
)
def test_a_part_that_only_prometheus_has_is_refused_by_name(text, named):
    with pytest.raises(UnsupportedError, match=named):
        Query.parse(text)


def test_what_is_named_like_a_refused_function_is_none():
    assert Query.parse("info + step @ start()").kind == "vector"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000 + "1" + ")" * 5_000,
        "-" * 5_000 + "1",
        "+".join(["1"] * 5_000),
        "a or " * 9_990 + "a",
        "^".join(["x"] * 9_000),
        "x" + "[1m:]" * 3_000,
        "{" * 10_000,
        "a," * 30_000,
        "x" * 100_001,
        "-abs(" * 100 + "x" + ")" * 100,
    ],
    ids=lambda text: text[:8],
)
def test_what_is_too_deep_or_too_long_is_refused_and_the_process_lives(text):
    with pytest.raises(QueryError, match=r"at most|invalid"):
        Query.parse(text)


def test_what_is_as_deep_as_may_be_is_answered():
    for text in ("+".join(["1"] * 119), "abs(" * 118 + "vector(-1)" + ")" * 118):
        assert Query.parse(text).instant(MemoryStorage(), 0)


def test_the_text_is_read_as_prometheus_reads_it():
    """Where the parser has it otherwise: bytes in strings, times before 1970, signs, patterns of RE2."""
    tree = Query.parse('x{a="\\xc5\\u00e9", b=~"\\\\Qa.b\\\\E"} @ -1.5 offset -3m').tree
    assert tree.selectors[1:] == (Selector("a", "=", "\udcc5é"), Selector("b", "=~", r"\Qa.b\E"))
    assert tree.shift == Shift(-180_000, -1_500)
    assert Query.parse("- - +1 ^ 2").tree == Negate(Negate(Binary("^", Number(1.0), Number(2.0))))
    assert Query.parse("x @ 1.2345").tree.shift == Shift(0, 1_235)
    assert Query.parse("x[1m:] offset 1h @ end()").tree.shift == Shift(3_600_000, "end")
    assert Query.parse("0x1F + 1e3 + 1m + .5").instant(MemoryStorage(), 0).value.value == 1_091.5


def test_equal_parts_are_equal_wherever_they_stand():
    assert Query.parse("rate(x[5m])").tree == Query.parse("  rate( x [ 5m ] ) # why").tree
    assert Query.parse("0").tree != Query.parse("-0").tree
    assert Query.parse("NaN").tree == Query.parse("nan").tree


WORDS = (
    *(
        "sum",
        "by",
        "without",
        "rate",
        "foo",
        "offset",
        "start",
        "end",
        "bool",
        "on",
        "ignoring",
        "group_left",
        "and",
        "or",
    ),
    *(
        "unless",
        "atan2",
        "topk",
        "__name__",
        "time",
        "fill",
        "Inf",
        "NaN",
        "1h30m",
        "0x1F",
        "5m",
        "1",
        "2.5",
        "1e308",
        "5y",
    ),
    *(
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "=",
        "!=",
        "=~",
        "!~",
        ",",
        ":",
        "@",
        "-",
        "+",
        "*",
        "/",
        "^",
        "%",
        "==",
        "#",
        "!",
        ";",
    ),
    *('"a"', "'b'", "`c`", '"\\xc5"', "$", "é", "\n", " ", "\x00", "\ud800", "\\"),
)
QUERIES = (
    'sum by (job) (rate(foo{a="b"}[5m] offset 1m)) > bool 1',
    'label_replace(x,"a","$1","b","(.*)")',
    "a + on(x) group_left(y) b @ 5",
    "max_over_time(foo[5m:1m] @ end())",
)


def is_refused_or_answered(text):
    with contextlib.suppress(QueryError):
        query = Query.parse(text)
        assert query.kind in {"scalar", "string", "vector", "matrix"}
        assert Query.parse(query.text).tree == query.tree


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_words_are_a_query_or_an_error_of_ours(text):
    is_refused_or_answered(text)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(QUERIES), st.lists(st.tuples(st.integers(0, 60), st.sampled_from(WORDS)), max_size=3))
def test_a_query_with_mistakes_in_it_is_a_query_or_an_error_of_ours(text, mistakes):
    for at, word in mistakes:
        text = text[:at] + word + text[at + 1 :]
    is_refused_or_answered(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_query_or_an_error_of_ours(text):
    is_refused_or_answered(text)
