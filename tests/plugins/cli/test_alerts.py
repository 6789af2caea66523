"""``trivet alerts`` on files and on a running service: real processes and a real socket between them."""

from __future__ import annotations

import json
import re
import time

import pytest

APP = """
from trivet import Kernel

kernel = Kernel("orders")
kernel.metrics.gauge("level", "Level.").set(5)
"""
RULES = "groups: [{name: g, interval: 100ms, rules: [{alert: High, expr: level > 4, labels: {severity: page}}]}]\n"
CONFIG = """
[plugins.web]
port = 0
[plugins.history]
interval = 0.05
[plugins.alerts]
rule_files = ["a.rules.yml"]
evaluation_interval = 0.1
"""


@pytest.fixture
def alerts(directory):
    """Run the service; gives what calls ``trivet alerts`` on it."""
    directory.write("app.py", APP)
    directory.write("a.rules.yml", RULES)
    directory.write("orders.toml", CONFIG)
    with directory.running("app.py") as service:
        url = re.search(r"http://127\.0\.0\.1:\d+/", service.wait_for("http://"))[0]
        service.wait_for("started")
        yield lambda *arguments: directory.trivet("alerts", *arguments, "--url", url)


def test_an_alert_is_shown_silenced_and_acknowledged(alerts):
    deadline = time.monotonic() + 20
    while "firing" not in alerts("show").stdout:
        assert time.monotonic() < deadline
    (row,) = json.loads(alerts("show", "--json").stdout)["alerts"]
    done = alerts("silence", "severity=page", "--for", "30m", "--by", "alice", "--comment", "at work")
    assert re.fullmatch(r"silence ([0-9a-f]{16}); end it: trivet alerts unsilence \1\n", done.stdout), done.stderr
    silence = done.stdout.split()[-1]
    assert alerts("ack", row["fingerprint"], "--by", "alice").returncode == 0
    shown = alerts("show").stdout
    head, line, *rest = shown.splitlines()
    assert head.split() == ["ALERT", "STATE", "SINCE", "VALUE", "FINGERPRINT", "MUTED", "LABELS"]
    assert line.startswith("High   firing")
    assert f"silence {silence}, acknowledged by alice at 127.0.0.1" in line
    assert rest[0].startswith(f"silence {silence} by alice at 127.0.0.1: severity=page")
    assert alerts("unsilence", silence).returncode == 0
    assert alerts("unsilence", "none").returncode == 65
    assert "no alert none is firing" in alerts("ack", "none").stderr
    assert "would mute everything" in alerts("silence", "a=~.*").stderr


def test_help_lists_commands_on_files_and_on_services(directory):
    text = directory.trivet("alerts", "--help").stdout.partition("Commands:")[2]
    assert re.findall(r"^  (\w+) ", text, re.MULTILINE) == [
        "ack",
        "check",
        "list",
        "show",
        "silence",
        "test",
        "unsilence",
    ]
