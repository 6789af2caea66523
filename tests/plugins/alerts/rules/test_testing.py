"""`run_tests`: the format of promtool, with its verdicts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from trivet_plugins.alerts.rules.testing import run_tests


@pytest.fixture
def directory(tmp_path, test_data):
    for path in (test_data / "alerting").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_the_tests_of_the_data_pass(directory):
    verdict = run_tests(directory / "rules.test.yml")
    assert (verdict.checks, verdict.failures, verdict.problems) == (54, (), ())


def changes():
    """What may be wrong with a test, in words."""
    yield "an alert is missing", lambda test: test["alert_rule_test"][2].pop("exp_alerts")
    yield (
        "an alert is too many",
        lambda test: test["alert_rule_test"][0].update(exp_alerts=[{"exp_labels": {"job": "x"}}]),
    )
    yield "a label", lambda test: test["alert_rule_test"][2]["exp_alerts"][0]["exp_labels"].update(job="x")
    yield "an annotation", lambda test: test["alert_rule_test"][2]["exp_alerts"][0]["exp_annotations"].update(value="1")
    yield "a value", lambda test: test["promql_expr_test"][0]["exp_samples"][0].update(value=2)
    yield "a sample is missing", lambda test: test["promql_expr_test"][0].pop("exp_samples")
    yield "a sample has other labels", lambda test: test["promql_expr_test"][0]["exp_samples"][0].update(labels="x")
    yield "a name of no rule", lambda test: test["alert_rule_test"][2].update(alertname="Nope")


@pytest.mark.parametrize(("what", "change"), [pytest.param(what, change, id=what) for what, change in changes()])
def test_a_false_expectation_fails_here_and_there(directory, program, what, change):
    promtool = program("promtool", package="prometheus")
    path = directory / "rules.test.yml"
    content = yaml.safe_load(path.read_text())
    change(content["tests"][0])
    path.write_text(yaml.safe_dump(content))
    verdict = run_tests(path)
    assert len(verdict.failures) == 1, what
    assert verdict.failures[0].place.startswith(f"{path}:")
    assert subprocess.run([promtool, "test", "rules", path], capture_output=True, check=False).returncode == 1


def test_a_failure_says_what_was_expected_and_what_was_found(directory):
    path = directory / "rules.test.yml"
    content = yaml.safe_load(path.read_text())
    content["tests"][0]["promql_expr_test"][0]["exp_samples"][0]["value"] = 2
    path.write_text(yaml.safe_dump(content))
    (failure,) = run_tests(path).failures
    labels = 'alertname="InstanceDown", alertstate="pending", instance="a:1", job="api", owner="team-api", severity="critical"'
    series = f"ALERTS{{{labels}}}"
    assert failure.message == (
        f'ALERTS{{alertname="InstanceDown", instance="a:1"}} at 6m:'
        f"\n    expected:\n      {series} 2\n    found:\n      {series} 1"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "tests: [{alert_rule_test: [{eval_time: 1x, alertname: A}]}]",
            "t.yml:1:40: error: eval_time: '1x' is no duration",
        ),
        ("tests: [{alert_rule_test: [{alertname: A}]}]", "t.yml:1:28: error: a test has an eval_time"),
        ("tests: [{input_series: [{series: 'a{', values: '1 x'}]}]", "error: series: a label is written"),
        ("tests: [{input_series: [{series: a, values: '1 x'}]}]", "t.yml:1:48: error: values: 'x' is no value"),
        ("tests: [{input_series: [{series: a, values: '{{sum:1}}'}]}]", "native histograms are not supported"),
        ("tests: [{promql_expr_test: [{expr: 'sum(', eval_time: 1m}]}]", "error: expr:"),
        ("rule_files: [none.yml]", "rule_files: there is no file none.yml"),
        ("rule: 1", "t.yml:1:1: error: a file of tests has no 'rule'"),
        ("", "t.yml: error: it is empty"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(tmp_path, monkeypatch, text, problem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yml").write_text(text)
    verdict = run_tests(Path("t.yml"))
    assert any(problem in str(one) for one in verdict.problems), [str(one) for one in verdict.problems]
    assert verdict.checks == 0


def test_a_rule_that_cannot_be_evaluated_is_a_failure(tmp_path):
    (tmp_path / "r.yml").write_text("groups: [{name: g, rules: [{record: a, expr: up / on (job) up}]}]")
    series = [{"series": f'up{{job="a", instance="{name}"}}', "values": "1"} for name in "ab"]
    test = {"input_series": series, "promql_expr_test": [{"expr": "a", "eval_time": "0m"}]}
    (tmp_path / "t.yml").write_text(yaml.safe_dump({"rule_files": ["r.yml"], "tests": [test]}))
    (failure,) = run_tests(tmp_path / "t.yml").failures
    assert "a cannot be evaluated at 0s" in failure.message


def test_numbers_may_differ_in_their_last_bit_where_the_file_says_so(tmp_path):
    expected = [{"labels": "{}", "value": 0.30000000000000004}]
    test = {"promql_expr_test": [{"expr": "vector(0.3)", "eval_time": "0m", "exp_samples": expected}]}
    for fuzzy in (True, False):
        (tmp_path / "t.yml").write_text(yaml.safe_dump({"fuzzy_compare": fuzzy, "tests": [test]}))
        assert bool(run_tests(tmp_path / "t.yml").failures) is not fuzzy
