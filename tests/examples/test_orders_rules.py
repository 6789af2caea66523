"""The rules of the orders example: they pass their tests, here and with promtool, and the example evaluates them."""

from __future__ import annotations

import sqlite3
import subprocess

import pytest
from click.testing import CliRunner
from tests.conftest import ROOT

from trivet_plugins.cli.program import program as cli

RULES = ROOT / "docs" / "examples" / "orders" / "rules"


def test_the_commands_take_its_rules_and_its_tests():
    done = CliRunner().invoke(cli, ["alerts", "check", str(RULES / "orders.rules.yml")])
    assert (done.exit_code, done.output) == (0, f"{RULES}/orders.rules.yml: 3 rules found\n")
    done = CliRunner().invoke(cli, ["alerts", "test", str(RULES / "orders.test.yml")])
    assert (done.exit_code, done.output) == (0, f"{RULES}/orders.test.yml: 7 checks pass\n")


def test_promtool_takes_them_too(program):
    promtool = program("promtool", package="prometheus")
    for command in (["check", "rules", RULES / "orders.rules.yml"], ["test", "rules", RULES / "orders.test.yml"]):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(120)
def test_a_database_that_hangs_is_an_alert_until_it_answers(orders, run_service):
    """Pending, firing, told, resolved: with another process that holds the database."""
    rules = orders / "rules" / "orders.rules.yml"
    rules.write_text(rules.read_text().replace("interval: 5s", "interval: 500ms").replace("for: 10s", "for: 1s"))
    timing = "plugins.alerts.notify.timing"
    options = ("--set", f"{timing}.group_wait=0", "--set", f"{timing}.group_interval=0.5")

    def states(service):
        return {row["labels"]["alertname"]: row["state"] for row in service.client.get("/alerts").json()["alerts"]}

    with run_service(orders, "--profile", "dev", *options) as service:
        service.wait_until((orders / "orders.dev.db").exists)
        found = service.client.get("/api/v1/rules").json()["data"]["groups"][0]["rules"]
        assert [rule["name"] for rule in found] == ["DatabaseDown", "NoOrders", "LoopBlocked"]
        other = sqlite3.connect(orders / "orders.dev.db", timeout=30, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        service.wait_until(lambda: states(service).get("DatabaseDown") == "firing", 40)
        service.wait_until(lambda: "alert.firing" in service.log)
        other.execute("ROLLBACK")
        other.close()
        service.wait_until(lambda: states(service).get("DatabaseDown") == "resolved", 40)
        service.wait_until(lambda: "alert.resolved" in service.log)
