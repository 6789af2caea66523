"""`GroupRun`: rounds, states and series; what promtool cannot be asked about."""

from __future__ import annotations

import pytest

from trivet.metrics.history import is_stale
from trivet_plugins.alerts.promql.labels import labels_of, series_text
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.round_cache import RoundCache
from trivet_plugins.alerts.rules.group_run import GroupRun
from trivet_plugins.alerts.rules.rule_file import parse_rules
from trivet_plugins.alerts.rules.rule_run import Round

SECOND = 1_000


class Bench:
    """A group, a storage, and a time that the test sets."""

    def __init__(self, rules, *, group=""):
        file = parse_rules("r.yml", f"groups:\n- name: g\n{group}  rules:\n{rules}")
        assert not file.problems, file.problems
        self.run = GroupRun(file.groups[0], generator="/graph?expr={}")
        self.storage = MemoryStorage()
        self.cache = RoundCache()

    def put(self, at, value, name="up", **labels):
        self.storage.add(labels_of({"__name__": name, **labels}), at * SECOND, value)

    def round(self, at):
        now = at * SECOND
        queried = now - self.run.group.query_offset
        return self.run.evaluate(
            Round(at=now, queried_at=queried, storage=self.storage, cache=self.cache), self.storage
        )

    def states(self):
        return {alert.state for _run, alert in self.run.alerts()}

    def samples(self, name):
        return {
            series_text(points.labels): list(zip(points.times, points.values, strict=True))
            for points in self.storage.series()
            if dict(points.labels)["__name__"] == name
        }


ALERT = "  - {alert: Down, expr: up == 0, for: 10s, keep_firing_for: 20s, labels: {severity: page}}\n"


def test_an_alert_goes_through_its_states_and_says_so():
    bench = Bench(ALERT)
    seen = []
    for at in range(0, 100, 5):
        bench.put(at, 0 if 5 <= at < 40 else 1, job="a")
        seen += [(at, change.before, change.alert.state) for change in bench.round(at)]
    assert seen == [(5, "inactive", "pending"), (15, "pending", "firing"), (60, "firing", "resolved")]
    ((_, alert),) = bench.run.alerts()
    assert (alert.active_at, alert.fired_at, alert.resolved_at) == (5_000, 15_000, 60_000)
    assert alert.generator == "/graph?expr=up+%3D%3D+0"
    assert (alert.name, len(alert.fingerprint)) == ("Down", 16)


def test_its_series_say_the_same_and_end_with_it():
    bench = Bench(ALERT)
    for at in range(0, 80, 5):
        bench.put(at, 0 if 5 <= at < 20 else 1)
        bench.round(at)
    found = bench.samples("ALERTS")
    pending = found['ALERTS{alertname="Down", alertstate="pending", severity="page"}']
    assert [at for at, value in pending if value == 1] == [5_000, 10_000]
    assert [at for at, value in pending if is_stale(value)] == [15_000]
    firing = found['ALERTS{alertname="Down", alertstate="firing", severity="page"}']
    assert [at for at, value in firing if is_stale(value)] == [40_000]
    (since,) = bench.samples("ALERTS_FOR_STATE").values()
    assert {value for _, value in since if not is_stale(value)} == {5.0}


def test_a_resolved_alert_is_forgotten_after_a_quarter_of_an_hour():
    bench = Bench("  - {alert: Down, expr: up == 0}\n")
    bench.put(0, 0)
    bench.round(0)
    bench.put(5, 1)
    bench.round(5)
    assert bench.states() == {"resolved"}
    bench.round(905)
    assert bench.states() == {"resolved"}
    bench.round(906)
    assert bench.states() == set()


def test_a_rule_sees_what_those_before_it_have_recorded_in_this_round():
    bench = Bench(
        "  - {record: twice, expr: up * 2}\n  - {record: four, expr: twice * 2}\n  - {alert: Four, expr: four == 4}\n"
    )
    bench.put(0, 1, job="a")
    bench.round(0)
    assert bench.samples("four") == {'four{job="a"}': [(0, 4.0)]}
    assert bench.states() == {"firing"}


def test_a_rule_that_fails_leaves_the_others_alone_and_what_it_made_as_it_was():
    bench = Bench("  - {record: ratio, expr: up / on (job) other}\n  - {alert: Down, expr: up == 0}\n")
    bench.put(0, 0, job="a")
    bench.put(0, 1, name="other", job="a")
    bench.round(0)
    bench.put(5, 1, name="other", job="a", more="b")
    bench.round(5)
    failing, working = bench.run.runs
    assert (failing.health, working.health, bench.run.failures) == ("err", "ok", 1)
    assert "many-to-many" in failing.error or "duplicate" in failing.error
    assert bench.samples("ratio") == {'ratio{job="a"}': [(0, 0.0)]}, "no mark of absence"
    assert bench.states() == {"firing"}


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        ("  - {alert: A, expr: up}\n", "exceeded limit of 1 with 2 alerts"),
        ("  - {record: a, expr: up}\n", "exceeded limit of 1 with 2 series"),
    ],
)
def test_a_rule_over_its_limit_fails(rules, error):
    bench = Bench(rules, group="  limit: 1\n")
    bench.put(0, 1, job="a")
    bench.put(0, 1, job="b")
    bench.round(0)
    assert bench.run.runs[0].error == error
    assert bench.states() == set()


def test_series_that_become_one_by_their_labels_are_an_error():
    bench = Bench('  - {record: a, expr: up, labels: {job: x}}\n  - {alert: A, expr: up, labels: {job: ""}}\n')
    bench.put(0, 1, job="a")
    bench.put(0, 1, job="b")
    bench.round(0)
    assert [run.error for run in bench.run.runs] == [
        "vector contains metrics with the same labelset after applying rule labels",
        "vector contains metrics with the same labelset after applying alert labels",
    ]


def test_a_group_may_look_back():
    bench = Bench("  - {record: a, expr: up}\n", group="  query_offset: 10s\n")
    bench.put(0, 1)
    bench.put(5, 2)
    bench.round(10)
    assert bench.samples("a") == {"a": [(0, 1.0)]}


def test_a_group_that_is_retired_leaves_nothing_standing():
    bench = Bench("  - {record: a, expr: up}\n  - {alert: A, expr: up}\n")
    bench.put(0, 1)
    bench.round(0)
    bench.run.retire(Round(at=5_000, queried_at=5_000, storage=bench.storage, cache=bench.cache), bench.storage)
    for name in ("a", "ALERTS", "ALERTS_FOR_STATE"):
        ((*_, (at, value)),) = bench.samples(name).values()
        assert (at, is_stale(value)) == (5_000, True)


def test_a_template_that_fails_loses_no_alert():
    bench = Bench('  - {alert: A, expr: up, annotations: {text: "{{ $labels.job | humanize }}"}}\n')
    bench.put(0, 1, job="a")
    bench.round(0)
    ((run, alert),) = bench.run.alerts()
    assert alert.annotations == (("text", "<error expanding template: 1:18: humanize: 'a' is no number>"),)
    assert run.template_errors == ["1:18: humanize: 'a' is no number"]


def test_groups_are_spread_over_their_interval():
    offsets = {
        GroupRun(parse_rules("r.yml", f"groups:\n- name: g{number}\n").groups[0]).offset(15_000) for number in range(50)
    }
    assert len(offsets) > 45
    assert max(offsets) < 15_000
