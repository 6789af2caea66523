"""Content negotiation."""

from __future__ import annotations

import pytest

from trivet_plugins.web.accept import accepts_gzip, best_match

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("text/*", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.7", TEXT),
        ("text/plain;q=0, */*", OPENMETRICS),
        ("text/plain;version=1.0.0", None),
        ("application/json", None),
        ("*/*;q=0", None),
        ("text/plain;q=nonsense", None),
        (";;;,,,", None),
    ],
)
def test_the_best_offer_wins(accept, expected):
    """The most specific range speaks for an offer, its quality decides, and the first offer wins ties."""
    assert best_match(accept, [TEXT, OPENMETRICS]) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("*", True),
        ("*;q=0", False),
        ("identity", False),
        ("gzip;q=0, *", False),
    ],
)
def test_gzip_is_used_only_where_it_is_accepted(header, expected):
    """A quality of zero forbids, and a star stands for what is not named."""
    assert accepts_gzip(header) is expected
