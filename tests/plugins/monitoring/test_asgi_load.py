"""Real applications in a process of their own, under load from this one: no request is lost to the count."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

THREADS, REQUESTS = 8, 150
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=["fastapi", "starlette", "litestar"])
def port(request):
    """Serve an application with uvicorn; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.set_inheritable(True)
        command = [sys.executable, "-m", "uvicorn", f"measured_apps:{request.param}", "--fd", str(listener.fileno())]
        process = subprocess.Popen(
            [*command, "--log-level", "critical", "--lifespan", "off"],
            cwd=Path(__file__).parent,
            pass_fds=[listener.fileno()],
        )
    try:
        deadline = time.monotonic() + 60
        while not answers(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def connected(port):
    return contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30))


def answers(port):
    try:
        with connected(port) as connection:
            return ask(connection, "/metrics")[0] == 200
    except OSError:
        return False


def ask(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def load(port, wrong):
    with connected(port) as connection:
        for number in range(REQUESTS):
            path, wanted = (f"/orders/{number}", 200) if number % 3 else (f"/nowhere/{number}", 404)
            if ask(connection, path)[0] != wanted:
                wrong.append(path)


def test_every_request_is_counted_under_its_template(port):
    """Eight connections from another process: the counts are exact, and no path of a stranger makes a series."""
    wrong = []
    threads = [threading.Thread(target=load, args=(port, wrong)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    with connected(port) as connection:
        text = ask(connection, "/metrics")[1]
    found = re.findall(r"http_server_request_duration_seconds_count\{(.*?)\} (\d+)", text)
    counts = {tuple(re.findall(r'="([^"]*)"', labels)): int(count) for labels, count in found}
    routes = {(route.replace(":int", ""), status): count for (_, route, status, _), count in counts.items()}
    assert routes == {("/orders/{number}", "200"): THREADS * 100, ("<unmatched>", "404"): THREADS * 50}
    assert re.search(r'http_server_active_requests\{http_request_method="GET"\} 0', text)
