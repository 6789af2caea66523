"""A process that evaluates rules with the clock on the wall, until it is killed. It tells every round on stdout."""

from __future__ import annotations

import json
import pathlib
import sys
import time

from trivet_plugins.alerts.promql.labels import labels_of
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.round_cache import RoundCache
from trivet_plugins.alerts.rules.group_run import GroupRun
from trivet_plugins.alerts.rules.rule_file import read_rules
from trivet_plugins.alerts.rules.rule_run import Round
from trivet_plugins.alerts.rules.state_file import StateFile

PAUSE = 50


def main(rules, state, level):
    groups = [GroupRun(group) for group in read_rules(pathlib.Path(rules)).groups]
    file = StateFile(pathlib.Path(state))
    storage, cache = MemoryStorage(), RoundCache()
    now = int(time.time() * 1_000)
    file.restore(groups, now, interval=PAUSE)
    while True:
        now = int(time.time() * 1_000)
        storage.add(labels_of({"__name__": "level"}), now, float(level))
        for group in groups:
            group.evaluate(Round(at=now, queried_at=now, storage=storage, cache=cache), storage)
        file.save(groups, now)
        rows = {
            alert.name: [alert.state, alert.active_at, alert.fired_at]
            for group in groups
            for _, alert in group.alerts()
        }
        sys.stdout.write(json.dumps(rows) + "\n")
        sys.stdout.flush()
        time.sleep(PAUSE / 1_000)


main(*sys.argv[1:])
