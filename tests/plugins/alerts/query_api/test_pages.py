"""Prometheus's HTTP API over the kernel's own history: promtool reads it, and a client like Grafana's."""

from __future__ import annotations

import json
import threading
import time

import anyio
import httpx
import pytest

import trivet_plugins.web as web_plugin
from trivet_plugins.alerts import query_api as plugin
from trivet_plugins.alerts.query_api import QueryEngine
from trivet_plugins.web import WebServer


@pytest.fixture
def asked(kernel_factory):
    """A kernel with some series, and a client of its pages."""
    clients = []

    async def start(**section):
        settings = {"plugins": {"history": {"interval": 0.05, "collect": 0}, "query": section, "web": {"port": 0}}}
        kernel = await kernel_factory(settings, plugins=[plugin, "history", web_plugin])
        gauge = kernel.metrics.gauge("level", "How high it is.", labels=("region",))
        for number, region in enumerate(("eu", "us", "näh\n")):
            gauge.labels(region).set(number + 0.5)
        clients.append(httpx.AsyncClient(base_url=kernel.service(WebServer).url, timeout=10))
        with anyio.fail_after(10):
            while not (await kernel.service(QueryEngine).instant("count(level) == 3")).value.samples:
                await anyio.sleep(0.02)
        return kernel, clients[-1]

    return start


async def data(client, page, **parameters):
    answer = (await client.get(f"/api/v1/{page}", params=parameters)).json()
    assert answer["status"] == "success", answer
    return answer["data"]


async def test_every_kind_of_answer_has_its_form(asked):
    _, client = await asked()
    async with client:
        found = await data(client, "query", query='level{region="eu"} * 2', time=f"{time.time():.3f}")
        assert found["resultType"] == "vector"
        assert found["result"][0]["metric"] == {"region": "eu"}
        assert found["result"][0]["value"][1] == "1"
        found = await data(client, "query", query="1 / 0")
        assert (found["resultType"], found["result"][1]) == ("scalar", "+Inf")
        found = await data(client, "query", query='"text"')
        assert (found["resultType"], found["result"][1]) == ("string", "text")
        found = await data(client, "query", query='level{region="us"}[1m]')
        assert found["resultType"] == "matrix"
        assert {value for _time, value in found["result"][0]["values"]} == {"1.5"}
        now = time.time()
        found = await data(client, "query_range", query="sum(level)", start=now - 1, end=now, step="250ms")
        assert found["result"][0]["values"][-1] == [pytest.approx(now, abs=0.3), "4.5"]


async def test_series_labels_and_metadata_are_told(asked):
    _, client = await asked()
    async with client:
        found = await data(client, "series", **{"match[]": "level"})
        assert found[0] == {"__name__": "level", "region": "eu"}
        assert {"__name__", "region"} <= {*await data(client, "labels")}
        assert await data(client, "labels", **{"match[]": "level"}) == ["__name__", "region"]
        assert await data(client, "label/region/values") == ["eu", "näh\n", "us"]
        assert await data(client, "label/none/values") == []
        found = await data(client, "metadata", metric="level")
        assert found == {"level": [{"type": "gauge", "help": "How high it is.", "unit": ""}]}
        assert (await data(client, "status/buildinfo"))["application"] == "trivet"


@pytest.mark.parametrize(
    ("page", "parameters", "status", "kind"),
    [
        ("query", {}, 400, "bad_data"),
        ("query", {"query": "sum("}, 400, "bad_data"),
        ("query", {"query": "histogram_count(x)"}, 400, "bad_data"),
        ("query", {"query": "1", "time": "yesterday"}, 400, "bad_data"),
        ("query", {"query": "1", "time": "9" * 400}, 400, "bad_data"),
        ("query", {"query": "1", "timeout": "-1s"}, 400, "bad_data"),
        ("query", {"query": "x" * 20_000}, 400, "bad_data"),
        ("query", {"query": "level + on () group_left () level"}, 422, "execution"),
        ("query_range", {"query": "1", "start": "0", "end": "1"}, 400, "bad_data"),
        ("query_range", {"query": "1", "start": "2", "end": "1", "step": "1"}, 400, "bad_data"),
        ("query_range", {"query": "1", "start": "0", "end": "100000", "step": "1"}, 400, "bad_data"),
        ("query_range", {"query": "level[5m]", "start": "0", "end": "1", "step": "1"}, 422, "execution"),
        ("series", {}, 400, "bad_data"),
        ("series", {"match[]": "{"}, 400, "bad_data"),
    ],
)
async def test_what_makes_no_sense_is_told_as_prometheus_tells_it(asked, page, parameters, status, kind):
    _, client = await asked()
    async with client:
        answer = await client.get(f"/api/v1/{page}", params=parameters)
    assert (answer.status_code, answer.json()["status"], answer.json()["errorType"]) == (status, "error", kind)


async def test_a_client_like_grafanas_posts_forms(asked):
    """As its Prometheus data source does: POST, RFC 3339 or numbers, headers of its own."""
    _, client = await asked()
    now = time.time()
    form = {"query": "sum by (region) (level)", "start": f"{now - 60:.0f}", "end": f"{now:.0f}", "step": "15"}
    headers = {"X-Grafana-Org-Id": "1", "User-Agent": "Grafana/12.0.0", "X-Datasource-Uid": "abc"}
    async with client:
        answer = await client.post("/api/v1/query_range", data=form, headers=headers)
        assert answer.status_code == 200
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 1))
        answer = await client.post("/api/v1/query", data={"query": "1+1", "time": stamp}, headers=headers)
        assert answer.json()["data"]["result"] == [float(int(now) + 1), "2"]


async def test_promtool_reads_the_process(asked, program):
    promtool = program("promtool", package="prometheus")
    kernel, client = await asked()
    url = kernel.service(WebServer).url
    now = f"{time.time():.0f}"

    async def told(*arguments):
        done = await anyio.run_process([promtool, "query", *arguments], check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    async with client:
        assert 'level{region="eu"} => 0.5' in await told("instant", url, 'level{region="eu"}')
        assert "=> 4.5 @" in await told("instant", url, "sum(level)")
        assert "4.5 @[" in await told(
            "range", "--step=1s", f"--start={int(now) - 1}", f"--end={int(now) + 2}", url, "sum(level)"
        )
        assert "level" in await told("series", "--match=level", url)
        assert (await told("labels", url, "region")).split("\n")[0] == "eu"


async def test_a_query_that_takes_too_long_is_cut_and_the_loop_goes_on(asked):
    _, client = await asked(timeout=0.2)
    beats, ends = [], threading.Event()

    async def beat():
        while not ends.is_set():
            beats.append(time.perf_counter())
            await anyio.sleep(0.01)

    async with client, anyio.create_task_group() as tasks:
        tasks.start_soon(beat)
        nested = "sum_over_time(" * 3 + "level" + "[1h:1s])" * 3
        answer = await client.get("/api/v1/query", params={"query": nested})
        ends.set()
    assert (answer.status_code, answer.json()["errorType"]) in {(503, "timeout"), (503, "execution")}, answer.text
    assert len(beats) > 3


async def test_what_rules_record_can_be_queried(kernel_factory, tmp_path):
    (tmp_path / "r.yml").write_text("groups: [{name: g, rules: [{record: made, expr: vector(7)}]}]")
    settings = {
        "history": {"interval": 0.05},
        "alerts": {"rule_files": [str(tmp_path / "r.yml")], "evaluation_interval": 0.05},
    }
    kernel = await kernel_factory({"plugins": settings}, plugins=[plugin, "history", "alerts", "alert_receivers"])
    with anyio.fail_after(10):
        while not (found := (await kernel.service(QueryEngine).instant("made")).value.samples):
            await anyio.sleep(0.02)
    assert [one.value for one in found] == [7.0]
    assert json.dumps(kernel.service(QueryEngine).help())
