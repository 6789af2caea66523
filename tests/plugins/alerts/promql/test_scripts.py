"""Prometheus's own tests of PromQL, from the published files."""

from __future__ import annotations

import pytest
from tests.plugins.alerts.promql.script import Script

from trivet_plugins.alerts.promql.errors import UnsupportedError

# Evaluations of what Prometheus has behind a feature flag. They are refused; all others are right.
REFUSED = {
    "aggregators.test:425": "limitk()",
    "aggregators.test:428": "limit_ratio()",
    "at_modifier.test:265": "first_over_time()",
    "at_modifier.test:283": "mad_over_time()",
}
# How many evaluations read native histograms, which are not supported.
NATIVE = {"aggregators": 35, "operators": 72}

FILES = ("aggregators", "at_modifier", "collision", "literals", "operators", "selectors", "staleness")


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_prometheus_is_answered_as_prometheus_answers_it(name, test_data):
    """Every evaluation, but those of native histograms and of experimental functions, which are refused by name."""
    text = (test_data / "promql" / f"{name}.test").read_text()
    wrong, refused, native = [], {}, 0
    for case in Script(text).cases():
        place = f"{name}.test:{case.line}"
        if case.native:
            native += 1
            continue
        try:
            problem = case.problem()
        except UnsupportedError as exc:
            refused[place] = exc.reason.split()[0]
            continue
        if problem is not None:
            wrong.append(f"{place}: {case.query}: {problem}")
    assert wrong == []
    assert refused == {place: what for place, what in REFUSED.items() if place.startswith(f"{name}.")}
    assert native == NATIVE.get(name, 0)
