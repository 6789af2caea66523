"""``/history``: what metrics were."""

from __future__ import annotations

import math

import anyio

from trivet_plugins.web import history_page


async def found(client, page):
    """Ask until there is something."""
    with anyio.fail_after(20):
        while True:
            answer = (await client.get(page)).json()
            if answer["series"] and len(answer["series"][0]["times"]) > 2:
                return answer
            await anyio.sleep(0.02)


async def test_series_are_chosen_by_name_label_and_time(served):
    kernel, client = await served(
        config={"plugins": {"history": {"interval": 0.01}, "web": {"port": 0}}}, plugins=["history"]
    )
    gauge = kernel.metrics.gauge("g", "G.", labels=("region",))
    gauge.labels("eu").set(5)
    gauge.labels("us").set(math.inf)
    gauge.labels("no").set(math.nan)
    async with client:
        answer = await found(client, "/history?name=g&match[region]=eu")
        (series,) = answer["series"]
        assert (series["name"], series["kind"], series["labels"]) == ("g", "gauge", {"region": "eu"})
        assert set(series["values"]) == {5}
        assert len(series["times"]) == len(series["values"])
        assert answer["from"] <= series["times"][0] <= series["times"][-1] <= answer["to"] <= answer["now"]
        other = await found(client, "/history?name=g&match[region]=us&from=-60")
        assert set(other["series"][0]["values"]) == {"+Inf"}
        other = await found(client, "/history?name=g&match[region]=no")
        assert set(other["series"][0]["values"]) == {"NaN"}
        gauge.remove("eu")
        with anyio.fail_after(20):
            while (await found(client, "/history?name=g&match[region]=eu"))["series"][0]["values"][-1] is not None:
                await anyio.sleep(0.02)
        past = series["times"][1]
        cut = (await client.get(f"/history?name=g&from={past!r}&to={past!r}")).json()
        assert {tuple(one["times"]) for one in cut["series"]} == {(past,)}
        names = (await client.get("/history")).json()["names"]
        assert {"name": "g", "kind": "gauge", "series": 3} in names
        assert (await client.get("/history?name=none")).json()["series"] == []


async def test_what_is_asked_must_make_sense(served, monkeypatch):
    kernel, client = await served(
        config={"plugins": {"history": {"interval": 0.01}, "web": {"port": 0}}}, plugins=["history"]
    )
    kernel.metrics.gauge("g", "G.").set(5)
    async with client:
        for query in ("from=yesterday", "to=nan", "from=inf"):
            answer = await client.get(f"/history?name=g&{query}")
            assert (answer.status_code, answer.text.startswith(query.partition("=")[0])) == (400, True)
        await found(client, "/history?name=g")
        monkeypatch.setattr(history_page, "MAX_SAMPLES", 2)
        answer = await client.get("/history?name=g")
        assert (answer.status_code, "narrow it" in answer.text) == (400, True)


async def test_without_a_history_it_says_what_to_load(served):
    _, client = await served()
    async with client:
        answer = await client.get("/history")
    assert answer.status_code == 404
    assert answer.text == "nothing here keeps a history of metrics: load the plugin history\n"
