"""What the pages under ``/config`` tell, and the orders there, over real sockets: who may give them, what they do."""

from __future__ import annotations

import json

import anyio
import attrs
import httpx
import pytest

import trivet_plugins.config.json as json_plugin
import trivet_plugins.config.toml as toml_plugin
import trivet_plugins.config.yaml as yaml_plugin
from trivet import Secret
from trivet.config.veto import Veto
from trivet.events import ConfigPinned, ConfigReloaded
from trivet.testing import memory_config
from trivet_plugins.web import WebServer, order

TOKEN = "correct-horse-battery-staple"
NO_SECRET = Secret("")
ORDERS = {
    "/config/reload": {},
    "/config/rollback": {"generation": 1},
    "/config/pin": {},
    "/config/unpin": {},
    "/config/override": {"values": {"database.size": 9}},
    "/config/override/remove": {"id": 1},
}


@attrs.frozen
class Database:
    """A section with a secret."""

    size: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    password: Secret[str] = NO_SECRET


@pytest.fixture
def service(served):
    """Start a kernel with a section whose values the test sets; gives the kernel, a client, and what sets them."""

    async def start(section=None):
        settings = memory_config({}, name="settings")
        kernel, client = await served(section, plugins=[settings, json_plugin, toml_plugin, yaml_plugin])
        kernel.config.bind("database", Database)
        settings.data = {"database": {"size": 4}}
        await kernel.config.reload("bound")

        async def put(**values):
            settings.data = {"database": values}
            await kernel.config.reload("file changed: settings")

        return kernel, client, put

    return start


async def test_the_history_is_listed(service):
    kernel, client, put = await service()
    await put(size=5, password="hunter2")
    await kernel.config.override({"database.size": 6}, actor="alice", expires_in=60)
    await kernel.config.pin(actor="bob")
    async with client:
        body = (await client.get("/config/history")).json()
    assert body["generation"] == kernel.config.generation
    assert (body["pinned"]["actor"], body["pinned"]["held"]) == ("bob", 0)
    assert [(one["actor"], one["paths"]) for one in body["overrides"]] == [("alice", ["database.size"])]
    last, before = body["history"][-1], body["history"][-2]
    assert (last["reason"], last["actor"], last["changed"]) == ("override by alice", "alice", ["database.size"])
    assert (before["reason"], before["actor"]) == ("file changed: settings", None)
    assert "hunter2" not in str(body)


async def test_two_generations_are_compared(service):
    kernel, client, put = await service()
    before = kernel.config.generation
    await put(size=5, password="hunter2")
    async with client:
        body = (await client.get("/config/diff", params={"from": before})).json()
        same = (await client.get("/config/diff", params={"from": before, "to": before})).json()
    assert (body["before"], body["after"]) == (f"generation {before}", f"generation {before + 1}")
    rows = {row["path"]: row for row in body["differences"]}
    assert rows["database.size"]["before"]["value"] == 4
    assert rows["database.size"]["after"] == {
        "value": 5,
        "origin": {"layer": "settings", "source": "settings", "line": None, "column": None},
    }
    assert rows["database.password"]["after"]["value"] == "***"
    assert same["differences"] == []


async def test_a_value_is_explained_as_it_was(service):
    kernel, client, put = await service()
    before = kernel.config.generation
    await put(size=5)
    async with client:
        now = (await client.get("/config/explain", params={"path": "database.size"})).json()
        then = (await client.get("/config/explain", params={"path": "database.size", "at": before})).json()
    assert (now["path"], now["value"], now["origin"]["source"]) == ("database.size", 5, "settings")
    assert (then["value"], then["shadowed"]) == (4, [])


async def test_every_value_is_listed_with_its_place_now_and_then(service):
    """``/config/values`` and ``/config`` agree; ``at`` looks into the history."""
    kernel, client, put = await service()
    before = kernel.config.generation
    await put(size=5, password="hunter2")
    async with client:
        body = (await client.get("/config/values")).json()
        then = (await client.get("/config", params={"at": before})).json()
    rows = {row["path"]: row for row in body["values"]}
    assert rows["database.size"]["value"] == 5
    assert rows["database.size"]["origin"]["source"] == "settings"
    assert rows["database.password"]["value"] == "***"
    assert (then["generation"], then["config"]["database"]["size"]) == (before, 4)


async def test_documents_are_written_without_secrets(service):
    """An export in any format and of any generation; no parameter reveals a secret. The schema is JSON."""
    kernel, client, put = await service()
    before = kernel.config.generation
    await put(size=5, password="hunter2")
    async with client:
        for query in ("", "?format=yaml", "?format=json&origins=1", "?reveal=1", "?redact=0", "?origins="):
            response = await client.get(f"/config/export{query}")
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/plain")
            assert "***" in response.text
            assert "hunter2" not in response.text
        then = await client.get("/config/export", params={"at": before, "origins": 1})
        assert "size = 4  # settings" in then.text
        schema = (await client.get("/config/schema?partial=1")).json()
    assert '"minimum": 1' in json.dumps(schema)


async def test_what_keeps_a_change_out_is_told_in_rows(service):
    """``/config/problems`` is empty while the sources are in force, and empty again once they are mended."""
    _, client, put = await service()
    async with client:
        assert (await client.get("/config/problems")).json()["problems"] == []
        await put(size=0, password="hunter2")
        body = (await client.get("/config/problems")).json()
        assert body["problems"] == [
            {
                "file": "settings",
                "line": None,
                "column": None,
                "path": "database.size",
                "message": "must be >= 1, got 0",
            }
        ]
        await put(size=6)
        assert (await client.get("/config/problems")).json()["problems"] == []


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/config?at=99", 404, "generation 99 is not in the history"),
        ("/config/values?at=0x1", 400, "at is the number of a generation"),
        ("/config/export?format=ini", 400, "there is no format 'ini'; there is"),
        ("/config/export?origins=yes", 400, "origins is 0 or 1"),
        ("/config/diff", 400, "say which generations"),
        ("/config/diff?from=x", 400, "from is the number of a generation"),
        ("/config/diff?from=99", 404, "generation 99 is not in the history; 1 to"),
        ("/config/explain?path=database.sise", 404, "did you mean"),
        ("/config/explain?path=a..b", 400, "that is no path"),
        ("/config/explain?path=database.size&at=99", 404, "generation 99"),
    ],
)
async def test_what_is_not_there_is_said(service, path, status, text):
    _, client, _ = await service()
    async with client:
        response = await client.get(path)
    assert response.status_code == status
    assert text in response.text


async def test_a_rollback_is_done_and_says_by_whom(service):
    kernel, client, put = await service()
    live = kernel.config.bind("database", Database)
    seen = []
    kernel.observe(seen.append)
    before = kernel.config.generation
    await put(size=5)
    async with client:
        body = {"generation": before, "actor": "alice", "reason": "too many"}
        done = await client.post("/config/rollback", json=body)
        await put(size=8)
        held = await client.post("/config/reload", json={"actor": "bob"})
        freed = await client.post("/config/unpin", json={"actor": "carol"})
    assert (done.status_code, done.json()) == (
        200,
        {"applied": True, "generation": before + 2, "changed": ["database.size"], "problems": []},
    )
    assert held.status_code == 409
    assert "is pinned by alice at 127.0.0.1" in held.json()["problems"][0]
    assert (freed.status_code, live.current.size) == (200, 8)
    reasons = [(one.reason, one.actor) for one in seen if isinstance(one, ConfigReloaded)]
    assert reasons[1:] == [
        (f"rollback to {before} by alice at 127.0.0.1: too many", "alice at 127.0.0.1"),
        ("unpin by carol at 127.0.0.1", "carol at 127.0.0.1"),
    ]
    assert [one.pinned for one in seen if isinstance(one, ConfigPinned)] == [True, False]


async def test_a_reload_that_is_rejected_is_a_conflict(service):
    kernel, client, _ = await service()
    kernel.config.bind("other", Database)
    await kernel.config.override({"other.size": 5})

    class Refusing:
        async def prepare(self, _old, _new):
            raise Veto("not today")

        async def commit(self):
            """Nothing to do."""

        async def rollback(self):
            """Nothing to do."""

    kernel.config.add_participant("pool", Refusing())
    async with client:
        refused = await client.post("/config/rollback", json={"generation": 1})
    assert (refused.status_code, refused.json()["applied"]) == (409, False)
    assert "pool refused the reload: not today" in refused.json()["problems"][0]


async def test_values_are_overridden_for_a_while_and_given_back(service):
    kernel, client, _ = await service()
    live = kernel.config.bind("database", Database)
    async with client:
        order_ = {"values": {"database.size": 9}, "expires_in": 600, "actor": "alice"}
        made = await client.post("/config/override", json=order_)
        assert (made.status_code, live.current.size) == (200, 9)
        assert made.json()["override"]["actor"] == "alice at 127.0.0.1"
        bad = await client.post("/config/override", json={"values": {"database.size": 0}})
        assert (bad.status_code, live.current.size) == (409, 9)
        assert "must be >= 1, got 0" in bad.json()["problems"][0]
        gone = await client.post("/config/override/remove", json={"id": made.json()["override"]["id"]})
        assert (gone.status_code, live.current.size) == (200, 4)


async def test_an_override_of_a_running_service_expires(service):
    """The kernel ends it, with no file changing and nobody asking."""
    kernel, client, _ = await service()
    live = kernel.config.bind("database", Database)
    async with client:
        order_ = {"values": {"database.size": 9}, "expires_in": 0.2}
        assert (await client.post("/config/override", json=order_)).status_code == 200
    with anyio.fail_after(10):
        while live.current.size == 9:
            await anyio.sleep(0.01)
    assert (live.current.size, kernel.config.overrides()) == (4, ())


@pytest.mark.parametrize("path", ORDERS)
async def test_orders_need_the_token(service, path):
    kernel, client, _ = await service({"token": TOKEN})
    generation = kernel.config.generation
    async with client:
        missing = await client.post(path, json=ORDERS[path])
        wrong = await client.post(path, json=ORDERS[path], headers={"authorization": "Bearer wrong"})
        assert (missing.status_code, wrong.status_code) == (401, 401)
        assert (kernel.config.generation, kernel.config.pinned, kernel.config.overrides()) == (generation, None, ())
        right = await client.post(path, json=ORDERS[path], headers={"authorization": f"Bearer {TOKEN}"})
    assert right.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example"},
        {"x-forwarded-for": "10.0.0.1"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
@pytest.mark.parametrize("path", ORDERS)
async def test_a_page_of_another_site_gives_no_orders(service, path, headers):
    """Whatever a browser on this machine can be made to send."""
    kernel, client, _ = await service()
    generation = kernel.config.generation
    async with client:
        response = await client.post(path, json=ORDERS[path], headers=headers)
    assert response.status_code in (403, 415, 421)
    assert (kernel.config.generation, kernel.config.pinned, kernel.config.overrides()) == (generation, None, ())


async def test_our_own_pages_may_give_orders(service):
    kernel, client, _ = await service()
    origin = kernel.service(WebServer).url.rstrip("/")
    async with client:
        response = await client.post(
            "/config/pin", json={}, headers={"origin": origin, "sec-fetch-site": "same-origin"}
        )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/config/rollback", b"{}", 400, "'generation' is missing"),
        ("/config/rollback", b'{"generation": "1"}', 400, "'generation' is of the wrong type"),
        ("/config/rollback", b'{"generation": true}', 400, "'generation' is of the wrong type"),
        ("/config/rollback", b'{"generation": 99}', 404, "generation 99"),
        ("/config/rollback", b'{"generaton": 1}', 400, "unknown field 'generaton'"),
        ("/config/rollback", b"[1]", 400, "not a JSON object"),
        ("/config/rollback", b'{"generation": ', 400, "not JSON"),
        ("/config/rollback", b"[" * 60_000, 400, "not JSON"),
        ("/config/rollback", b'{"generation": 1, "reason": "two\\nlines"}', 400, "reason must be one printable line"),
        ("/config/pin", b'{"actor": "\\u001b[31m"}', 400, "actor is a printable name"),
        ("/config/pin", b'{"actor": ""}', 400, "actor is a printable name"),
        ("/config/pin", b" " * (order.MAX_BODY + 1), 413, "more than 65536 bytes"),
        ("/config/override", b'{"values": {}}', 400, "at least one value"),
        ("/config/override", b'{"values": {"a..b": 1}}', 400, "is no path"),
        ("/config/override", b'{"values": {"database.size": 1}, "expires_in": -1}', 400, "expires_in"),
        ("/config/override", b'{"values": {"database.size": 1}, "expires_in": NaN}', 400, "expires_in"),
    ],
)
async def test_orders_that_make_no_sense_are_refused(service, path, body, status, text):
    kernel, client, _ = await service()
    generation = kernel.config.generation
    async with client:
        response = await client.post(path, content=body, headers={"content-type": "application/json"})
    assert (response.status_code, text in response.text) == (status, True), response.text
    assert (kernel.config.generation, kernel.config.pinned, kernel.config.overrides()) == (generation, None, ())


async def test_a_body_that_does_not_come_holds_nobody_up(service, monkeypatch):
    monkeypatch.setattr(order, "BODY_SECONDS", 0.1)
    kernel, client, _ = await service()
    head = (
        "POST /config/pin HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    )
    async with client, await anyio.connect_tcp(*kernel.service(WebServer).address) as stream:
        await stream.send(head.encode())
        with anyio.fail_after(20):
            answer = await stream.receive()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert kernel.config.pinned is None


async def test_orders_are_posts_only(service):
    kernel, client, _ = await service()
    async with client:
        for path in ORDERS:
            for method in ("GET", "PUT", "DELETE"):
                assert (await client.request(method, path)).status_code == 405
        assert (await client.post("/config/history")).status_code == 405
    assert kernel.config.pinned is None


async def test_a_warning_stands_while_a_generation_is_pinned(service):
    """Nobody must wonder why files change nothing."""
    import trivet_plugins.monitoring.kernel as watch

    kernel, client, put = await service()
    check = watch.ConfigurationCheck(kernel)
    assert await check.check() is None
    async with client:
        await client.post("/config/pin", json={"actor": "alice"})
    await put(size=8)
    text = (await check.check()).output
    assert "is pinned by alice at 127.0.0.1" in text
    assert "reloads held back: 1, the last for file changed: settings; unpin to reload" in text
    await kernel.config.unpin()
    assert await check.check() is None


async def test_pages_before_the_load_say_so():
    """An application mounts the pages before its kernel starts."""
    from trivet import Kernel
    from trivet_plugins.web import AdminApp

    app = AdminApp(Kernel("orders", discover="none"), token=Secret(TOKEN))
    headers = {"authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        for page in ("", "/values", "/export", "/problems", "/history"):
            assert (await client.get(f"/config{page}")).status_code == 503
        assert (await client.get("/config/diff?from=1")).status_code == 503
        assert (await client.post("/config/pin", json={})).status_code == 503
