"""``trivet run``: a real process, real signals, real HTTP."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
import time
from pathlib import Path

import httpx
import pytest

from trivet import Kernel

BACKENDS = ["asyncio", "trio"]


def url_in(log):
    return re.search(r'"url": "(http://[^"]+)"', log)[1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_stops_in_order(directory, backend, number):
    """SIGTERM and SIGINT end it with exit 0 and the events of a stop; no traceback, no warning."""
    with directory.running("app.py", "--backend", backend) as service:
        url = url_in(service.wait_for("kernel.started"))
        assert httpx.get(f"{url}readyz").text == "ok\n"
        assert httpx.get(f"{url}config").json()["config"]["database"] == {"password": "***", "pool_size": 8}
        begun = time.monotonic()
        code, log = service.end(number)
    assert code == 0
    assert time.monotonic() - begun < 10
    assert f'"reason": "{number.name}"' in log
    assert log.splitlines()[-1].find('"event": "kernel.stopped"') > 0
    assert "Traceback" not in log
    assert "hunter2" not in log


@pytest.mark.parametrize("backend", BACKENDS)
def test_with_a_drain_readiness_falls_first_and_work_goes_on(directory, backend):
    """A load balancer that has not noticed yet still gets its answers."""
    with directory.running("app.py", "--backend", backend, "--drain", "3") as service:
        url = url_in(service.wait_for("kernel.started"))
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.wait_for("kernel.draining")
        assert httpx.get(f"{url}readyz").status_code == 503
        assert httpx.get(f"{url}livez").status_code == 200
        assert service.process.wait(30) == 0
        assert time.monotonic() - begun >= 3
        log = service.log.read_text()
    assert log.index("kernel.draining") < log.index("kernel.stopping")


def test_a_second_signal_cuts_the_drain_short(directory):
    """Who asks twice does not wait ten minutes."""
    with directory.running("app.py", "--drain", "600") as service:
        service.wait_for("kernel.started")
        service.process.send_signal(signal.SIGTERM)
        service.wait_for("kernel.draining")
        assert service.end()[0] == 128 + signal.SIGTERM


def test_a_second_ctrl_c_does_not_wait(directory):
    """Who asks twice gets the end at once."""
    slow = (
        "from contextlib import asynccontextmanager\nimport anyio\nfrom trivet import Kernel, Provider, hookimpl\n"
        "@asynccontextmanager\nasync def slow():\n    try:\n        yield object()\n    finally:\n"
        "        with anyio.CancelScope(shield=True):\n            await anyio.sleep(60)\n"
        "class Slow:\n    trivet_name = 'slow'\n    @hookimpl\n    def register_services(self, composition):\n"
        "        return [Provider(name='slow', factory=slow, stop_timeout=60)]\n"
        "kernel = Kernel('orders', plugins=[Slow()], block=['web'])\n"
    )
    directory.write("slow.py", slow)
    directory.write("orders.toml", "")
    with directory.running("slow.py") as service:
        service.wait_for("kernel.started")
        service.process.send_signal(signal.SIGINT)
        service.wait_for("kernel.stopping")
        code, _ = service.end(signal.SIGINT)
    assert code == 130


def test_sighup_reloads(directory):
    """A good change applies; a bad one is rejected with each problem, and the old values stay."""
    with directory.running("app.py", "--set", "plugins.watcher.poll_interval=60") as service:
        url = url_in(service.wait_for("kernel.started"))
        directory.write("orders.toml", (directory.path / "orders.toml").read_text().replace("= 8", "= 9"))
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("config.reloaded")
        assert httpx.get(f"{url}config").json()["config"]["database"]["pool_size"] == 9
        directory.write("orders.toml", (directory.path / "orders.toml").read_text().replace("= 9", "= 0"))
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("config.rejected")
        body = httpx.get(f"{url}config").json()
        assert body["config"]["database"]["pool_size"] == 9
        assert body["problems"][0].startswith("orders.toml:3:13: error: database.pool_size")
        _, log = service.end()
    [rejected] = [json.loads(line) for line in log.splitlines() if "config.rejected" in line][:1]
    assert rejected["problems"][0].startswith("orders.toml:3:13: error:")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_taken_port_is_one_clear_message(directory, backend):
    """One line on stderr with the remedy, exit 78, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = directory.trivet("run", "app.py", "--set", f"plugins.web.port={port}", "--backend", backend)
    errors = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == 78
    assert len(errors) == 1
    assert errors[0].startswith(f"error: the web surface cannot listen on 127.0.0.1 port {port}")
    assert "--set plugins.web.port=" in errors[0]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_invalid_configuration_does_not_start(directory, backend):
    """The problems with their places, exit 78."""
    done = directory.trivet("run", "app.py", "--set", "database.pool_size=none", "--backend", backend)
    assert done.returncode == 78
    assert "--set #1: error: database.pool_size" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("debug", [False, True])
def test_a_task_that_fails_ends_the_service(directory, backend, debug):
    """The message names the task, the failure and the user's own line; the exit code is 70."""
    directory.write(
        "app.py",
        "from trivet import Kernel\nkernel = Kernel('orders', block=['web'])\n"
        "@kernel.task('work')\nasync def work():\n    raise ValueError('out of cheese')\n",
    )
    directory.write("orders.toml", "")
    done = directory.trivet("run", "app.py", "--backend", backend, *["--debug"] * debug)
    assert done.returncode == 70, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "task/work" in errors[0]
    assert "ValueError: out of cheese" in errors[0]
    assert "app.py:5" in errors[0]
    assert ("Traceback (most recent call last)" in done.stderr) is debug


def test_without_a_target_the_builtins_run(directory):
    """``trivet run`` alone is a kernel with what trivet.toml says."""
    directory.write("trivet.toml", "[plugins.web]\nport = 0\n")
    with directory.running() as service:
        url = url_in(service.wait_for("kernel.started"))
        assert httpx.get(f"{url}config").json()["kernel"] == "trivet"
        assert service.end()[0] == 0


def test_a_terminal_is_told_where_to_look(directory):
    """On a terminal the log is for people, and the address and the way to stop are printed."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        [Path(sys.executable).parent / "trivet", "run", "app.py"],
        cwd=directory.path,
        env={"PATH": os.environ["PATH"], "TERM": "xterm"},
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - the key below becomes a signal
    )
    os.close(side)
    text = b""
    try:
        while b"Ctrl-C" not in text or b"kernel.started" not in text:
            text += os.read(main, 4096)
        address = re.search(rb"look at +(http://127.0.0.1:\d+/)", text)[1].decode()
        assert httpx.get(f"{address}livez").text == "ok\n"
        os.write(main, b"\x03")  # what the key sends
        assert process.wait(timeout=15) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)
    assert b"orders is running" in text
    assert b"kernel.started" in text
    assert b'{"' not in text


def test_the_launch_says_that_the_process_is_ours():
    """Only ``trivet run`` makes a launch standalone."""
    assert Kernel("orders").launch.standalone is False
