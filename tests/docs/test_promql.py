"""The page about PromQL names all that is supported, and all that is refused."""

from __future__ import annotations

import re
from pathlib import Path

from trivet_plugins.alerts.promql import limits, subquery
from trivet_plugins.alerts.promql.signatures import AGGREGATIONS, REFUSED, SIGNATURES

PAGE = (Path(__file__).parent.parent.parent / "docs" / "reference" / "promql.md").read_text()


def names_under(heading):
    section = re.search(rf"^## {heading}\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)[1]
    return {word for code in re.findall(r"`([^`]+)`", section) for word in re.findall(r"[a-z]\w+", code)}


def test_every_function_that_is_supported_is_named():
    assert {*SIGNATURES, *AGGREGATIONS} - names_under("Supported") == set()


def test_every_function_that_is_refused_is_named():
    assert REFUSED.keys() - names_under("Refused") == set()
    assert names_under("Refused") & {*SIGNATURES, *AGGREGATIONS} == set()


def test_the_limits_are_those_of_the_code():
    for number in (limits.MAX_TEXT, limits.MAX_WORDS, limits.MAX_DEPTH, subquery.MAX_STEPS):
        assert f"{number:,}" in PAGE
