"""Rule files: what Prometheus reads is read, and what is wrong is told with its place, all of it at once."""

from __future__ import annotations

import pytest

from trivet_plugins.alerts.rules.rule import AlertingRule, RecordingRule
from trivet_plugins.alerts.rules.rule_file import parse_rules, read_rules


def problems(text):
    return [str(one) for one in sorted(parse_rules("r.yml", text).problems)]


def test_the_files_of_the_data_are_read(test_data):
    files = [read_rules(path) for path in sorted((test_data / "alerting").glob("*.rules.yml"))]
    assert [one.problems for one in files] == [()] * 3
    assert sum(len(group.rules) for one in files for group in one.groups) == 20


def test_a_rule_has_all_that_its_file_says():
    file = parse_rules(
        "r.yml",
        """groups:
- name: g
  interval: 1m30s
  query_offset: 10s
  limit: 7
  labels: {team: a, kind: b}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {kind: c}
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1h
    annotations:
      text: "{{ $labels.job }} is down"
""",
    )
    assert file.problems == ()
    (group,) = file.groups
    assert (group.name, group.interval, group.query_offset, group.limit) == ("g", 90_000, 10_000, 7)
    recording, alerting = group.rules
    assert isinstance(recording, RecordingRule)
    assert (recording.name, recording.expr.text, recording.labels) == (
        "job:up:sum",
        "sum by (job) (up)",
        {"team": "a", "kind": "c"},
    )
    assert isinstance(alerting, AlertingRule)
    assert (alerting.hold, alerting.keep, alerting.place) == (300_000, 3_600_000, "r.yml:11:5")
    assert alerting.annotations["text"].source == "{{ $labels.job }} is down"


def test_everything_that_is_wrong_is_told_with_its_place():
    text = """groups:
- name: a
  intervall: 5s
  interval: 0s
  rules:
  - alert: X
    expr: |
      sum by (job) (
        histogram_count(rate(x[5m])))
    for: 5x
    labels: {a: "{{ nope }}", __name__: x}
  - record: x-y
    expr: up[5m]
    for: 5m
  - expr: up
  - alert: Y
    record: z
  - alert: Z
    annotations: {b: text, b: other}
- name: a
  limit: many
"""
    assert problems(text) == [
        "r.yml:3:3: error: a group has no 'intervall'; it has name, interval, query_offset, limit, labels, rules",
        "r.yml:4:13: error: interval is more than 0",
        "r.yml:9:9: error: expr: histogram_count() is for native histograms, which are not supported",
        "r.yml:10:10: error: for: '5x' is no duration; write it like 90s, 1h30m or 500ms",
        "r.yml:11:21: error: label a: there is no function nope",
        "r.yml:11:41: error: '__name__' is no name of a label of a rule",
        "r.yml:12:13: error: 'x-y' is no name of a metric",
        "r.yml:13:11: error: expr gives a matrix; a rule takes a scalar or a vector",
        "r.yml:14:10: error: a recording rule has no for",
        "r.yml:15:5: error: a rule has either record or alert, with a name",
        "r.yml:16:5: error: a rule has either record or alert, with a name",
        "r.yml:18:5: error: a rule has an expr",
        "r.yml:19:28: error: b is there twice",
        "r.yml:20:3: error: the file has a group 'a' already",
        "r.yml:21:10: error: limit is a whole number",
    ]


def test_a_rule_that_stands_there_twice_is_a_warning():
    text = "groups:\n- name: a\n  rules:\n  - {alert: X, expr: up}\n  - {alert: X, expr: up > 1}\n"
    assert problems(text) == ["r.yml:5:5: warning: X stands at r.yml:4:5 already, with the same labels"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("groups: [", "r.yml:2:1: error: not valid YAML"),
        ("- a", "r.yml:1:1: error: a rule file is a mapping"),
        ("groups: {a: b}", "r.yml:1:9: error: groups is a list"),
        ("x: 1", "r.yml:1:1: error: a rule file has no 'x'; it has groups"),
        (
            "groups:\n- {name: a, rules: [" + "[" * 50 + "]" * 50 + "]}",
            "r.yml:2:37: error: it is nested more than 20 deep",
        ),
        ("a: \x00", "r.yml: error: not valid YAML"),
    ],
)
def test_what_is_no_rule_file_is_refused(text, problem):
    (found,) = problems(text)
    assert found.startswith(problem)


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path):
    (only,) = read_rules(tmp_path / "none.yml").problems
    assert str(only) == f"{tmp_path}/none.yml: error: it cannot be read: No such file or directory"
    path = tmp_path / "large.yml"
    path.write_bytes(b"#" * (5 << 20))
    (only,) = read_rules(path).problems
    assert "more than 4 MiB" in str(only)
    path.write_bytes(b"groups: \xff")
    (only,) = read_rules(path).problems
    assert "not UTF-8" in str(only)


def test_an_empty_file_has_no_rules():
    assert parse_rules("r.yml", "").groups == ()
    assert parse_rules("r.yml", "groups:\n").problems == ()
