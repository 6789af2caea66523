"""A kernel for code that is not async: a threaded web server and plain scripts, in processes of their own."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("backend", ["asyncio", "trio"])]

STOPPED = ["drain starts", "pump starts", "pump stops", "drain stops"]


def test_flask_requests_use_the_kernel_from_their_threads(host, backend):
    """Threads read configuration, count exactly and call into the event loop, many at once; Ctrl-C stops all in order."""
    one = host("flask_app.py", "{port}", backend)
    one.until(lambda: one.client.get("/ready").status_code == 200)
    with ThreadPoolExecutor(10) as pool:
        texts = list(pool.map(lambda _: one.client.get("/").text, range(100)))
        doubles = list(pool.map(lambda number: one.client.get(f"/double/{number}").text, range(50)))
    assert texts == ["hello"] * 100
    assert doubles == [str(2 * number) for number in range(50)]
    assert one.client.get("/count").text == "100"
    one.stop(signal.SIGINT)
    assert one.diary == STOPPED


def test_a_critical_failure_ends_the_threaded_server(host, backend, tmp_path):
    """Readiness falls, the kernel stops in order, and then the process ends by SIGTERM."""
    one = host("flask_app.py", "{port}", backend, GATE=str(tmp_path / "gate"))
    one.until(lambda: one.client.get("/ready").status_code == 200)
    assert one.client.post("/break").text == "broken"
    one.until(lambda: one.client.get("/ready").status_code == 503)
    one.open_gate()
    assert one.end() == -signal.SIGTERM, one.log
    assert one.diary[2:] == ["pump breaks", "drain stops"]


def test_a_script_runs_inside_the_kernel(host, backend):
    """The kernel runs between the ends of the ``with`` block."""
    one = host("script.py", backend)
    assert one.end() == 0, one.log
    assert one.log.splitlines() == ["hello Pump running", "None CALLED", "stopped"]
    assert one.diary == STOPPED


def test_an_error_of_the_script_is_its_own(host, backend):
    """It leaves the block as it was raised, after the kernel has stopped in order."""
    one = host("script.py", backend, "fail")
    assert one.end() == 1
    assert one.log.splitlines()[-1] == "ValueError: the script's own mistake"
    assert one.diary == STOPPED


def test_ctrl_c_in_a_script_stops_the_kernel(host, backend):
    """The interrupted script leaves its block, and the kernel stops in order."""
    one = host("script.py", backend, "wait")
    one.until(lambda: "running" in one.log)
    assert one.stop(signal.SIGINT) == -signal.SIGINT
    assert one.diary == STOPPED


def test_a_critical_failure_ends_the_script(host, backend):
    """The script does not work on without what it needs."""
    one = host("script.py", backend, "break")
    assert one.end() == -signal.SIGTERM, one.log
    assert one.diary[2:] == ["pump breaks", "drain stops"]


def test_a_failed_start_is_raised_in_the_script(host, backend):
    """With the provider, its plugin and the cause."""
    one = host("script.py", backend, ALSO="refuse")
    assert one.end() == 1
    assert one.log.splitlines()[-1].endswith(
        "service/refuse (plugin stand) failed in phase start: OSError: no such pump"
    )
    assert one.diary == STOPPED
