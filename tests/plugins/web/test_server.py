"""The server: sockets, starts that are refused, and the end."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time

import anyio
import httpx
import pytest

import trivet_plugins.web as web_plugin
from trivet import ConfigError, Kernel, Provider, StartupRefused, hookimpl
from trivet.events import ServiceListening
from trivet.testing import memory_config
from trivet_plugins.web import WebConfig, WebServer
from trivet_plugins.web.server import serve

TOKEN = "correct-horse-battery-staple"


def kernel_with(section, *plugins):
    config = memory_config({"plugins": {"web": {"port": 0, **section}}})
    return Kernel("orders", discover="none", plugins=[web_plugin, config, *plugins], strict=True)


async def test_port_zero_takes_a_free_one_and_says_which():
    """The bound address is on the service and in an event."""
    kernel = kernel_with({})
    seen = []
    kernel.observe(seen.append)
    async with kernel:
        server = kernel.service(WebServer)
        assert server.address == ("127.0.0.1", server.port)
        assert server.port != 0
        assert server.url == f"http://127.0.0.1:{server.port}/"
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{server.url}livez")).text == "ok\n"
    listening = [event for event in seen if isinstance(event, ServiceListening)]
    assert [(event.service, event.url) for event in listening] == [("service/web", server.url)]


async def test_a_taken_port_refuses_the_start_with_a_remedy():
    """One line names the address, the reason and what to set; the exit code is that of a configuration error."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartupRefused) as caught:
            async with kernel_with({"port": port}):
                pass
    text = str(caught.value)
    assert f"127.0.0.1 port {port}" in text
    assert "taken" in text
    assert "--set plugins.web.port=" in text
    assert "\n" not in text
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_an_open_address_without_a_token_refuses_the_start(host):
    """Nobody opens the pages to a network by mistake: it is a problem of the configuration, which ``trivet check`` shows."""
    with pytest.raises(ConfigError, match=r"plugins\.web\.token"):
        async with kernel_with({"host": host}).configured():
            pass


@pytest.mark.parametrize("address", ["203.0.113.7", "0.0.0.0"])
async def test_a_name_that_resolves_to_an_open_address_refuses_the_start_too(monkeypatch, address):
    """What a name means is known at the start only."""

    async def resolve(host, port, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))]

    monkeypatch.setattr(anyio, "getaddrinfo", resolve)
    with pytest.raises(StartupRefused, match=r"admin\.internal.*plugins\.web\.token"):
        async with kernel_with({"host": "admin.internal"}):
            pass


async def test_the_hash_of_a_token_locks_as_the_token_does():
    """The configuration then holds nothing that opens."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    kernel = kernel_with({"host": "0.0.0.0", "token_hash": f"sha256:{digest}"})
    async with kernel, httpx.AsyncClient(base_url=f"http://127.0.0.1:{kernel.service(WebServer).port}") as client:
        assert (await client.get("/config")).status_code == 401
        for wrong in (digest, f"sha256:{digest}"):
            assert (await client.get("/config", headers={"authorization": f"Bearer {wrong}"})).status_code == 401
        page = await client.get("/config", headers={"authorization": f"Bearer {TOKEN}"})
    assert page.status_code == 200
    assert digest not in page.text


@pytest.mark.parametrize("value", ["sha256:abc", "sha256:" + "x" * 64, "sha256:" + "A" * 64, "a" * 64, TOKEN])
async def test_what_is_no_hash_is_a_problem_without_its_text(value):
    with pytest.raises(ConfigError, match="trivet token hash prints it") as caught:
        async with kernel_with({"token_hash": value}).configured():
            pass
    assert "plugins.web.token_hash" in str(caught.value)
    assert value not in str(caught.value)


async def test_an_open_address_with_a_token_starts():
    """With a token the pages may be on every address; they then want it."""
    kernel = kernel_with({"host": "0.0.0.0", "token": TOKEN})
    async with kernel, httpx.AsyncClient(base_url=f"http://127.0.0.1:{kernel.service(WebServer).port}") as client:
        assert (await client.get("/config")).status_code == 401
        assert (await client.get("/config", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.7"])
async def test_other_loopback_addresses_need_no_token(host):
    """All of this machine's own addresses are as closed as 127.0.0.1."""
    kernel = kernel_with({"host": host})
    async with kernel, httpx.AsyncClient() as client:
        assert (await client.get(f"{kernel.service(WebServer).url}config")).status_code == 200


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
async def test_ipv6_is_served():
    """An IPv6 address works and is written with brackets."""
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        kernel = kernel_with({"host": "::1"})
        async with kernel, httpx.AsyncClient() as client:
            url = kernel.service(WebServer).url
            assert url.startswith("http://[::1]:")
            assert (await client.get(f"{url}config")).status_code == 200


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"host": "203.0.113.7", "token": TOKEN}, "not an address of this machine"),
        ({"host": "no-such-host.invalid", "token": TOKEN}, "does not resolve"),
    ],
)
async def test_an_address_that_cannot_be_bound_is_named(section, expected):
    """The message says which setting is wrong and why."""
    with pytest.raises(StartupRefused, match=expected):
        async with kernel_with(section):
            pass


async def test_a_stop_is_quick_and_frees_the_port():
    """Idle connections hold nothing up, and the same port can be taken again at once."""
    kernel = kernel_with({"drain": 15})
    async with httpx.AsyncClient() as client:
        async with kernel:
            server = kernel.service(WebServer)
            assert (await client.get(server.url)).status_code == 200  # the connection stays open
            begun = time.monotonic()
        assert time.monotonic() - begun < 5
        again = kernel_with({"port": server.port})
        async with again:
            assert (await client.get(server.url)).status_code == 200


async def test_a_cancelled_kernel_stops_its_server():
    """Cancellation from outside ends in order too: no noise, no socket left."""
    kernel = kernel_with({})
    with anyio.CancelScope() as scope:
        async with kernel:
            server = kernel.service(WebServer)
            scope.cancel()
            await anyio.sleep(5)
    assert kernel.state == "stopped"
    with socket.create_server(server.address):
        pass


class Endless:
    """An exporter that never ends, and its plugin."""

    media_type = "text/plain; version=0.0.4"

    def encode(self, families):
        del families
        while True:
            yield b"x" * 65536

    @hookimpl
    def register_metric_exporters(self, composition):
        return [Provider(name="endless", factory=lambda: self)]


async def test_a_client_that_stops_reading_does_not_hold_up_the_end():
    """When the drain is over, what still runs is cut off."""
    kernel = kernel_with({"drain": 0.2}, Endless())
    async with kernel:
        stream = await anyio.connect_tcp(*kernel.service(WebServer).address)
        await stream.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await stream.receive(100)).startswith(b"HTTP/1.1 200")
        await anyio.sleep(0.3)  # until the buffers are full and the server waits for us
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert kernel.state == "stopped"
    states = {row.id: row.state for row in kernel.plugins()}
    assert states["service/web"] == "stopped"
    await stream.aclose()


async def test_a_request_gets_the_drain_to_finish():
    """A scrape that runs when the stop comes is answered in full."""

    begun = threading.Event()

    class Slow(Endless):
        """Ends after some chunks, each of which takes a moment."""

        def encode(self, families):
            del families
            begun.set()
            for _ in range(20):
                time.sleep(0.02)  # a busy exporter
                yield b"line\n"

    kernel = kernel_with({"drain": 15}, Slow())
    results = []

    async def scrape(url):
        async with httpx.AsyncClient(timeout=10) as client:
            results.append(await client.get(url))

    async with anyio.create_task_group() as group, kernel:
        group.start_soon(scrape, f"{kernel.service(WebServer).url}metrics")
        with anyio.fail_after(10):
            while not begun.is_set():
                await anyio.sleep(0.01)
        assert not results
    assert results[0].text == "line\n" * 20


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_nonsense_does_not_disturb_the_others(data):
    """A client that does not speak HTTP is dropped; the next one is answered."""
    kernel = kernel_with({})
    async with kernel, httpx.AsyncClient() as client:
        server = kernel.service(WebServer)
        async with await anyio.connect_tcp(*server.address) as stream:
            with contextlib.suppress(anyio.BrokenResourceError):
                await stream.send(data)
                await stream.send_eof()
                with anyio.move_on_after(2), contextlib.suppress(anyio.EndOfStream):
                    while True:
                        await stream.receive()
        assert (await client.get(f"{server.url}livez")).text == "ok\n"


async def test_a_server_that_is_cancelled_itself_ends_in_order(kernel_factory):
    """Cancelling the task that serves leaves no connection, no socket and no noise, under either event loop."""
    kernel = await kernel_factory({"plugins": {"web": {"port": 0}}}, plugins=[web_plugin])
    async with (
        anyio.create_task_group() as group,
        httpx.AsyncClient() as client,
        serve(WebConfig(port=0), kernel) as server,
    ):
        assert (await client.get(f"{server.url}livez")).text == "ok\n"
        group.cancel_scope.cancel()
        await anyio.sleep(5)
    with socket.create_server(server.address):
        pass
