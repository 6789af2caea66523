"""The health pages: what probes and ``/health`` answer to ``exclude``, ``group``, ``tag``, ``refresh`` and ``Accept``."""

from __future__ import annotations

import time

import anyio
import pytest

from trivet import Status, Verdict

TOKEN = "correct-horse-battery-staple"


@pytest.fixture
async def service(served):
    """A service whose database is down, and with it the orders; gives kernel and client."""
    kernel, client = await served()

    async def down():
        raise ConnectionError("refused")

    kernel.health.check("database", tags={"storage"})(down)
    kernel.health.check("orders", depends_on={"database"}, tags={"business"})(down)
    for _ in range(2):
        await kernel.health.refresh()
    async with client:
        yield kernel, client


async def test_a_probe_leaves_out_what_it_is_told_to(service):
    """An operator takes a check out of a probe without a new deployment, as with the Kubernetes API server."""
    _, client = service
    assert (await client.get("/readyz?exclude=orders")).status_code == 503
    assert (await client.get("/readyz?exclude=orders&exclude=database")).status_code == 200
    verbose = (await client.get("/readyz?verbose&exclude=orders&exclude=database&exclude=dtabase")).text
    assert "[-]" not in verbose
    assert "warn: no check 'dtabase' to exclude\n" in verbose


async def test_the_verbose_probe_names_the_cause(service):
    _, client = service
    text = (await client.get("/readyz?verbose")).text
    assert "[-]orders failed: ConnectionError: refused (caused by database)\n" in text


async def test_accept_chooses_the_form(service):
    """The draft's form unless asked otherwise."""
    _, client = service
    default, plain = await client.get("/health"), await client.get("/health", headers={"accept": "application/json"})
    text = await client.get("/health", headers={"accept": "text/plain"})
    assert default.headers["content-type"] == "application/health+json"
    assert default.json()["rootCauses"] == ["database"]
    assert plain.headers["content-type"] == "application/json"
    assert {row["name"] for row in plain.json()["checks"]} >= {"database", "orders"}
    assert text.headers["content-type"].startswith("text/plain")
    assert {answer.status_code for answer in (default, plain, text)} == {503}


async def test_group_and_tag_narrow_the_checks(service):
    _, client = service
    tagged = (await client.get("/health?tag=storage", headers={"accept": "application/json"})).json()
    assert [row["name"] for row in tagged["checks"]] == ["database"]
    assert (await client.get("/health?group=live")).status_code == 200
    assert (await client.get("/health?group=nobody")).status_code == 404


async def test_refresh_runs_the_checks_once_for_all_who_ask(service):
    """Without it the last result counts; with it many askers share one run."""
    kernel, client = service
    runs = []

    async def counted():
        runs.append(1)
        await anyio.sleep(0.2)

    kernel.health.check("counted", initial_delay=1000)(counted)
    await client.get("/health")
    assert runs == []
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(client.get, "/health?refresh=1")
    assert len(runs) == 1


async def test_a_hung_check_keeps_no_probe_waiting(served):
    """The database hangs: the probe has its answer at once, and it is no."""
    kernel, client = await served()

    async def hangs():
        await anyio.sleep_forever()
        return Verdict(Status.PASS)

    kernel.health.check("database", timeout=0.2, interval=0.1)(hangs)
    with anyio.fail_after(10):
        while kernel.health.results["database"].failures < 2:
            await anyio.sleep(0.01)
    async with client:
        begun = time.monotonic()
        answers = [await client.get("/readyz") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {503}
    assert time.monotonic() - begun < 5
