"""A service whose event loop is blocked for five seconds: what is said meanwhile, and what afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

APP = """
import pathlib
import time

import anyio

from trivet import Kernel, Launch

kernel = Kernel("orders", launch=Launch(assignments=["plugins.web.port=0", "plugins.event_loop.fail=4.0"]))


@kernel.task("blocks")
async def blocks():
    while not pathlib.Path("block").exists():
        await anyio.sleep(0.05)
    time.sleep(5)
    await anyio.sleep_forever()
"""


@pytest.fixture
def service(tmp_path):
    """Run it; gives the process, the log and the address."""
    (tmp_path / "app.py").write_text(APP)
    trivet = Path(sys.executable).with_name("trivet")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRIVET_")}
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen([trivet, "run", "app.py"], cwd=tmp_path, env=environment, stdout=out, stderr=out)
    try:
        url = wait_for(log, r'"url": "(http://[^"]+)"')[1]
        wait_for(log, "kernel.started")
        yield tmp_path, log, url
    finally:
        process.terminate()
        process.wait()


def wait_for(log, pattern, seconds=60):
    deadline = time.monotonic() + seconds
    while (found := re.search(pattern, log.read_text())) is None:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return found


@pytest.mark.timeout(120)
def test_a_loop_that_is_blocked_for_five_seconds_is_named_meanwhile(service):
    """The line that blocks is in the log long before the loop runs again; then liveness fails for it, and recovers."""
    directory, log, url = service
    (directory / "block").touch()
    begun = time.monotonic()
    wait_for(log, r"the event loop has been blocked for")
    assert time.monotonic() - begun < 4
    assert "time.sleep(5)" in log.read_text()
    verdict = wait_for(
        log, r"the event loop was blocked for ([\d.]+) s at [^ ]*app\.py:\d+ in blocks: move blocking work"
    )
    assert 4.5 < float(verdict[1]) < 60
    with httpx.Client(base_url=url, timeout=30) as client:
        deadline = time.monotonic() + 60
        while client.get("/livez").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
