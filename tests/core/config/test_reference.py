"""References in texts: read in one pass, never twice, and never as anything but a name."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.config.reference import NESTING, REFERENCES, TEXT_CHARACTERS, Reference, escape, masked, parse


def test_what_a_reference_is():
    assert parse("${a.b[0]}") == (Reference(None, "a.b[0]", ("a", "b", 0)),)
    assert parse("${env:HOME}") == (Reference("env", "HOME"),)
    assert parse('${"odd:key}".b}') == (Reference(None, '"odd:key}".b', ("odd:key}", "b")),)
    assert parse("x${ a }y") == ("x", Reference(None, "a", ("a",)), "y")
    assert parse("${file:/etc/a b.txt}") == (Reference("file", "/etc/a b.txt"),)


def test_defaults_hold_references_and_balanced_braces():
    (outer,) = parse("${env:X:-${a:-${env:Y:-z}}}")
    assert outer.default[0].default[0] == Reference("env", "Y", (), ("z",))
    (table,) = parse('${env:X:-{"a": {"b": 1}}}')
    assert "".join(table.default) == '{"a": {"b": 1}}'
    (empty,) = parse("${env:X:-}")
    assert empty.default == ()


@pytest.mark.parametrize("text", ["$", "$$", "a$b", "{}", "}", "$ {a}", "a}b{", "$$ $"])
def test_what_is_none_stays_as_it_is(text):
    assert "".join(parse(text)) == text


def test_a_reference_is_escaped_by_one_more_dollar():
    assert "".join(parse("$${a}")) == "${a}"
    assert "".join(parse("$$${a}")) == "$${a}"


@given(st.text("${}:-a.", max_size=40))
def test_an_escaped_text_is_read_as_itself(text):
    assert "".join(parse(escape(text))) == text


@given(st.text('${}:-"ab.[0]', max_size=60))
def test_any_text_is_read_or_refused(text):
    """Never anything but a `ValueError`, which says what to do."""
    refusal = ""
    try:
        parse(text)
    except ValueError as exc:
        refusal = str(exc)
    assert not refusal or "reference" in refusal


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${", "has no end"),
        ("${a", "has no end"),
        ("${a:-b", "has no end"),
        ("${}", "names nothing"),
        ("${:-a}", "names nothing"),
        ("${a${b}}", "only its default"),
        ("${a b[}", "is no path"),
        ("${a..b}", "is no path"),
        ('${"a}', "never closed"),
        ("${x()}", None),
        ("${__import__('os').system('x')}", None),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(text, why):
    """Brackets of a call are part of a name that nothing has: nothing is ever called."""
    if why is None:
        (part,) = parse(text)
        assert part.scheme is None
        return
    with pytest.raises(ValueError, match=why):
        parse(text)


def test_there_are_limits():
    with pytest.raises(ValueError, match="characters at most"):
        parse("${a}" + "x" * TEXT_CHARACTERS)
    with pytest.raises(ValueError, match="more than 1,000 references"):
        parse("${a}" * (REFERENCES + 1))
    with pytest.raises(ValueError, match="each other's defaults"):
        parse("${a:-" * (NESTING + 1) + "}" * (NESTING + 1))


@pytest.mark.parametrize(
    "text",
    ["$" * 10**6, "{" * 10**6, "${a:-" + "{" * 10**6, '${"' + "a" * 10**6, "${" + "a" * 10**6, "$a" * 5 * 10**5],
    ids=["dollars", "braces", "open default", "open quote", "open name", "near misses"],
)
def test_no_text_takes_long(text):
    """A megabyte of what makes patterns backtrack: quadratic reading would take hours (omegaconf#622)."""
    begun = time.perf_counter()
    with contextlib.suppress(ValueError):
        parse(text)
    assert time.perf_counter() - begun < 10


def test_masked_shows_names_only():
    assert masked(parse("postgres://u:hunter2@${db.host}/${env:X:-secret}")) == "***${db.host}***${env:X:-***}"
