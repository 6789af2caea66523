"""The pages on a unix socket: real sockets, real permissions, and processes that die."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import sys
import time

import anyio
import httpx
import pytest

import trivet_plugins.web as web_plugin
from trivet import ConfigError, Kernel, StartupRefused
from trivet.events import ServiceListening
from trivet.testing import memory_config
from trivet_plugins.web import WebServer
from trivet_plugins.web.unix_socket import listening_at

TOKEN = "correct-horse-battery-staple"


def kernel_with(section):
    config = memory_config({"plugins": {"web": {"port": 0, **section}}})
    return Kernel("orders", discover="none", plugins=[web_plugin, config], strict=True)


def client_of(path):
    return httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path)), base_url="http://localhost", timeout=10)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "admin.sock"


def leave_behind(path):
    """Leave what a killed process leaves: a socket that nobody listens on."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()


async def test_the_socket_needs_no_token_and_the_address_does(path):
    """Both are served at once and both are told of; the file is its owner's alone, and is gone after the stop."""
    kernel = kernel_with({"socket": f"unix:{path}", "token": TOKEN})
    seen = []
    kernel.observe(seen.append)
    async with kernel:
        server = kernel.service(WebServer)
        assert server.socket == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with client_of(path) as inside, httpx.AsyncClient(base_url=server.url) as outside:
            assert (await inside.get("/config")).status_code == 200
            assert (await outside.get("/config")).status_code == 401
            done = await inside.post("/config/pin", json={"actor": "alice"})
            assert done.status_code == 200
        assert kernel.config.pinned.actor == "alice at a unix socket"
    assert not path.exists()
    assert [one.url for one in seen if isinstance(one, ServiceListening)] == [server.url, f"unix:{path}"]


async def test_the_socket_can_be_all_there_is(path):
    """``tcp = false`` opens no port; the mode is what the configuration says."""
    kernel = kernel_with({"socket": str(path), "tcp": False, "socket_mode": "0660"})
    async with kernel:
        server = kernel.service(WebServer)
        assert (server.address, server.url, server.urls) == (None, f"unix:{path}", (f"unix:{path}",))
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        async with client_of(path) as client:
            assert (await client.get("/livez")).text == "ok\n"


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ({"tcp": False}, "tcp = false needs a socket"),
        ({"socket": "unix:"}, "must be a path like unix:/run"),
        ({"socket": "/run/orders/"}, "must be a path like unix:/run"),
        ({"socket": "/" + "x" * 107}, "at most 107 bytes, this one 108"),
        ({"socket": "/run/a.sock", "socket_mode": "rw"}, "socket_mode"),
    ],
)
async def test_a_socket_that_cannot_be_is_a_problem_of_the_configuration(section, text):
    """Before anything starts, with the place."""
    with pytest.raises(ConfigError, match=text):
        async with kernel_with(section):
            pass


async def test_what_a_dead_process_left_is_replaced(path):
    """A socket that nobody listens on is in nobody's way."""
    leave_behind(path)
    async with kernel_with({"socket": str(path)}), client_of(path) as client:
        assert (await client.get("/livez")).text == "ok\n"
    assert not path.exists()


async def test_a_live_process_keeps_its_socket(path):
    """The second one is refused in one line with a remedy, and the first goes on answering."""
    async with kernel_with({"socket": str(path)}), client_of(path) as client:
        with pytest.raises(StartupRefused, match="a running process does; stop it, or choose another") as caught:
            async with kernel_with({"socket": str(path)}):
                pass
        assert "\n" not in str(caught.value)
        assert (await client.get("/livez")).text == "ok\n"


async def test_a_live_process_with_a_full_queue_is_alive(path):
    """That it does not answer at once is no reason to take its place."""
    with socket.socket(socket.AF_UNIX) as busy, contextlib.ExitStack() as stack:
        busy.bind(str(path))
        busy.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            waiting.connect_ex(str(path))
        with pytest.raises(StartupRefused, match="a running process does"):
            async with listening_at(path, 0o600):
                pass
        assert path.exists()


async def test_no_file_is_ever_removed(path, tmp_path):
    """A file or a link in the way is not ours to delete."""
    path.write_text("important")
    link = tmp_path / "link.sock"
    link.symlink_to(tmp_path / "nowhere")
    for place in (path, link):
        with pytest.raises(StartupRefused, match="no socket is there"):
            async with listening_at(place, 0o600):
                pass
    assert path.read_text() == "important"
    assert link.is_symlink()


async def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(StartupRefused, match=r"run/orders is not there; create it"):
        async with listening_at(tmp_path / "run" / "orders" / "admin.sock", 0o600):
            pass


async def test_a_socket_that_has_become_another_process_is_left_alone(path):
    """Whoever stops removes what it made, not what has taken its place."""
    async with listening_at(path, 0o600):
        path.unlink()
        leave_behind(path)
    assert path.exists()


async def test_a_held_lock_is_waited_for_and_then_named(path, monkeypatch):
    """Somebody else's lock on the directory delays the start; it does not hang it."""
    import fcntl

    monkeypatch.setattr("trivet_plugins.web.unix_socket._TURN_SECONDS", 0.1)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(StartupRefused, match="has held the lock of"):
            async with listening_at(path, 0o600):
                pass
    finally:
        os.close(handle)
    async with listening_at(path, 0o600):
        assert path.exists()


RACER = """
import pathlib, random, sys, time, anyio
from trivet import StartupRefused
from trivet_plugins.web.unix_socket import listening_at

remove = pathlib.Path.unlink

def slowly(path, **options):  # time for the others between their look at the dead socket and its end
    time.sleep(random.uniform(0.1, 0.5))
    remove(path, **options)

pathlib.Path.unlink = slowly

async def main(path):
    try:
        async with listening_at(path, 0o600):
            print("mine", flush=True)
            sys.stdin.read()
    except StartupRefused:
        print("taken", flush=True)

sys.stdin.readline()
anyio.run(main, pathlib.Path(sys.argv[1]))
"""


def test_of_many_that_find_a_dead_socket_one_gets_it(path):
    """Several processes at once; the others are refused, and the winner's file stays."""
    leave_behind(path)
    command = [sys.executable, "-c", RACER, str(path)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(6)
    ]
    try:
        for racer in racers:
            racer.stdin.write("\n")
        said = sorted(racer.stdout.readline().strip() for racer in racers)
        assert said == ["mine", *["taken"] * 5]
        assert path.exists()
    finally:
        for racer in racers:
            racer.communicate()
    assert not path.exists()


async def test_a_client_that_stops_reading_does_not_hold_up_the_end(path):
    """What still runs on the socket when the drain is over is cut off, as on an address."""
    kernel = kernel_with({"socket": str(path), "drain": 0.2})
    async with kernel:
        stream = await anyio.connect_unix(str(path))
        await stream.send(b"POST /config/pin HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        await stream.send(b"Content-Length: 9\r\n\r\n{")  # and never the rest
        await anyio.sleep(0.2)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert kernel.state == "stopped"
    await stream.aclose()
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_another_user_does_not_get_in(path):
    """The permissions are the lock: a process of another user may not even connect."""
    path.parent.chmod(0o755)
    for parent in path.parent.parents:
        if parent.owner() == "root" and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    probe = "import os, socket, sys; os.setuid(65534); socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    async with listening_at(path, 0o600):
        done = await anyio.run_process([sys.executable, "-c", probe, str(path)], check=False)
    assert b"PermissionError" in done.stderr
