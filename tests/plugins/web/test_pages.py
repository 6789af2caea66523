"""What the admin pages answer, over real sockets."""

from __future__ import annotations

import contextlib
import gzip
import json

import anyio
import attrs
import httpx
import pytest

import trivet_plugins.config.toml as toml_plugin
import trivet_plugins.monitoring.tracer as tracer_plugin
import trivet_plugins.web as web_plugin
from trivet import Kernel, Provider, Secret, Status, Verdict, hookimpl
from trivet_plugins.web import AdminApp, WebServer

TOKEN = "correct-horse-battery-staple"
ASKED = ["values", "export", "schema", "problems", "history", "diff?from=1", "explain?path=plugins.web.port"]
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
GUARDED = ["/", "/health", "/metrics", "/plugins", "/config", *(f"/config/{name}" for name in ASKED)]
PROBES = ["/livez", "/readyz", "/startupz"]


@attrs.frozen
class Database:
    """A section with a secret."""

    url: str
    password: Secret[str]


class Exporter:
    """Writes the names of the metrics, in chunks."""

    def __init__(self, media_type, chunks=3):
        self.media_type = media_type
        self.chunks = chunks

    def encode(self, families):
        names = " ".join(family.name for family in families)
        for number in range(self.chunks):
            yield f"{number} {self.media_type.partition(';')[0]} {names}\n".encode()


class Exporters:
    """A plugin with exporters."""

    def __init__(self, *exporters):
        self.exporters = exporters

    @hookimpl
    def register_metric_exporters(self, composition):
        return [Provider(name=f"exporter_{n}", factory=lambda one=one: one) for n, one in enumerate(self.exporters)]


TEXT = Exporter("text/plain; version=0.0.4; charset=utf-8")
OPENMETRICS = Exporter("application/openmetrics-text; version=1.0.0; charset=utf-8")


async def get(client, path, **headers):
    async with client:
        return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_probes_of_a_sound_service_say_ok(served):
    """Kubernetes gets 200 and one word."""
    _, client = await served()
    async with client:
        for path in PROBES:
            response = await client.get(path)
            assert (response.status_code, response.text) == (200, "ok\n")
            assert response.headers["content-type"].startswith("text/plain")


async def test_a_failing_check_takes_readiness_and_not_liveness(served, kernel_factory):
    """A failed check of the group ready gives 503 there; the process is still alive."""
    kernel, client = await served()

    async def broken():
        return Verdict(Status.FAIL, "the database at db.internal is down")

    kernel.health.check("database", groups={"ready"})(broken)
    await kernel.health.refresh()
    async with client:
        ready, live = await client.get("/readyz"), await client.get("/livez")
        verbose = await client.get("/readyz?verbose")
    assert (ready.status_code, ready.text) == (503, "failed\n")
    assert live.status_code == 200
    assert "[-]database failed: the database at db.internal is down" in verbose.text


async def test_probes_tell_strangers_nothing(served):
    """Without the token a probe is one word, whatever is asked."""
    _, client = await served({"token": TOKEN})
    async with client:
        assert (await client.get("/readyz?verbose")).text == "ok\n"
        verbose = await client.get("/readyz?verbose", headers={"authorization": f"Bearer {TOKEN}"})
    assert verbose.text.startswith("kernel running\n")


async def test_probes_answer_under_any_name(served):
    """The kubelet asks by the pod's address, a mesh by a service's name: a probe answers both."""
    _, client = await served()
    assert (await get(client, "/livez", host="pod-7.orders.svc")).status_code == 200


async def test_all_else_needs_the_token(served):
    """Where a token is set, each page wants it, from this machine too."""
    kernel, client = await served({"token": TOKEN}, plugins=[Exporters(TEXT), toml_plugin])
    async with client:
        for path in GUARDED:
            without = await client.get(path)
            wrong = await client.get(path, headers={"authorization": "Bearer correct-horse-battery-stapler"})
            right = await client.get(path, headers={"authorization": f"Bearer {TOKEN}"})
            assert (without.status_code, wrong.status_code, right.status_code) == (401, 401, 200)
            assert kernel.name not in without.text


async def test_too_many_wrong_tokens_are_answered_429(served):
    """Over a socket: with Retry-After, from one address, on all pages together; the probes go on."""
    _, client = await served({"token": TOKEN, "attempts": 3})
    async with client:
        answers = [await client.get(path, headers={"authorization": "Bearer wrong"}) for path in GUARDED[:5]]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
        assert answers[-1].headers["cache-control"] == "no-store"
        assert (await client.get("/config", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 429
        assert [(await client.get(path)).status_code for path in PROBES] == [200] * 3


async def test_a_body_that_nobody_asked_for_is_not_read(served):
    """A GET with a gigabyte behind it costs an answer and no memory: the connection's flow control holds the rest back."""
    kernel, _ = await served()
    head, sent = b"GET /plugins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n", 0
    async with await anyio.connect_tcp(*kernel.service(WebServer).address) as stream:
        await stream.send(head)
        assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        with contextlib.suppress(anyio.BrokenResourceError), anyio.move_on_after(1):
            while sent < 2**30:
                await stream.send(b"x" * 65_536)
                sent += 65_536
    assert sent < 64 * 2**20, sent
    async with httpx.AsyncClient(base_url=kernel.service(WebServer).url) as another:
        assert (await another.get("/livez")).status_code == 200


async def test_a_rebound_name_is_not_answered(served):
    """A web page whose name resolves to 127.0.0.1 gets nothing to read."""
    _, client = await served()
    async with client:
        for path in GUARDED:
            assert (await client.get(path, headers={"host": "evil.example"})).status_code == 421


async def test_a_configured_name_is_answered(served):
    """``allowed_hosts`` adds names."""
    _, client = await served({"allowed_hosts": ["orders.internal"]})
    assert (await get(client, "/plugins", host="orders.internal:9310")).status_code == 200


async def test_nothing_can_be_changed(served):
    """The pages are read-only."""
    _, client = await served()
    async with client:
        for path in [*GUARDED, *PROBES]:
            for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
                assert (await client.request(method, path)).status_code == 405, (method, path)


async def test_every_answer_carries_the_security_headers(served):
    """Nothing is cached, sniffed, framed or allowed to load more; refusals and the unknown included."""
    _, client = await served(plugins=[Exporters(TEXT)])
    async with client:
        for path in [*GUARDED, *PROBES, "/nothing-here"]:
            for host in ("localhost", "evil.example"):
                headers = (await client.get(path, headers={"host": host, "accept": "text/html,*/*;q=0.5"})).headers
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["cache-control"] == "no-store"
                assert headers["referrer-policy"] == "no-referrer"
                assert headers["x-frame-options"] == "DENY"
                assert headers["cross-origin-resource-policy"] == "same-origin"
                assert headers["cross-origin-opener-policy"] == "same-origin"
                assert headers["content-security-policy"].startswith("default-src 'none'; frame-ancestors 'none'")
                assert "access-control-allow-origin" not in headers
                assert "server" not in headers


async def test_head_is_get_without_a_body(served):
    """HEAD gives the status and the headers."""
    _, client = await served(plugins=[Exporters(TEXT), toml_plugin])
    async with client:
        for path in [*GUARDED, *PROBES]:
            head, full = await client.head(path), await client.get(path)
            assert head.status_code == full.status_code == 200
            assert head.headers["content-type"] == full.headers["content-type"]
            assert head.content == b""


async def test_health_lists_the_checks(served):
    """``/health`` is application/health+json with every check; a group narrows it; an unknown one is named."""
    kernel, client = await served()

    async def fine():
        return Verdict(observed={"free_bytes": 5.0})

    kernel.health.check("disk", groups={"ready"})(fine)
    await kernel.health.refresh()
    async with client:
        response = await client.get("/health")
        live = await client.get("/health?group=live")
        unknown = await client.get("/health?group=lives")
    assert response.headers["content-type"] == "application/health+json"
    assert response.json()["status"] == "pass"
    assert response.json()["serviceId"] == kernel.name
    assert "disk:free_bytes" in response.json()["checks"]
    assert "disk:free_bytes" not in live.json()["checks"]
    assert unknown.status_code == 404
    assert "live" in unknown.text


async def test_config_shows_what_is_in_force(served, kernel_factory):
    """``/config`` has generation, fingerprint and the effective values, and no secret's text."""
    config = {"plugins": {"web": {"port": 0}}, "database": {"url": "sqlite:x.db", "password": "hunter2-hunter2"}}
    kernel = kernel_factory.make(config, plugins=[web_plugin])
    kernel.config.bind("database", Database)
    await kernel_factory.start(kernel)
    async with httpx.AsyncClient(base_url=kernel.service(WebServer).url) as client:
        response = await client.get("/config")
    body = response.json()
    assert "hunter2" not in response.text
    assert body["config"]["database"] == {"url": "sqlite:x.db", "password": "***"}
    assert body["generation"] == 1
    assert body["fingerprint"] == kernel.config.fingerprint != ""
    assert body["problems"] == []


async def test_the_token_is_not_in_the_configuration_page(served):
    """The page's own token is a secret like any other."""
    _, client = await served({"token": TOKEN})
    response = await get(client, "/config", authorization=f"Bearer {TOKEN}")
    assert response.status_code == 200
    assert TOKEN not in response.text


async def test_plugins_lists_the_providers(served):
    """``/plugins`` has exactly the keys that scripts rely on."""
    kernel, client = await served()
    rows = (await get(client, "/plugins")).json()
    keys = ["id", "kind", "plugin", "distribution", "version", "state", "replaces", "error"]
    assert all(list(row) == keys for row in rows)
    assert [row["id"] for row in rows] == [row.id for row in kernel.plugins()]
    assert next(row for row in rows if row["id"] == "service/web")["state"] == "running"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", TEXT),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPENMETRICS),
        ("text/plain", TEXT),
    ],
)
async def test_metrics_come_in_the_format_that_is_asked_for(served, accept, expected):
    """The exporter is chosen by Accept; who does not mind gets the text format, in whatever order the plugins came."""
    _, client = await served(plugins=[Exporters(OPENMETRICS, TEXT)])
    response = await get(client, "/metrics", accept=accept, accept_encoding="identity")
    assert response.headers["content-type"] == expected.media_type
    assert response.headers["vary"] == "accept, accept-encoding"
    assert [line[0] for line in response.text.splitlines()] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4;escaping=underscores", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4;escaping=dots", "text/plain; version=0.0.4; charset=utf-8; escaping=dots"),
        (
            PROMETHEUS_3,
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3",
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
async def test_the_escaping_of_names_is_negotiated_too(served, accept, content_type):
    """As Prometheus 2 and 3 ask; who does not ask gets names that every reader takes."""
    kernel, client = await served(plugins=["prometheus", "openmetrics"])
    kernel.metrics.utf8_names = True
    kernel.metrics.counter("http.requests", "R.").inc()
    response = await get(client, "/metrics", accept=accept)
    assert response.headers["content-type"] == content_type
    name = {"allow-utf-8": '{"http.requests_total"}', "dots": "http_dot_requests__total"}
    assert f"\n{name.get(content_type.partition('escaping=')[2], 'http_requests_total')} 1\n" in response.text


async def test_a_scrape_may_ask_for_some_metrics_only(served):
    """``?name[]=``, by the names of samples, as prometheus_client understands it."""
    kernel, client = await served(plugins=["prometheus"])
    kernel.metrics.counter("some", "S.").inc()
    kernel.metrics.histogram("other", "O.").observe(1)
    async with client:
        text = (await client.get("/metrics?name[]=some_total&name[]=other_bucket")).text
        none = (await client.get("/metrics?name[]=nothing")).text
    assert {line.split("{")[0].split()[0] for line in text.splitlines() if line[0] != "#"} == {
        "some_total",
        "other_bucket",
        "other_sum",
        "other_count",
    }
    assert none == ""


async def test_a_format_that_nobody_writes_is_refused(served):
    """406 names the formats that there are."""
    _, client = await served(plugins=[Exporters(TEXT)])
    response = await get(client, "/metrics", accept="application/json")
    assert response.status_code == 406
    assert TEXT.media_type in response.text


async def test_without_an_exporter_metrics_say_so(served):
    """503 says what to enable."""
    _, client = await served()
    response = await get(client, "/metrics")
    assert response.status_code == 503
    assert "prometheus" in response.text


async def test_a_large_scrape_is_streamed_and_packed(served):
    """Chunks go out one by one, packed where the client takes gzip, and are whole at the other end."""
    exporter = Exporter("text/plain; version=0.0.4", chunks=2000)
    kernel, client = await served(plugins=[Exporters(exporter)])
    expected = b"".join(exporter.encode(kernel.metrics.families()))
    async with client, client.stream("GET", "/metrics", headers={"accept-encoding": "gzip"}) as response:
        packed = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers["content-encoding"] == "gzip"
    assert "content-length" not in response.headers
    assert gzip.decompress(packed) == expected


async def test_the_index_is_a_page_for_people_and_json_for_the_rest(served):
    """A browser gets HTML whose links lead somewhere, anything else JSON."""
    kernel, client = await served(plugins=[Exporters(TEXT), toml_plugin, tracer_plugin, "history"])
    async with client:
        page = await client.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        data = (await client.get("/")).json()
        for path in data["endpoints"]:
            assert f'href="{path[1:]}"' in page.text
            assert (await client.get(path)).status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert f"<h1>{kernel.name}</h1>" in page.text
    assert data["state"] == "running"


async def test_a_websocket_is_turned_away():
    """There is nothing to talk about."""
    sent = []

    async def send(message):
        sent.append(message)

    await AdminApp(Kernel("orders", discover="none"))({"type": "websocket", "path": "/"}, None, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_the_pages_are_json_that_any_reader_takes(served):
    """No NaN, no Infinity: a strict reader takes all of it."""

    def refuse(text):
        raise AssertionError(text)

    _, client = await served()
    async with client:
        for path in ("/", "/health", "/config", "/plugins"):
            json.loads((await client.get(path)).text, parse_constant=refuse)
