"""Five hundred random rule files with random series have the verdict of ``promtool test rules``, and so have false expectations.

Where promtool 2.42 has not the semantics of version 3, which are ours, the cases keep away: no sample stands on the left edge of
a window, and no counter is near zero where it begins. Nor does a label become empty by its template: promtool gives the template
itself to ``ALERTS`` then.
"""

from __future__ import annotations

import random
import re
import subprocess

import pytest
import yaml

from trivet_plugins.alerts.duration import duration_text
from trivet_plugins.alerts.promql.labels import dropping
from trivet_plugins.alerts.rules.test_file import read_tests
from trivet_plugins.alerts.rules.testing import _groups, _TestRun, run_tests

CASES = 500
STEP = 61
WINDOWS = ("121s", "181s", "241s")
LABELS = (
    {},
    {"severity": "warning"},
    {"severity": "{{ if gt $value 3.0 }}page{{ else }}ticket{{ end }}", "team": "{{ $labels.job }}-team"},
    {"instance": "", "where": "at {{ $labels.instance | stripPort | toUpper }}"},
)
ANNOTATIONS = (
    {},
    {"value": "{{ $value }}"},
    {"value": "{{ $value | humanize }} {{ $value | humanizePercentage }} {{ $value | humanizeDuration }}"},
    {"all": '{{ range query "queue" | sortByLabel "instance" }}{{ .Labels.instance }}={{ .Value }},{{ end }}'},
    {
        "one": '{{ with query "queue > 100" }}{{ . | sortByLabel "instance" | first | value }}{{ else }}none{{ end }}'
        " of {{ $externalLabels.region }}"
    },
    {
        "text": '{{ printf "%.2f %8.3g %q %v %s" $value $value $labels.job $value $labels.job | title }} at {{ $externalURL }}'
    },
    {"rest": '{{ reReplaceAll "(.*):(\\\\d+)" "$2/$1" $labels.instance }} {{ if match "^a" $labels.job }}a{{ end }}'},
)


def number(dice):
    return dice.choice([0, 1, 2, 5, 0.5, 1.25, 7, 1e6, 1234567, 0.0009765625])


def values(dice):
    parts = ["_"]
    while len(parts) < 8:
        kind = dice.randrange(5)
        count = dice.randrange(1, 8)
        if kind == 0:
            parts.append(f"{number(dice)}+{number(dice)}x{count}")
        elif kind == 1:
            parts.append(f"{number(dice)}x{count}")
        elif kind == 2:
            parts.append(f"_x{count}")
        elif kind == 3:
            parts.append("stale")
        else:
            parts.append(f"{number(dice)}")
    return " ".join(parts)


def counts(dice):
    """A counter without gaps that is not near zero where it begins, but may be after a reset."""
    parts = [f"_ 1000000+{dice.randrange(1, 50)}x{dice.randrange(2, 15)}"]
    parts += [f"{number(dice)}+{number(dice)}x{dice.randrange(1, 12)}" for _ in range(5)]
    return " ".join(parts)


def expressions(dice):
    limit, window = dice.choice([0, 1, 2, 4]), dice.choice(WINDOWS)
    return dice.choice(
        [
            f"queue > {limit}",
            f"queue > {limit} and on (job) errors_total",
            f"rate(errors_total[{window}]) > {limit / 100}",
            f"sum by (job) (rate(errors_total[{window}])) / sum by (job) (rate(requests_total[{window}])) > 0.1",
            f"max_over_time(queue[{window}]) - min_over_time(queue[{window}]) > {limit}",
            f"avg by (job) (queue) >= {limit}",
            "absent(queue)",
            f"count(queue > {limit}) by (job) > 1",
            f"topk(9, queue) > {limit}",
            f"job:queue:max > {limit}",
            f"job:queue:max unless on (job) queue == {limit}",
            f"changes(queue[{window}]) > {limit}",
            f'ALERTS{{alertname="A0", alertstate="firing"}} and on () vector({limit}) >= 0',
            f"deriv(queue[{window}]) > 0.001",
            f"increase(requests_total[{window}]) > {limit}",
        ]
    )


def rules_of(dice):
    rules = [{"record": "job:queue:max", "expr": "max by (job) (queue)", "labels": {"made": "here"}}]
    if dice.random() < 0.3:
        rules.append({"record": "total", "expr": f"sum(queue) * {number(dice)}"})
    for index in range(dice.randrange(1, 4)):
        rule = {"alert": f"A{index}", "expr": expressions(dice)}
        if dice.random() < 0.6:
            rule["for"] = dice.choice(["1m", "2m", "5m", "90s"])
        if dice.random() < 0.4:
            rule["keep_firing_for"] = dice.choice(["1m", "3m", "4m30s"])
        rule["labels"] = dice.choice(LABELS)
        rule["annotations"] = dice.choice(ANNOTATIONS)
        rules.append(rule)
    return {"groups": [{"name": "g", "rules": rules}]}


def series_of(dice):
    return [
        {
            "series": f'{name}{{job="{job}", instance="{instance}"}}',
            "values": (values if name == "queue" else counts)(dice),
        }
        for name in ("queue", "errors_total", "requests_total")
        for job, instance in (("api", "a:1"), ("api", "b:2"), ("batch", "c"))
        if dice.random() < 0.8
    ]


def what_fires(path, names, times):
    """The alerts that fire at some times, as the test file would expect them."""
    file = read_tests(path)
    groups, _problems = _groups(file, path.parent)
    run = _TestRun(file, file.tests[0], groups)
    found = []
    for at in range(0, max(times) + 1, file.interval):
        run._load(at)
        failures = [*run._evaluate(at)]
        if failures:
            return None
        for name in names if at in times else ():
            alerts = [
                {"exp_labels": dict(dropping(alert.labels, {"alertname"})), "exp_annotations": dict(alert.annotations)}
                for one in run._groups
                for _rule, alert in one.alerts()
                if alert.state == "firing" and alert.name == name
            ]
            found.append({"eval_time": duration_text(at), "alertname": name, "exp_alerts": alerts})
    return found


def falsified(dice, tests):
    """The same expectations, one of them false."""
    tests = [{**test, "exp_alerts": [*test["exp_alerts"]]} for test in tests]
    full = [test for test in tests if test["exp_alerts"]]
    if not full:
        tests[0]["exp_alerts"] = [{"exp_labels": {"job": "api"}}]
        return tests
    test = dice.choice(full)
    at = dice.randrange(len(test["exp_alerts"]))
    one = test["exp_alerts"][at]
    test["exp_alerts"][at : at + 1] = dice.choice(
        [
            [],
            [{**one, "exp_labels": {**one["exp_labels"], "job": "x"}}],
            [{**one, "exp_annotations": {"value": "other"}}],
        ]
    )
    return tests


def make(directory, seed):
    """Write a rule file and two test files, with what fires and with something else; none where a rule cannot be evaluated."""
    dice = random.Random(seed)
    rules = rules_of(dice)
    (directory / f"{seed}.rules.yml").write_text(yaml.safe_dump(rules, sort_keys=False))
    test = {
        "interval": f"{STEP}s",
        "input_series": series_of(dice),
        "external_labels": {"region": "eu"},
        "external_url": "https://prometheus.example.org/p",
    }
    file = {"rule_files": [f"{seed}.rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    names = [rule["alert"] for rule in rules["groups"][0]["rules"] if "alert" in rule]
    times = sorted(dice.sample(range(1, 30), 6))
    test["alert_rule_test"] = [{"eval_time": f"{times[-1]}m", "alertname": "A0"}]
    path = directory / f"{seed}.true.yml"
    path.write_text(yaml.safe_dump(file, sort_keys=False))
    found = what_fires(path, names, [60_000 * minute for minute in times])
    if found is None:
        return [path]
    for name, expected in (("true", found), ("false", falsified(dice, found))):
        test["alert_rule_test"] = expected
        (directory / f"{seed}.{name}.yml").write_text(yaml.safe_dump(file, sort_keys=False))
    return [path, directory / f"{seed}.false.yml"]


@pytest.mark.timeout(240)
def test_random_rules_have_the_verdict_of_promtool(tmp_path, program):
    promtool = program("promtool", package="prometheus")
    paths = [path for seed in range(CASES) for path in make(tmp_path, seed)]
    ours = {path.name: not (verdict := run_tests(path)).failures and not verdict.problems for path in paths}
    done = subprocess.run(
        [promtool, "test", "rules", *[path.name for path in paths]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.split(r"^Unit Testing:\s+", done.stdout, flags=re.MULTILINE)[1:]
    theirs = {text.split()[0]: "SUCCESS" in text for text in told}
    differing = {name: f"{ours[name]} is {theirs.get(name)}" for name in ours if ours[name] is not theirs.get(name)}
    assert len(ours) > CASES * 1.9, "most cases have an answer"
    assert 0.4 < sum(ours.values()) / len(ours) < 0.6
    assert not differing, done.stderr
