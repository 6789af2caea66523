"""`StateFile`: what is pending and firing is kept, whenever the process is killed."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trivet_plugins.alerts.promql.labels import labels_of
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.round_cache import RoundCache
from trivet_plugins.alerts.rules.group_run import GroupRun
from trivet_plugins.alerts.rules.rule_file import parse_rules
from trivet_plugins.alerts.rules.rule_run import Round
from trivet_plugins.alerts.rules.state_file import StateFile

RULES = """groups:
- name: g
  rules:
  - {alert: Pending, expr: level > 0, for: 1h}
  - {alert: Firing, expr: level > 0, keep_firing_for: 1h}
  - {alert: Kept, expr: level == 1, keep_firing_for: 1h}
  - {alert: Over, expr: level == 1}
"""


class Evaluator:
    """A process that is killed at the end of the block."""

    def __init__(self, directory, level):
        command = [
            sys.executable,
            Path(__file__).with_name("killed.py"),
            directory / "rules.yml",
            directory / "state",
            level,
        ]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def round(self):
        return json.loads(self.process.stdout.readline())


def test_a_process_that_is_killed_goes_on_where_it_was(tmp_path):
    """Killed again and again, at no particular moment: `for` has lost the time between only; what fires goes on."""
    (tmp_path / "rules.yml").write_text(RULES)
    with Evaluator(tmp_path, 1) as first:
        rows = first.round()
        for _ in range(3):
            rows = first.round()
    assert {name: row[0] for name, row in rows.items()} == {
        "Pending": "pending",
        "Firing": "firing",
        "Kept": "firing",
        "Over": "firing",
    }
    for attempt in range(5):
        time.sleep(0.02 * attempt)
        with Evaluator(tmp_path, 2) as again:
            found = again.round()
            assert {name: row[0] for name, row in found.items()} == {name: row[0] for name, row in rows.items()}
            assert found["Firing"][1:] == rows["Firing"][1:]
            assert found["Kept"][1:] == rows["Kept"][1:]
            assert rows["Pending"][1] < found["Pending"][1] < time.time() * 1_000
            time.sleep(0.03 * attempt)
    with Evaluator(tmp_path, 2) as last:
        deadline = time.monotonic() + 10
        while last.round()["Over"][0] != "resolved":
            assert time.monotonic() < deadline
        rows = last.round()
    assert {name: row[0] for name, row in rows.items()} == {
        "Pending": "pending",
        "Firing": "firing",
        "Kept": "firing",
        "Over": "resolved",
    }


def group(rules=RULES):
    return GroupRun(parse_rules("r.yml", rules).groups[0])


def evaluated(run, at, level, storage=None):
    storage = storage or MemoryStorage()
    storage.add(labels_of({"__name__": "level"}), at, level)
    run.evaluate(Round(at=at, queried_at=at, storage=storage, cache=RoundCache()), storage)
    return {alert.name: alert for _, alert in run.alerts()}


def test_the_time_that_it_was_down_does_not_count(tmp_path):
    before, after = group(), group()
    evaluated(before, 1_000_000, 1)
    StateFile(tmp_path / "s").save([before], 1_010_000)
    assert StateFile(tmp_path / "s").restore([after], 1_040_000, interval=15_000) == 4
    alerts = {alert.name: alert for _, alert in after.alerts()}
    assert alerts["Pending"].active_at == 1_030_000
    assert (alerts["Firing"].active_at, alerts["Firing"].fired_at) == (1_000_000, 1_000_000)


def test_after_an_hour_it_begins_anew(tmp_path, caplog):
    before, after = group(), group()
    evaluated(before, 0, 1)
    StateFile(tmp_path / "s").save([before], 0)
    with caplog.at_level(logging.WARNING):
        assert StateFile(tmp_path / "s").restore([after], 3_600_001, interval=15_000) == 0
    assert "older than an hour" in caplog.text


def test_an_alert_is_not_resolved_before_the_history_reaches_back_far_enough(tmp_path):
    rules = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'rate(level[5m]) > 0'}\n"
    before, after = group(rules), group(rules)
    storage = MemoryStorage()
    evaluated(before, 0, 1, storage)
    assert evaluated(before, 60_000, 2, storage)["A"].state == "firing"
    StateFile(tmp_path / "s").save([before], 60_000)
    StateFile(tmp_path / "s").restore([after], 70_000, interval=15_000)
    assert evaluated(after, 80_000, 0)["A"].state == "firing", "there is one sample: it cannot know"
    assert evaluated(after, 70_000 + 300_000 + 30_000, 0)["A"].state == "resolved"


def test_a_rule_that_was_changed_begins_anew(tmp_path):
    before, after = group(), group(RULES.replace("expr: level > 0", "expr: level > 0.5"))
    evaluated(before, 1_000, 1)
    StateFile(tmp_path / "s").save([before], 1_000)
    assert StateFile(tmp_path / "s").restore([after], 2_000, interval=15_000) == 2


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 2}', b'{"version": 1, "saved_at": 0, "rules": {"a": [{}]}}']
)
def test_a_file_that_is_damaged_is_set_aside_and_told(tmp_path, caplog, content):
    path = tmp_path / "s"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert StateFile(path).restore([group()], 0, interval=15_000) == 0
    assert "it is s.damaged now, and alerts begin anew" in caplog.text
    assert [one.name for one in tmp_path.iterdir()] == ["s.damaged"]
    assert (tmp_path / "s.damaged").read_bytes() == content


def test_every_cut_of_a_file_is_a_damaged_one(tmp_path):
    run = group()
    evaluated(run, 1_000, 1)
    path = tmp_path / "s"
    StateFile(path).save([run], 1_000)
    whole = path.read_bytes()
    for size in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:size])
        assert StateFile(path).restore([group()], 2_000, interval=15_000) == 0


def test_where_there_is_no_file_nothing_is_said(tmp_path, caplog):
    assert StateFile(tmp_path / "s").restore([group()], 0, interval=15_000) == 0
    assert not caplog.text
