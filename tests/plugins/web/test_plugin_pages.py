"""The pages that plugins bring: there while their provider runs, behind the guard, their orders written down."""

from __future__ import annotations

import httpx
import pytest

import trivet_plugins.web as web_plugin
from trivet import AdminAnswer, AdminPage, Provider, hookimpl
from trivet_plugins.web import WebServer

FORM = "application/x-www-form-urlencoded"
TOKEN = "a token of sixteen or more"


class Pages:
    def __init__(self):
        self.asked = []
        self._pages = (
            AdminPage("/echo/{name}/value", answer=self.echo, summary="What was asked.", form=True),
            AdminPage("/change", answer=self.change, order="change_it", takes={"to": str}, needs={"to"}),
            AdminPage("/listed", answer=self.echo, summary="A page <b>with</b> a summary."),
            AdminPage("/health", answer=self.echo, summary="Not this one."),
        )

    def pages(self):
        return self._pages

    async def echo(self, request):
        self.asked.append(request)
        return AdminAnswer.json(
            {"method": request.method, "path": request.path, **request.params, "query": [*map(list, request.query)]}
        )

    async def change(self, request):
        self.asked.append(request)
        if request.fields["to"] == "bad":
            return AdminAnswer("not that\n", 409)
        return AdminAnswer.json({"to": request.fields["to"], "by": request.actor, "why": request.reason})


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture
def plugin(pages):
    class Brings:
        trivet_name = "brings"

        @staticmethod
        @hookimpl
        def register_admin_pages(composition):
            return [Provider(name="mine", factory=lambda: pages)]

    return Brings


class Log:
    """Stands in for the audit log: what is recorded, in order."""

    def __init__(self, kernel, monkeypatch):
        self.records = []
        original = kernel.ciphers.operation

        def operation(name, target, **options):
            made = original(name, target, **options)
            self.records.append((name, target, options.get("actor")))
            return made

        monkeypatch.setattr(kernel.ciphers, "operation", operation)


async def test_a_page_gets_its_path_its_query_and_its_form(served, plugin):
    _, client = await served(plugins=[plugin])
    async with client:
        answer = (await client.get("/echo/some%20name/value?a=1&b=2&a=3")).json()
        assert (answer["name"], answer["path"]) == ("some name", "/echo/some name/value")
        assert answer["query"] == [["a", "1"], ["b", "2"], ["a", "3"]]
        answer = (await client.post("/echo/x/value?late=1", data={"query": "up == 0", "time": ""})).json()
        assert (answer["method"], answer["query"]) == ("POST", [["query", "up == 0"], ["time", ""], ["late", "1"]])
        assert (await client.head("/echo/x/value")).status_code == 200


async def test_what_is_no_page_is_not_found_and_what_it_does_not_do_is_not_allowed(served, plugin, pages):
    _, client = await served(plugins=[plugin])
    async with client:
        assert (await client.get("/echo/x")).status_code == 404
        assert (await client.post("/nothing")).status_code == 404
        answer = await client.put("/echo/x/value")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
        answer = await client.get("/change")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert "checks" in (await client.get("/health")).json(), "a page of the surface's own stays what it is"
    assert pages.asked == []


async def test_an_order_is_carried_out_in_the_name_of_who_gave_it(served, plugin, monkeypatch):
    kernel, client = await served(plugins=[plugin])
    log = Log(kernel, monkeypatch)
    async with client:
        answer = await client.post("/change", json={"to": "good", "actor": "alice", "reason": "a test"})
        assert answer.json() == {"to": "good", "by": "alice at 127.0.0.1", "why": "a test"}
        assert (await client.post("/change", json={"to": "bad"})).status_code == 409
    assert log.records[0] == ("change_it", "admin /change", "http:alice at 127.0.0.1")
    assert len(log.records) == 2


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b'{"to": 1}', "headers": {"content-type": "application/json"}}, 400),
        ({"content": b"{}", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b'{"to": "x", "more": 1}', "headers": {"content-type": "application/json"}}, 400),
        ({"content": b'{"to": "x"}', "headers": {"content-type": "text/plain"}}, 415),
        (
            {
                "content": b'{"to": "x"}',
                "headers": {"content-type": "application/json", "origin": "https://evil.example"},
            },
            403,
        ),
        ({"content": b'"' + b"x" * 70_000 + b'"', "headers": {"content-type": "application/json"}}, 413),
    ],
)
async def test_an_order_that_is_not_as_it_must_be_does_nothing(served, plugin, pages, request_, status):
    _, client = await served(plugins=[plugin])
    async with client:
        assert (await client.post("/change", **request_)).status_code == status
    assert pages.asked == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"a=1", "headers": {"content-type": "application/json"}}, 415),
        (
            {
                "content": b"a=1",
                "headers": {"content-type": FORM, "origin": "https://evil.example"},
            },
            403,
        ),
        ({"content": b"a=%ff", "headers": {"content-type": FORM}}, 400),
        ({"content": b"a=1&" * 1_001, "headers": {"content-type": FORM}}, 400),
        ({"content": b"a" * 70_000, "headers": {"content-type": FORM}}, 413),
    ],
)
async def test_a_form_that_is_none_asks_nothing(served, plugin, pages, request_, status):
    _, client = await served(plugins=[plugin])
    async with client:
        assert (await client.post("/echo/x/value", **request_)).status_code == status
    assert pages.asked == []


async def test_nobody_sees_a_page_without_the_token(served, plugin, pages, monkeypatch):
    kernel, client = await served({"token": TOKEN}, plugins=[plugin])
    log = Log(kernel, monkeypatch)
    async with client:
        assert (await client.get("/listed")).status_code == 401
        assert (await client.post("/change", json={"to": "x"})).status_code == 401
        assert pages.asked == []
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/listed", headers=headers)).status_code == 200
    assert [name for name, _target, _actor in log.records] == ["change_it"]


async def test_the_index_lists_what_has_a_summary(served, plugin):
    _, client = await served(plugins=[plugin])
    async with client:
        found = (await client.get("/")).json()["endpoints"]
        page = (await client.get("/", headers={"accept": "text/html"})).text
    assert found["/listed"] == "A page <b>with</b> a summary."
    assert not {"/echo/{name}/value", "/change"} & found.keys()
    assert found["/health"] != "Not this one."
    assert "A page &lt;b&gt;with&lt;/b&gt; a summary." in page


async def test_pages_go_with_their_provider(kernel_factory, plugin):
    kernel = await kernel_factory({"plugins": {"web": {"port": 0}}}, plugins=[web_plugin])
    async with httpx.AsyncClient(base_url=kernel.service(WebServer).url, timeout=5) as client:
        assert (await client.get("/listed")).status_code == 404
