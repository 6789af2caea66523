"""The plugin `alerts` in a kernel: rules over its own history, files that change, reloads, pages, a kill in between."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import anyio
import httpx
import pytest

import trivet_plugins.web as web_plugin
from trivet import StartupRefused
from trivet_plugins.alerts import service as plugin
from trivet_plugins.alerts.service import Alerts
from trivet_plugins.alerts.service.event import AlertChanged
from trivet_plugins.web import WebServer

RULES = """groups:
- name: g
  interval: 100ms
  rules:
  - {record: twice, expr: level * 2}
  - {alert: High, expr: twice > 4, for: 200ms, labels: {severity: page}, annotations: {text: "{{ $value }} is high"}}
"""
FAST = {"group_wait": 0.0, "group_interval": 0.05}


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "a.rules.yml"
    path.write_text(RULES)
    return path


@pytest.fixture
def running(kernel_factory, rules, tmp_path):
    """Start a kernel with the rules."""

    async def start(*, plugins=(), **section):
        alerts = {
            "rule_files": [str(rules.parent / "*.rules.yml")],
            "evaluation_interval": 0.1,
            "notify": {"timing": FAST},
            **section,
        }
        settings = {"plugins": {"history": {"interval": 0.05, "collect": 0}, "alerts": alerts, "web": {"port": 0}}}
        kernel = await kernel_factory(settings, plugins=[plugin, "history", "alert_receivers", web_plugin, *plugins])
        return kernel, kernel.metrics.gauge("level", "Level.")

    return start


async def until(condition, seconds=10):
    with anyio.fail_after(seconds):
        while not condition():
            await anyio.sleep(0.02)


def states(kernel):
    return [alert.state for _run, alert in kernel.service(Alerts).alerts()]


async def test_an_alert_goes_pending_fires_and_resolves(running):
    kernel, level = await running(external_labels={"region": "eu"})
    seen = []
    kernel.observe(
        lambda event: seen.append((event.before, event.alert.state)) if isinstance(event, AlertChanged) else None
    )
    level.set(5)
    await until(lambda: states(kernel) == ["firing"])
    ((_run, alert),) = kernel.service(Alerts).alerts()
    assert alert.annotations == (("text", "10 is high"),)
    assert kernel.service(Alerts).dispatcher.firing[0].name == "High"
    level.set(0)
    await until(lambda: states(kernel) == ["resolved"])
    assert seen == [("inactive", "pending"), ("pending", "firing"), ("firing", "resolved")]
    assert kernel.metrics.get("trivet_rule_rounds_total")["done",].value > 3


async def test_a_file_that_changes_comes_into_force_and_what_fires_goes_on(running, rules):
    kernel, level = await running()
    level.set(5)
    await until(lambda: states(kernel) == ["firing"])
    ((_run, before),) = kernel.service(Alerts).alerts()
    rules.write_text(RULES + "  - {alert: Low, expr: level < 1}\n")
    await until(lambda: len(kernel.service(Alerts).rules.groups[0].runs) == 3)
    ((_run, after),) = kernel.service(Alerts).alerts()
    assert (after.state, after.active_at, after.fired_at) == ("firing", before.active_at, before.fired_at)


async def test_a_file_that_becomes_bad_is_told_and_the_rules_before_go_on(running, rules):
    kernel, level = await running()
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]")
    await until(lambda: kernel.service(Alerts).problem)
    assert f"{rules}:1:" in kernel.service(Alerts).problem
    report = await kernel.health.refresh("ready")
    (result,) = [one for one in report.results if one.name == "alert_rules"]
    assert "error: expr" in result.output
    level.set(5)
    await until(lambda: states(kernel) == ["firing"])
    rules.write_text(RULES)
    await until(lambda: not kernel.service(Alerts).problem)


async def test_a_reload_that_names_a_bad_file_is_refused_with_its_place(running, rules, tmp_path):
    kernel, _level = await running()
    bad = tmp_path / "bad.yml"
    bad.write_text("groups: [{name: g, rules: [{alert: A}]}]")
    with pytest.raises(Exception, match=r"bad\.yml:1:28: error: a rule has an expr"):
        await kernel.config.override({"plugins.alerts.rule_files": [str(bad)]}, actor="a test")
    assert len(kernel.service(Alerts).rules.groups[0].runs) == 2
    other = tmp_path / "other.yml"
    other.write_text("groups: [{name: h, rules: [{alert: A, expr: up}]}]")
    await kernel.config.override({"plugins.alerts.rule_files": [str(other)]}, actor="a test")
    assert [group.group.name for group in kernel.service(Alerts).rules.groups] == ["h"]


async def test_a_bad_file_refuses_the_start(running, rules):
    rules.write_text("groups: [{name: g, rules: [{alert: A}]}]")
    with pytest.raises(Exception, match="a rule has an expr") as caught:
        await running()
    assert isinstance(caught.value, StartupRefused) or isinstance(caught.value.__cause__, StartupRefused)


async def test_without_rule_files_nothing_is_evaluated(kernel_factory):
    kernel = await kernel_factory(plugins=[plugin])
    assert kernel.health.report().results == () or "alert_rules" not in {
        one.name for one in kernel.health.report().results
    }


async def test_the_pages_tell_of_rules_and_alerts_and_take_orders(running):
    kernel, level = await running()
    level.set(5)
    await until(lambda: states(kernel) == ["firing"])
    async with httpx.AsyncClient(base_url=kernel.service(WebServer).url, timeout=5) as client:
        (group,) = (await client.get("/api/v1/rules")).json()["data"]["groups"]
        recording, alerting = group["rules"]
        assert (recording["type"], recording["health"], recording["name"]) == ("recording", "ok", "twice")
        assert (alerting["state"], alerting["duration"], alerting["query"]) == ("firing", 0.2, "twice > 4")
        (row,) = (await client.get("/api/v1/alerts")).json()["data"]["alerts"]
        assert row["labels"] == {"alertname": "High", "severity": "page"}
        assert (row["state"], row["value"]) == ("firing", "10")
        (found,) = (await client.get("/alerts")).json()["alerts"]
        order = {"fingerprint": found["fingerprint"], "actor": "alice", "comment": "on it"}
        assert (await client.post("/alerts/acknowledge", json=order)).status_code == 200
        order = {"matchers": ['severity="page"'], "seconds": 60, "actor": "alice"}
        silence = (await client.post("/alerts/silence", json=order)).json()["id"]
        overview = (await client.get("/alerts")).json()
        assert overview["alerts"][0]["silenced"] == silence
        assert overview["alerts"][0]["acknowledged"] == "alice at 127.0.0.1"
        assert (await client.post("/alerts/unsilence", json={"id": silence})).status_code == 200
        assert (await client.post("/alerts/unsilence", json={"id": "none"})).status_code == 404
        assert (await client.post("/alerts/silence", json={"matchers": ["?"], "seconds": 1})).status_code == 400


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(json.loads(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def hook():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


APP = """
import pathlib

from trivet import Kernel

kernel = Kernel("killed")


@kernel.task("levels")
async def levels():
    import anyio

    gauge = kernel.metrics.gauge("level", "Level.")
    while True:
        gauge.set(float(pathlib.Path("level").read_text()))
        await anyio.sleep(0.02)
"""


def test_a_service_that_is_killed_while_an_alert_fires_tells_its_end(tmp_path, rules, hook):
    """The receiver hears once that it fires, and once, of the next process, that it does not any more."""
    (tmp_path / "app.py").write_text(textwrap.dedent(APP))
    (tmp_path / "level").write_text("5")
    (tmp_path / "app.toml").write_text(
        f"""
        [plugins.history]
        interval = 0.05
        [plugins.web]
        port = 0
        [plugins.alert_webhook]
        urls = ["http://127.0.0.1:{hook.server_address[1]}/"]
        [plugins.alerts]
        rule_files = ["{rules}"]
        evaluation_interval = 0.1
        state = "state"
        [plugins.alerts.notify.timing]
        group_wait = 0.0
        group_interval = 0.1
        """
    )
    command = [str(Path(sys.executable).with_name("trivet")), "run", "app.py", "--config", "app.toml"]

    def run_until(condition):
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 15
        while not condition() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        met = condition()
        os.kill(process.pid, signal.SIGKILL)
        output = process.communicate()[0].decode()
        assert met, output

    run_until(lambda: hook.received)
    assert [one["status"] for one in hook.received] == ["firing"]
    run_until(lambda: (tmp_path / "state" / "rules").exists() and time.sleep(0.5) is None)
    assert {one["status"] for one in hook.received} == {"firing"}
    (tmp_path / "level").write_text("0")
    run_until(lambda: any(one["status"] == "resolved" for one in hook.received))
    assert hook.received[-1]["alerts"][0]["labels"]["alertname"] == "High"
