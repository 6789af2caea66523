"""``/traces``: the spans that the tracer keeps."""

from __future__ import annotations


async def test_the_newest_spans_come_first(served):
    kernel, client = await served(plugins=["tracer"])
    with (
        kernel.tracing.span("request", {"path": "/orders", "password": "hunter2"}),
        kernel.tracing.span("query") as inner,
    ):
        inner.event("row", {"number": 1})
    async with client:
        found = (await client.get("/traces")).json()
        one = (await client.get(f"/traces?trace={inner.context.trace_id}")).json()
        none = (await client.get("/traces?notable=1")).json()
        wrong = await client.get("/traces?trace=xyz")
    assert [span["name"] for span in found["spans"]] == ["request", "query"]
    assert found["spans"][0]["attributes"] == {"path": "/orders", "password": "***"}
    assert found["spans"][1]["parent_id"] == found["spans"][0]["span_id"]
    assert one == found
    assert none["spans"] == []
    assert (wrong.status_code, wrong.text) == (400, "a trace's id has 32 hex digits, in lower case\n")


async def test_without_a_store_it_says_what_to_load(served):
    _, client = await served()
    async with client:
        answer = await client.get("/traces")
    assert (answer.status_code, answer.text) == (404, "no tracer here keeps spans: load the plugin tracer\n")
