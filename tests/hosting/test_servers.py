"""A kernel inside servers that other people wrote, over real sockets: it starts before the first request and stops in order."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.timeout(180)

UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}")
HYPERCORN = ("-m", "hypercorn", "--bind", "127.0.0.1:{port}", "--graceful-timeout", "2")

# Command, and the exit code after SIGTERM: uvicorn raises the signal anew once it has shut down.
SERVERS = {
    "fastapi on uvicorn": ((*UVICORN, "fastapi_app:app"), -signal.SIGTERM),
    "starlette on uvicorn": ((*UVICORN, "starlette_app:app"), -signal.SIGTERM),
    "litestar on uvicorn": ((*UVICORN, "litestar_app:app"), -signal.SIGTERM),
    "starlette on hypercorn": ((*HYPERCORN, "starlette_app:app"), 0),
    "starlette on hypercorn and trio": ((*HYPERCORN, "--worker-class", "trio", "starlette_app:app"), 0),
    "starlette with a lifespan around ours": ((*UVICORN, "starlette_app:app_with_state"), -signal.SIGTERM),
    "aiohttp": (("aiohttp_app.py", "{port}"), 0),
}


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def server(request):
    """The command and the exit code of each server."""
    return request.param


def answers(host, path="/"):
    return lambda: host.client.get(path)


def test_the_kernel_lives_as_long_as_the_server(host, server):
    """Requests see configuration, metrics and readiness; SIGTERM stops the server and then the kernel, in reverse order."""
    command, code = server
    one = host(*command)
    response = one.until(answers(one))
    assert (response.status_code, response.text) == (200, "hello")
    assert one.client.get("/ready").text == "ready"
    assert one.diary == ["drain starts", "pump starts"]
    assert one.stop(signal.SIGTERM) == code, one.log
    assert one.diary[2:] == ["pump stops", "drain stops"]
    assert "Traceback" not in one.log.partition("KeyboardInterrupt")[0]


def test_a_critical_failure_ends_the_server_in_order(host, server, tmp_path):
    """Readiness falls at once, while requests are still answered; then everything stops, and the process ends by SIGTERM."""
    command, code = server
    one = host(*command, GATE=str(tmp_path / "gate"))
    one.until(lambda: one.client.get("/ready").status_code == 200)
    assert one.client.post("/break").text == "broken"
    one.until(lambda: one.client.get("/ready").status_code == 503)
    assert one.client.get("/ready").text == "stopping"
    assert one.client.get("/").text == "hello"
    one.open_gate()
    assert one.end() == code, one.log
    assert one.diary[2:] == ["pump breaks", "drain stops"]


def test_the_admin_pages_live_in_the_application(host, tmp_path):
    """`AdminApp`, mounted: the pages say what the kernel is doing, until its very end."""
    one = host(*UVICORN, "fastapi_app:app", GATE=str(tmp_path / "gate"))
    response = one.until(answers(one, "/_trivet/readyz"))
    assert response.status_code == 200
    rows = {row["id"]: row["state"] for row in one.client.get("/_trivet/plugins").json()}
    assert rows["service/pump"] == "running"
    assert one.client.get("/_trivet/nothing").status_code == 404
    one.client.post("/break")
    one.until(lambda: one.client.get("/_trivet/readyz").status_code == 503)
    assert one.client.get("/_trivet/livez").status_code == 200
    one.open_gate()
    assert one.end() == -signal.SIGTERM, one.log


def test_requests_under_way_are_answered_before_the_end(host):
    """The server ends by its own rules, so a request that is being worked on when the kernel fails gets its answer."""
    one = host(*UVICORN, "fastapi_app:app")
    one.until(answers(one))
    assert one.client.post("/slow").text == "done"
    assert one.end() == -signal.SIGTERM, one.log
    assert one.diary[2:] == ["pump breaks", "drain stops"]


@pytest.mark.parametrize("name", ["fastapi on uvicorn", "starlette on hypercorn and trio", "aiohttp"])
def test_a_failed_start_keeps_the_server_from_serving(host, name):
    """The error is in the log with provider and plugin, what had started is stopped, and the process ends with a failure."""
    command, _ = SERVERS[name]
    one = host(*command, ALSO="refuse")
    code = one.end()
    assert code != 0 or "hypercorn" in name, one.log  # it ends with 0 whatever its worker failed of
    assert "service/refuse (plugin stand) failed in phase start: OSError: no such pump" in one.log
    assert one.diary == ["drain starts", "pump starts", "pump stops", "drain stops"]


def test_a_server_that_gives_up_a_hanging_start_leaves_nothing_running(host):
    """aiohttp cancels its start at SIGTERM: the hanging provider is given up, and what had started stops in order."""
    one = host("aiohttp_app.py", "{port}", ALSO="hanging")
    one.until(lambda: "pump starts" in one.diary)
    one.stop(signal.SIGTERM)
    assert one.diary[2:] == ["hanging is given up", "pump stops", "drain stops"]
