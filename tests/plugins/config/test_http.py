"""The HTTP source against a real server: what it loads, when it asks again, and what stays in force when that fails."""

from __future__ import annotations

import datetime as dt
import gzip
import http.server
import ipaddress
import socket
import ssl
import threading
import time
import tracemalloc
from base64 import b64encode
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trivet import ConfigError, Kernel, Launch, Provider, Resolved, Secret, Status, hookimpl
from trivet.config.layer import COMMAND_LINE
from trivet.events import ConfigRejected, ConfigReloaded, ConfigWarning, ProviderStateChanged
from trivet.testing import memory_config
from trivet_plugins.config import files, json, resolve_env, resolve_file, toml, yaml
from trivet_plugins.config import http as http_source
from trivet_plugins.config.http_address import Address
from trivet_plugins.config.http_answer import reader_of
from trivet_plugins.config.http_body import Body, TooLarge
from trivet_plugins.config.http_fetch import _reason, _retry_after
from trivet_plugins.config.http_remote import Failure, Rhythm
from trivet_plugins.security.ciphers import aes_gcm
from trivet_plugins.security.keys import file as key_file
from trivet_plugins.security.sealed import resolver as sealed

LIMIT = 10


@attrs.frozen
class Section:
    value: int = 0
    other: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    token: Secret[str] | None = None


# -- a server that does as it is told -----------------------------------------------------------------------------------


class Server:
    """An HTTP server on loopback; ``answer`` is called for every request, with the handler."""

    def __init__(self, tls=None):
        self.requests = []
        self.answer = lambda handler: handler.send_error(404)
        self.scheme = "https" if tls else "http"
        self._tls = tls
        self.port = 0
        self.start()

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append((time.monotonic(), self.path, dict(self.headers)))
                outer.answer(self)

            def log_message(self, *arguments):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # clients that hang up are part of the tests

        self._server = Quiet(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path="/orders.toml"):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"


def document(content, etag=None, kind="application/toml", status=200, **headers):
    """Answer with a document, or 304 where the client has it."""
    body = content if isinstance(content, bytes) else content.encode()

    def answer(handler):
        known = etag is not None and handler.headers.get("If-None-Match") == etag
        since = headers.get("Last_Modified")
        known = known or (since is not None and handler.headers.get("If-Modified-Since") == since)
        handler.send_response(304 if known else status)
        for name, value in {"ETag": etag, "Content-Type": kind, **headers}.items():
            if value is not None:
                handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0" if known else str(len(body)))
        handler.end_headers()
        if not known:
            handler.wfile.write(body)

    return answer


def text(value):
    return f"[section]\nvalue = {value}\n"


@pytest.fixture
def server():
    one = Server()
    yield one
    one.stop()


@pytest.fixture
def other_server():
    one = Server()
    yield one
    one.stop()


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


# -- a kernel over it ---------------------------------------------------------------------------------------------------


class Running:
    """A kernel, its section, and what it told."""

    def __init__(self, settings, path=None, plugins=()):
        self.settings = memory_config({"plugins": {"http": settings}})
        launch = Launch(files=[path] if path else [], environ={"HOME": "/nonexistent"})
        parts = [toml, yaml, json, http_source, self.settings, *([files] if path else []), *plugins]
        self.kernel = Kernel("remote", plugins=parts, discover="none", launch=launch, strict=True)
        self.live = self.kernel.config.bind("section", Section)
        self.events = []
        self.kernel.observe(self.events.append)

    def of(self, *kinds):
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def warnings(self):
        return [event.message for event in self.of(ConfigWarning)]

    async def says(self, **settings):
        """Change the settings of the source while it runs."""
        self.settings.data = {"plugins": {"http": settings}}
        return await self.kernel.config.reload("the test")

    async def degraded(self):
        """Run the health check now and return what it says."""
        with anyio.fail_after(LIMIT):
            while True:  # the start of the scheduler forgets results
                report = await self.kernel.health.refresh()
                found = [one for one in report.results if one.name == "config_http" and not one.pending]
                if found:
                    return found[0].verdict
                await anyio.sleep(0.005)


FAST = {"interval": 0.02, "max_backoff": 0.05}


@asynccontextmanager
async def running(url, path=None, plugins=(), **settings):
    one = Running({**FAST, "url": url, **settings}, path, plugins)
    async with one.kernel:
        yield one


async def until(holds):
    with anyio.fail_after(LIMIT):
        while not holds():
            await anyio.sleep(0.005)


async def polls(server, count=3):
    """Wait for so many more requests to have come, the last of them answered."""
    wanted = len(server.requests) + count + 1
    await until(lambda: len(server.requests) >= wanted)


# -- loading --------------------------------------------------------------------------------------------------------------


async def test_a_document_is_loaded_and_every_value_knows_its_place_and_revision(server, tmp_path):
    """It wins over files, and says where each value stands and in which revision."""
    path = tmp_path / "base.toml"
    path.write_text("[section]\nvalue = 1\nother = 5\n")
    server.answer = document(text(7), etag='"v1"')
    async with running(server.url(), path) as one:
        assert one.live.current == Section(value=7, other=5)
        origin = one.kernel.config.explain("section.value").origin
        assert str(origin) == f"{server.url()}:2:9 @rev v1"
        assert (await one.degraded()).status is Status.PASS


async def test_without_a_url_nothing_is_opened_and_nothing_loaded():
    one = Running({})
    async with one.kernel:
        assert one.live.current == Section()
        assert "config_http" not in one.kernel.health.results
        assert [layer.name for layer in one.kernel.config.snapshot.layers] == ["memory_config"]


@pytest.mark.parametrize(
    ("content", "kind", "path"),
    [
        ('{"section": {"value": 3}}', "application/json; charset=utf-8", "/orders"),
        ("section:\n  value: 3\n", "application/yaml", "/orders"),
        ("section:\n  value: 3\n", "text/x-yaml", "/orders.toml"),
        ('{"section": {"value": 3}}', "application/vnd.acme+json", "/orders"),
        ("[section]\nvalue = 3\n", "text/plain", "/orders.toml?version=2"),
        ("[section]\nvalue = 3\n", None, "/orders.TOML"),
    ],
)
async def test_the_format_comes_from_the_content_type_or_else_the_suffix(server, content, kind, path):
    server.answer = document(content, kind=kind)
    async with running(server.url(path)) as one:
        assert one.live.current.value == 3


def test_the_format_that_is_asked_for_wins():
    formats = {".toml": 1, ".yaml": 2}
    assert reader_of("application/toml", ".toml", "YAML", formats) == 2
    assert reader_of("application/toml", ".toml", "ini", formats) is None
    assert reader_of("text/html", ".toml", None, formats) is None


async def test_a_page_in_place_of_a_document_is_refused(server):
    """A login page that a proxy gives with 200 is not parsed for settings."""
    server.answer = document("<html>log in</html>", kind="text/html")
    with pytest.raises(ConfigError, match=r"no format reads text/html; say which it is with plugins\.http\.format"):
        async with running(server.url()):
            pass


async def test_of_several_documents_the_later_wins(server):
    def answer(handler):
        content = {"/a.toml": "[section]\nvalue = 1\nother = 1\n", "/b.toml": text(2)}[handler.path]
        document(content)(handler)

    server.answer = answer
    one = Running({**FAST, "urls": [server.url("/a.toml"), server.url("/b.toml")]})
    async with one.kernel:
        assert one.live.current == Section(value=2, other=1)


async def test_the_settings_of_the_source_may_be_references(server):
    """A sealed header is opened before the first request."""

    class Vault:
        trivet_name = "vault"

        @hookimpl
        def register_resolvers(self, composition):
            return [Provider(name="vault", factory=Open)]

    server.answer = document(text(1))
    headers = {"Authorization": "vault:bearer"}
    async with running(server.url(), plugins=[Vault()], headers=headers):
        assert server.requests[0][2]["Authorization"] == "Bearer of bearer"


class Open:
    scheme, bare = "vault", True

    async def resolve(self, argument, context):
        assert context.path == ("plugins", "http", "headers", "Authorization")
        return Resolved(f"Bearer of {argument}", secret=True)


# -- polling --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "condition"),
    [({"etag": '"v1"'}, "If-None-Match"), ({"Last_Modified": "Tue, 24 Nov 2026 10:00:00 GMT"}, "If-Modified-Since")],
)
async def test_what_has_not_changed_is_neither_sent_nor_loaded_again(server, headers, condition):
    server.answer = document(text(1), **headers)
    async with running(server.url()) as one:
        await polls(server)
        assert condition not in server.requests[0][2]
        assert all(condition in sent for _, _, sent in server.requests[1:])
        assert len(one.of(ConfigReloaded, ConfigRejected)) == 1
        assert one.warnings == []


async def test_a_change_is_loaded_and_says_its_revision(server):
    server.answer = document(text(1), etag='"v1"')
    async with running(server.url()) as one:
        server.answer = document(text(2), etag='W/"v2"')
        await until(lambda: one.live.current.value == 2)
        assert one.of(ConfigReloaded)[-1].reason == f"http: new revision v2 of {server.url()}"
        assert one.kernel.config.explain("section.value").origin.revision == "v2"


async def test_a_new_tag_on_the_old_content_reloads_nothing(server):
    """And a server without tags is compared by content."""
    count = iter(range(10**6))

    def answer(handler):
        document(text(1), etag=f'"{next(count)}"')(handler)

    server.answer = answer
    async with running(server.url()) as one:
        layers = one.kernel.config.snapshot.layers
        await polls(server)
        server.answer = document(text(1))
        await polls(server)
        assert len(one.of(ConfigReloaded)) == 1
        assert one.kernel.config.snapshot.layers is layers  # a reload would have loaded them anew


async def test_a_broken_document_is_rejected_with_its_place_until_it_is_mended(server):
    server.answer = document(text(1), etag='"v1"')
    async with running(server.url()) as one:
        server.answer = document("[section]\nvalue = = 2\n", etag='"v2"')
        await until(lambda: one.of(ConfigRejected))
        assert one.of(ConfigRejected)[0].problems[0].startswith(f"{server.url()}:2:9 @rev v2: error: ")
        await polls(server)
        assert len(one.of(ConfigRejected)) == 1
        assert one.live.current.value == 1
        assert (await one.degraded()).status is Status.PASS  # the server is well; what is rejected is another check's
        server.answer = document(text(3), etag='"v3"')
        await until(lambda: one.live.current.value == 3)
        assert one.kernel.config.problems == ()


async def test_a_document_that_does_not_fit_the_schema_is_rejected_with_its_place(server):
    server.answer = document(text(1))
    async with running(server.url()) as one:
        server.answer = document("[section]\nother = -1\n", etag='"bad"')
        await until(lambda: one.of(ConfigRejected))
        (problem,) = one.of(ConfigRejected)[0].problems
        assert problem.startswith(f"{server.url()}:2:9 @rev bad: error: section.other: must be >= 0")
        assert one.live.current.value == 1


async def test_a_document_includes_no_files_of_this_machine(server, tmp_path):
    """Whoever runs the server must not read what only the service may: to a document from elsewhere the key is unknown."""
    local = tmp_path / "local.toml"
    local.write_text("[section]\nvalue = 9\n")
    server.answer = document(text(1))
    async with running(server.url()) as one:
        server.answer = document(f'include = ["{local}"]\n', etag='"v2"')
        await until(lambda: one.of(ConfigRejected))
        (problem,) = one.of(ConfigRejected)[0].problems
        assert (
            problem == f"{server.url()}:1:11 @rev v2: error: include: unknown key: nothing binds a section of this name"
        )
        assert one.live.current.value == 1
        assert local not in one.kernel.config.watched_paths()


async def test_a_change_of_the_settings_counts_at_once(server, other_server):
    """Another address, and none at all: what came from the old one goes."""
    server.answer, other_server.answer = document(text(1)), document(text(2))
    async with running(server.url()) as one:
        await one.says(**FAST, url=other_server.url(), headers={"X-New": "1"})
        await until(lambda: one.live.current.value == 2)
        assert other_server.requests[0][2]["X-New"] == "1"
        await one.says(**FAST)
        await until(lambda: one.live.current.value == 0)
        assert "config_http" not in one.kernel.health.results


async def test_a_load_that_is_given_up_does_not_hide_what_it_fetched(server):
    """The reload after it has the news."""
    server.answer = document(text(1), etag='"v1"')
    async with running(server.url(), interval=3600) as one:
        server.answer = document(text(2), etag='"v2"')
        with anyio.CancelScope() as scope:
            scope.cancel()
            await one.kernel.config.reload("given up")
        assert (await one.kernel.config.reload("once more")).changed == ("section.value",)
        assert one.live.current.value == 2


async def test_a_source_that_crashed_comes_back(server, monkeypatch):
    """Its supervisor starts it again, and it polls again: nothing of what was in force is lost meanwhile."""
    server.answer = document(text(1), etag='"v1"')

    async def crash(self):
        monkeypatch.undo()
        raise RuntimeError("a bug")

    async with running(server.url()) as one:
        monkeypatch.setattr(http_source.Http, "_look", crash)
        await until(lambda: any(event.state == "restarting" for event in one.of(ProviderStateChanged)))
        assert one.live.current.value == 1
        server.answer = document(text(2), etag='"v2"')
        await until(lambda: one.live.current.value == 2)


# -- limits ---------------------------------------------------------------------------------------------------------------


async def test_gzip_is_asked_for_and_read_in_as_many_members_as_come(server):
    content = gzip.compress(b"[section]\n") + gzip.compress(b"value = 4\n")
    server.answer = document(content, Content_Encoding="gzip")
    async with running(server.url()) as one:
        assert one.live.current.value == 4
        assert server.requests[0][2]["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("encoding", [None, "gzip"])
async def test_a_document_that_is_too_large_is_rejected(server, encoding):
    """A bomb of gzip too, without ever filling the memory: it is counted as it is decompressed."""
    server.answer = document(text(1))
    async with running(server.url(), max_bytes=100_000) as one:
        bomb = b"#" * 200_000 if encoding is None else gzip.compress(b"#" * 50_000_000)
        server.answer = document(bomb, etag='"big"', Content_Encoding=encoding)
        await until(lambda: one.of(ConfigRejected))
        (problem,) = one.of(ConfigRejected)[0].problems
        wanted = "larger than 100,000 bytes; raise plugins.http.max_bytes if it must be"
        assert problem == f"{server.url()} @rev big: error: {wanted}"
        assert one.live.current.value == 1


def test_a_bomb_is_found_at_the_first_byte_too_many():
    """However much one piece of it would become."""
    bomb = gzip.compress(b"#" * 50_000_000)
    body = Body("gzip", 100_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            body.feed(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def endless(handler):
    """Say a byte now and then, and never come to an end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while True:
        handler.wfile.write(b"#")
        handler.wfile.flush()
        time.sleep(0.02)


def cut(handler):
    """Hang up in the middle."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(text(2).encode())
    handler.close_connection = True


def without_length(handler):
    handler.protocol_version = "HTTP/1.0"
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(text(2).encode())
    handler.close_connection = True


def not_modified(handler):
    handler.send_response(304)
    handler.end_headers()


def in_circles(handler):
    handler.send_response(302)
    handler.send_header("Location", "/again.toml")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (endless, "gave no whole answer within 0.4 s"),
        (cut, "cannot be reached: RemoteProtocolError"),
        (without_length, "does not say how long its answer is"),
        (not_modified, "answers 304 Not Modified"),
        (in_circles, "redirects more than 5 times"),
        (document("", status=204), "answers 204 No Content"),
        (document("", status=404), "answers 404 Not Found"),
        (document("", status=401), "answers 401 Unauthorized; see to the credentials in plugins.http.headers"),
        (document("", status=599), "answers 599"),
        (document(b"x", Content_Encoding="br"), "answers in a content encoding that was not asked for"),
        (document(b"no gzip", Content_Encoding="gzip"), "answers with damaged gzip"),
        (document(gzip.compress(b"#" * 5000)[:-20], Content_Encoding="gzip"), "answers with gzip that is cut short"),
    ],
)
async def test_a_server_that_gives_no_document_takes_nothing_away(server, tmp_path, answer, reason):
    """What it said last stays in force, files still reload, health says since when, one warning comes; then all is well again."""
    path = tmp_path / "base.toml"
    path.write_text("[section]\nother = 1\n")
    server.answer = document(text(1), kind=None)
    async with running(server.url(), path, timeout=0.4) as one:
        server.answer = answer
        await until(lambda: one.warnings)
        verdict = await one.degraded()
        assert verdict.status is Status.WARN
        assert verdict.output.startswith(f"{server.url()}: {reason}")
        assert "(since 20" in verdict.output
        assert "stays in force" in verdict.output
        path.write_text("[section]\nother = 2\n")
        assert (await one.kernel.config.reload("file changed")).applied
        assert one.live.current == Section(value=1, other=2)
        server.answer = document(text(3), kind=None)
        await until(lambda: one.live.current == Section(value=3, other=2))
        assert (await one.degraded()).status is Status.PASS
        assert len(one.warnings) == 1
        assert one.of(ConfigRejected) == []


async def test_after_a_bad_document_a_server_that_fails_falls_back_to_the_good_one(server, tmp_path):
    """And when it answers again, its document is still bad and is said to be."""
    path = tmp_path / "base.toml"
    path.write_text("")
    server.answer = document(text(1), etag='"good"')
    async with running(server.url(), path) as one:
        server.answer = document("[", etag='"bad"')
        await until(lambda: one.of(ConfigRejected))
        server.answer = document("", status=500)
        await until(lambda: one.warnings)
        path.write_text("[section]\nother = 9\n")
        assert (await one.kernel.config.reload("file changed")).applied
        assert one.live.current == Section(value=1, other=9)
        server.answer = document("[", etag='"bad"')
        await until(lambda: len(one.of(ConfigRejected)) == 2)
        assert one.live.current == Section(value=1, other=9)


# -- back-off -------------------------------------------------------------------------------------------------------------


def test_the_pause_doubles_at_most_to_its_limit_with_full_jitter():
    rhythm = Rhythm(interval=1.0, max_backoff=60.0)
    for tries in (1, 3, 10, 5000):
        pauses = [rhythm.pause(Failure("", 0.0, tries, 0.0)) for _ in range(500)]
        assert max(pauses) <= min(60, 2**tries)
        assert min(pauses) < max(pauses) / 4
    assert all(0.9 <= rhythm.pause(None) <= 1.1 for _ in range(100))


def test_the_server_may_ask_to_be_left_alone_but_not_for_ever():
    rhythm = Rhythm(interval=1.0, max_backoff=60.0)
    assert all(rhythm.pause(Failure("", 0.0, 1, 20.0)) >= 20 for _ in range(100))
    assert rhythm.pause(Failure("", 0.0, 1, 1e9)) == 60


def test_a_time_to_come_back_is_a_number_or_a_date():
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    assert _retry_after("120") == 120
    assert 90 < _retry_after(later.strftime("%a, %d %b %Y %H:%M:%S GMT")) <= 100
    assert [_retry_after(word) for word in ("", "soon", "-5", "Tue, 24 Nov 1999 10:00:00 GMT")] == [0, 0, 0, 0]


async def test_a_server_is_left_alone_as_long_as_it_asks(server):
    server.answer = document(text(1))
    async with running(server.url(), max_backoff=30) as one:
        server.answer = document("", status=503, Retry_After="1")
        await until(lambda: one.warnings)
        count = len(server.requests)
        assert (await one.kernel.config.reload("a file changed")).applied  # asks nobody either
        await until(lambda: len(server.requests) > count)
        assert server.requests[count][0] - server.requests[count - 1][0] >= 1


# -- start without the server -----------------------------------------------------------------------------------------------


async def test_without_its_server_the_service_does_not_start(closed_port):
    url = f"http://127.0.0.1:{closed_port}/orders.toml"
    with pytest.raises(ConfigError) as caught:
        async with running(url):
            pass
    assert str(caught.value.problems[0]).startswith(f"{url}: error: cannot be reached: Connection refused; ")
    assert "plugins.http.cache_file, plugins.http.required" in str(caught.value)


def test_a_host_that_is_unknown_is_said_to_be():
    """Its error has numbers of its own."""
    assert _reason(socket.gaierror(-2, "Name or service not known")) == "cannot be reached: Name or service not known"


async def test_a_document_that_is_not_required_comes_when_its_server_does(server):
    server.answer = document(text(5))
    server.stop()
    one = Running({**FAST, "url": server.url(), "required": False})
    try:
        async with one.kernel:
            assert one.live.current.value == 0
            assert "the configuration goes without it" in one.warnings[0]
            assert (await one.degraded()).status is Status.WARN
            await anyio.to_thread.run_sync(server.start)
            await until(lambda: one.live.current.value == 5)
            assert (await one.degraded()).status is Status.PASS
    finally:
        if one.live.current.value != 5:
            server.start()


async def test_the_last_known_good_configuration_stands_in_until_the_server_is_back(server, tmp_path):
    """What a remote document may not refer to, it may not from there either."""

    def made():
        one = Running({**FAST, "url": server.url()}, plugins=[aes_gcm, key_file, sealed])
        environ = {"TRIVET_KEY_FILE": str(tmp_path / "remote.keys")}
        one.kernel.launch = Launch(last_known_good=tmp_path / "good.json", environ=environ)
        return one

    key_file.KeyFile(tmp_path / "remote.keys").create(suite=2)
    server.answer = document(text(5))
    async with made().kernel:
        await until((tmp_path / "good.json").exists)
    server.answer = document("", status=503)
    one = made()
    async with one.kernel:
        assert one.live.current.value == 5
        assert one.kernel.config.stand_in.sources == ("http",)
        assert any(layer.remote for layer in one.kernel.config.snapshot.layers)
        server.answer = document(text(6))
        await until(lambda: one.live.current.value == 6)
        assert one.kernel.config.stand_in is None


async def test_with_a_cache_it_starts_from_what_was_last_in_force_and_says_so(server, tmp_path):
    cache = tmp_path / "remote.json"
    server.answer = document(text(5), etag='"v5"')
    async with running(server.url(), cache_file=str(cache)) as one:
        await until(cache.exists)
        assert cache.stat().st_mode & 0o777 == 0o600
        server.answer = document("[section]\nother = -1\n", etag='"bad"')
        await until(lambda: one.of(ConfigRejected))
        await polls(server)
    server.answer = document("", status=502)
    async with running(server.url(), cache_file=str(cache)) as one:
        assert one.live.current.value == 5
        assert "answers 502 Bad Gateway" in one.warnings[0]
        assert "what was cached at 20" in one.warnings[0]
        verdict = await one.degraded()
        assert verdict.status is Status.WARN
        assert "what was cached at 20" in verdict.output
        revision = one.kernel.config.explain("section.value").origin.revision
        assert revision.startswith("v5 (cached 20")
        server.requests.clear()
        server.answer = document(text(5), etag='"v5"')
        await until(lambda: one.kernel.config.explain("section.value").origin.revision == "v5")
        assert server.requests[-1][2]["If-None-Match"] == '"v5"'
        assert (await one.degraded()).status is Status.PASS
        server.answer = document(text(6), etag='"v6"')
        before = cache.stat().st_mtime_ns
        await until(lambda: one.live.current.value == 6 and cache.stat().st_mtime_ns != before)


@pytest.mark.parametrize(
    "reference", ["${{file:{value}}}", "${{env:HOME}}", "${{env:NOTHING:-5}}", "${{file:/nowhere:-5}}"]
)
async def test_a_document_may_not_read_this_machines_files_and_variables(server, tmp_path, reference):
    """Whoever writes it would see through the configuration what only this machine may see. Not even a default helps."""
    value = tmp_path / "value"
    value.write_text("5")
    server.answer = document(text(f'"{reference.format(value=value)}"'), '"v5"')
    with pytest.raises(ConfigError, match=r"@rev v5: error: section.value: a remote document cannot"):
        async with running(server.url(), plugins=[resolve_file, resolve_env]):
            pytest.fail("started")


async def test_a_document_may_refer_to_what_a_local_file_reads(server, tmp_path):
    """The local file says what may be seen."""
    path = tmp_path / "base.toml"
    path.write_text('[section]\nother = "${env:HOME_NUMBER:-7}"\n')
    server.answer = document(text('"${section.other}"'), '"v5"')
    async with running(server.url(), path, plugins=[resolve_env]) as one:
        assert one.live.current == Section(value=7, other=7)


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [("{", 0o600, "is damaged"), ('{"trivet_http_cache": 9}', 0o600, "is damaged"), (None, 0o644, "is open to others")],
)
async def test_a_cache_that_cannot_be_trusted_is_not_used(server, tmp_path, content, mode, reason):
    cache = tmp_path / "remote.json"
    server.answer = document(text(5))
    async with running(server.url(), cache_file=str(cache)):
        await until(cache.exists)
    if content is not None:
        cache.write_text(content)
    cache.chmod(mode)
    server.answer = document("", status=500)
    one = Running({**FAST, "url": server.url(), "cache_file": str(cache)})
    with pytest.raises(ConfigError, match="500"):
        async with one.kernel:
            pass
    assert reason in one.warnings[0]


async def test_a_cache_of_another_address_is_not_used(server, tmp_path):
    cache = tmp_path / "remote.json"
    server.answer = document(text(5))
    async with running(server.url("/a.toml"), cache_file=str(cache)):
        await until(cache.exists)
    server.answer = document("", status=500)
    with pytest.raises(ConfigError):
        async with running(server.url("/b.toml"), cache_file=str(cache)):
            pass


async def test_a_cache_that_cannot_be_written_is_a_warning(server, tmp_path):
    server.answer = document(text(5))
    async with running(server.url(), cache_file=str(tmp_path / "absent" / "remote.json")) as one:
        await until(lambda: one.warnings)
        assert "cannot be written: No such file or directory" in one.warnings[0]
        await polls(server)
        assert len(one.warnings) == 1


# -- trust ------------------------------------------------------------------------------------------------------------------


async def test_a_redirect_is_followed_on_the_same_server_only(server, other_server):
    """The other server hears nothing, and so gets no header."""

    def answer(handler):
        if handler.path == "/new.toml":
            document(text(8))(handler)
        else:
            document("", status=307, Location="/new.toml")(handler)

    server.answer = answer
    async with running(server.url(), headers={"Authorization": "Bearer x"}) as one:
        assert one.live.current.value == 8
        server.answer = document("", status=302, Location=other_server.url())
        await until(lambda: one.warnings)
        assert "redirects to another server" in one.warnings[0]
    assert other_server.requests == []


@pytest.mark.parametrize(
    ("location", "follows"),
    [
        ("https://a:443/x", True),
        ("x", True),
        ("//a/x", True),
        ("http://a/x", False),
        ("https://a:444/x", False),
        ("https://b/x", False),
        ("ftp://a/x", False),
        ("https://[", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(location, follows):
    assert (Address.of(Secret("https://a/orders.toml")).follow(location) is not None) is follows


def certificate(tmp_path, host):
    """Make a self-signed certificate; returns the server's side of TLS, and the file that makes a client trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "trivet test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


async def test_a_certificate_is_verified(tmp_path):
    context, authority = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    server = Server(context)
    server.answer = document(text(6), etag='"tls"')
    try:
        async with running(server.url(), ca_file=str(authority)) as one:
            assert one.live.current.value == 6
            await polls(server)
        with pytest.raises(ConfigError, match="its certificate is refused: self-signed certificate"):
            async with running(server.url()):
                pass
    finally:
        server.stop()


async def test_a_certificate_for_another_host_is_refused(tmp_path):
    context, authority = certificate(tmp_path, x509.DNSName("elsewhere.test"))
    server = Server(context)
    server.answer = document(text(6))
    try:
        with pytest.raises(ConfigError, match="its certificate is refused: IP address mismatch"):
            async with running(server.url(), ca_file=str(authority)):
                pass
        assert server.requests == []
    finally:
        server.stop()


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), ("no pem", "holds no certificates")])
async def test_an_authority_that_cannot_be_read_is_named(tmp_path, closed_port, content, reason):
    authority = tmp_path / "ca.pem"
    if content is not None:
        authority.write_text(content)
    with pytest.raises(ConfigError, match=f"plugins.http.ca_file .*ca.pem cannot be used: {reason}"):
        async with running(f"https://127.0.0.1:{closed_port}/", ca_file=str(authority)):
            pass


async def test_plain_http_from_another_machine_is_a_warning(server):
    server.answer = document(text(1))
    async with running(server.url().replace("127.0.0.1", "0.0.0.0")) as one:
        assert one.live.current.value == 1
        assert "over plain HTTP anyone on the way can change the configuration" in one.warnings[0]


async def test_no_secret_is_shown(server, caplog):
    """Neither user, password and query of the URL nor a header is in any text, whether the server answers or fails.

    Nor in the log of the HTTP client, which is fond of whole URLs.
    """
    caplog.set_level("DEBUG")
    secrets = ("user-of-url", "password-of-url", "query-of-url", "bearer-of-header")
    url = server.url("/orders.toml?sig=query-of-url").replace("://", "://user-of-url:password-of-url@")
    server.answer = document(text(1), etag='"v1"')
    async with running(url, headers={"authorization": "bearer-of-header"}) as one:
        assert server.requests[0][1] == "/orders.toml?sig=query-of-url"
        assert server.requests[0][2]["Authorization"] == f"Basic {b64encode(b'user-of-url:password-of-url').decode()}"
        assert "authorization" not in server.requests[0][2]
        server.answer = document("= broken")
        await until(lambda: one.of(ConfigRejected))
        server.answer = document("", status=500)
        await until(lambda: one.warnings)
        kernel = one.kernel
        shown = [one.events, kernel.config.show(), kernel.config.problems, await one.degraded(), kernel.plugins()]
        shown += [
            kernel.config.explain("section.value"),
            kernel.config.explain("plugins.http.url"),
            kernel.config.snapshot,
        ]
        shown += [kernel.provided("config_source")["http"]._config]
    everything = "".join(map(repr, shown)) + "".join(map(str, shown)) + caplog.text
    assert [secret for secret in secrets if secret in everything] == []
    assert server.url() in everything


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"url": "orders-secret.toml"}, "it must begin with https:// or http:// and name a host"),
        ({"url": "https:///secret"}, "it must begin with https:// or http:// and name a host"),
        ({"url": "https://host:secret/"}, "it must begin with https:// or http:// and name a host"),
        ({"url": "https://host/sec ret"}, "it must begin with https:// or http:// and name a host"),
        ({"urls": ["ftp://secret/"]}, "it must begin with https:// or http:// and name a host"),
        ({"headers": {"X": "secret\nY: 1"}}, "values printable ASCII"),
        ({"headers": {"X": "secret\u00e9"}}, "values printable ASCII"),
        ({"headers": {"X secret": "1"}}, "names must be tokens"),
        ({"headers": {"if-none-match": "secret"}}, "are the source's own"),
        ({"interval": 0}, "must be > 0"),
        ({"timeout": 60}, "must be <= 9"),
    ],
)
async def test_a_setting_that_cannot_be_is_refused_without_being_shown(settings, reason):
    with pytest.raises(ConfigError) as caught:
        async with Running(settings).kernel:
            pass
    assert reason in str(caught.value)
    assert "ecret" not in str(caught.value).replace("Xsecret", "").replace("X secret", "")


async def test_the_layer_ranks_between_files_and_what_the_process_is_started_with(server):
    server.answer = document(text(1))
    async with running(server.url()) as one:
        layer = next(layer for layer in one.kernel.config.snapshot.layers if layer.name == "http")
        assert 300 < layer.priority < 500 < COMMAND_LINE
