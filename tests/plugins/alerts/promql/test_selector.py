"""Conditions of selectors, and the regular expressions in them."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from trivet_plugins.alerts.promql.errors import PatternError
from trivet_plugins.alerts.promql.selector import Selector


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("a.b", "a\nb", True),
        ("a|ab", "ab", True),
        ("ab|a", "a", True),
        ("a|b", "a|b", False),
        ("a", "ba", False),
        ("a$", "a\n", False),
        ("^a$", "a", True),
        ("x*", "", True),
        ("(?i)AB", "ab", True),
        ("日.", "日本", True),
        (r"\Qa.b\E", "a.b", True),
        (r"\Qa.b\E", "axb", False),
        ("", "", True),
        (".*", "anything\nat all", True),
        (".+", "", False),
        ("5..", "503", True),
    ],
)
def test_a_pattern_fits_whole_values(pattern, value, fits):
    labels = (("a", value),) if value else ()
    assert Selector("a", "=~", pattern).fits(labels) is fits
    assert Selector("a", "!~", pattern).fits(labels) is not fits


def test_a_label_that_is_not_there_is_empty():
    labels = (("__name__", "up"), ("a", "b"))
    assert Selector("x", "=", "").fits(labels)
    assert Selector("a", "!=", "").fits(labels)
    assert not Selector("x", "!=", "").fits(labels)
    assert Selector("__name__", "=", "up").fits(labels)


@pytest.mark.parametrize("pattern", ["(", "a)|(b", "(?=a)", r"(a)\1", "a{1001}", "x" * 1_001])
def test_what_is_no_pattern_of_re2_is_refused(pattern, capfd):
    with pytest.raises(PatternError, match=r"no regular expression|at most 1,000"):
        Selector("a", "=~", pattern)
    assert capfd.readouterr().err == "", "RE2 would write to the log of the process"


def test_no_pattern_takes_long():
    """A pattern that would keep Python's own expressions busy for years."""
    begun = time.monotonic()
    assert not Selector("a", "=~", "(a*)*(a|aa)+b").fits((("a", "a" * 10_000),))
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(("missing", "text"), [("promql_parser", "up"), ("re2", 'up{a=~"b.*c"}')])
def test_without_the_extra_the_error_says_what_to_install(missing, text):
    program = f"""
import sys
sys.modules[{missing!r}] = None
from trivet_plugins.alerts.promql.query import Query
Query.parse({text!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=15)
    assert "MissingExtraError" in done.stderr
    assert "pip install 'trivet[alerts]'" in done.stderr
