"""A real pre-fork server: ``uvicorn --workers``, with the whole kernel in every worker."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest
from tests.prometheus import free_port

pytestmark = pytest.mark.timeout(180)

APP = """
import os
from fastapi import FastAPI
from trivet import Kernel, Launch
from trivet_plugins.monitoring.asgi import MetricsMiddleware
from trivet_plugins.web import AdminApp

kernel = Kernel(
    "orders",
    block={"web"},
    launch=Launch(assignments=["plugins.multiprocess.directory=metrics", "plugins.multiprocess.interval=0.1"]),
)
orders = kernel.metrics.counter("orders", "Orders.")
app = FastAPI(lifespan=kernel.lifespan)
app.mount("/_trivet", AdminApp(kernel))
app.add_middleware(MetricsMiddleware, metrics=kernel.metrics)


@app.get("/order/{number}")
async def order(number: int):
    orders.inc()
    return os.getpid()
"""


@pytest.fixture
def url(tmp_path):
    """Serve the application with two workers; gives the address."""
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "app:app",
        "--workers",
        "2",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
        sys.stderr.write((tmp_path / "log").read_text())


def get(url):
    """Ask over a connection of its own, so that any worker may answer; the server may still be starting one."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return httpx.get(url, timeout=10)
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def counted(url):
    text = get(f"{url}/_trivet/metrics").text
    found = re.search(r"^orders_total (\S+)$", text, re.MULTILINE)
    requests = re.findall(r"^http_server_request_duration_seconds_count\{.*/order/.*\} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0, sum(map(float, requests))


def until(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def test_any_worker_answers_for_all_and_for_the_dead(url):
    pids, sent = set(), 0
    while len(pids) < 2 or sent < 40:
        pids.add(get(f"{url}/order/{sent}").json())
        sent += 1
        assert sent < 2000
    # Again and again: whichever worker is asked.
    for _ in range(5):
        until(lambda: counted(url) == (sent, sent), lambda: (sent, counted(url)))
    os.kill(min(pids), signal.SIGKILL)
    for _ in range(5):
        until(lambda: counted(url) == (sent, sent), lambda: (sent, counted(url)))
    for _ in range(10):
        get(f"{url}/order/1")
    until(lambda: counted(url) == (sent + 10, sent + 10), lambda: (sent, counted(url)))
