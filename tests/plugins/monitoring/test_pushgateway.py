"""Against a real Pushgateway on loopback."""

from __future__ import annotations

import contextlib
import subprocess
import time

import anyio
import httpx
import pytest
from tests.prometheus import free_port

from trivet.openmetrics.reader import read
from trivet_plugins.monitoring import pushgateway as plugin
from trivet_plugins.monitoring.pushgateway import PushgatewayConfig

pytestmark = pytest.mark.timeout(120)
HOSTILE = 'a"b\\c\nd\U0001f9ea'


@pytest.fixture(scope="module")
def gateway(program, tmp_path_factory):
    """A running Pushgateway; a client of it."""
    port = free_port()
    log = tmp_path_factory.mktemp("gateway") / "log"
    command = [program("prometheus-pushgateway", package="prometheus-pushgateway")]
    with log.open("w") as output:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/-/ready").status_code == 200:
                        break
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait()


def pushed(gateway, name):
    """Return the samples of that name that the gateway holds: labels and value."""
    return [
        (sample.labels, sample.value)
        for family in read(gateway.get("/metrics").text, openmetrics=False)
        for sample in family.samples
        if sample.name == name
    ]


async def until(condition, seconds=60):
    with anyio.fail_after(seconds):
        while not (found := await anyio.to_thread.run_sync(condition)):
            await anyio.sleep(0.05)
    return found


async def test_metrics_arrive_follow_and_go_with_the_service(kernel_factory, gateway):
    settings = {
        "url": str(gateway.base_url),
        "job": "orders/eu",
        "grouping": {"instance": "a b", "empty": "", "odd": HOSTILE},
        "interval": 0.1,
    }
    kernel = await kernel_factory({"plugins": {"pushgateway": settings}}, plugins=[plugin])
    counter = kernel.metrics.counter("jobs_done", "Jobs.", labels=("x",))
    counter.labels(HOSTILE).inc(3)
    found = await until(lambda: pushed(gateway, "jobs_done_total"))
    assert [({name: text for name, text in labels.items() if text}, value) for labels, value in found] == [
        ({"x": HOSTILE, "job": "orders/eu", "instance": "a b", "odd": HOSTILE}, 3)
    ]
    counter.labels(HOSTILE).inc()
    await until(lambda: pushed(gateway, "jobs_done_total")[0][1] == 4)
    await kernel_factory.stop()
    assert pushed(gateway, "jobs_done_total") == []


async def test_a_job_pushes_once_more_at_its_end_and_stays(kernel_factory, gateway):
    settings = {"url": str(gateway.base_url), "interval": 3600, "delete": False}
    kernel = await kernel_factory({"plugins": {"pushgateway": settings}}, name="nightly", plugins=[plugin])
    kernel.metrics.counter("rows_read", "Rows.").inc(7)
    await kernel_factory.stop()
    assert ({"job": "nightly"}, 7) in [
        ({"job": labels["job"]}, value) for labels, value in pushed(gateway, "rows_read_total")
    ]


async def test_a_gateway_that_is_not_there_costs_health_and_nothing_else(kernel_factory):
    settings = {"url": f"http://127.0.0.1:{free_port()}", "interval": 0.1}
    kernel = await kernel_factory({"plugins": {"pushgateway": settings}}, plugins=[plugin])
    exports = kernel.metrics.get("trivet_metric_exports_total")
    await until(lambda: exports["pushgateway", "error"].value >= 2)
    report = await kernel.health.refresh("ready")
    (result,) = [one for one in report.results if one.name == "pushgateway_export"]
    assert "Connect" in result.output
    assert report.ok


async def test_a_refusal_is_an_error(kernel_factory, gateway):
    """The gateway takes no such label."""
    settings = {"url": str(gateway.base_url), "interval": 0.1, "grouping": {"a-b": "x"}}
    kernel = await kernel_factory({"plugins": {"pushgateway": settings}}, plugins=[plugin])
    exports = kernel.metrics.get("trivet_metric_exports_total")
    await until(lambda: exports["pushgateway", "error"].value >= 1)
    (result,) = [one for one in (await kernel.health.refresh()).results if one.name == "pushgateway_export"]
    assert "answered 4" in result.output


@pytest.mark.parametrize("url", ["pushgateway:9091", "ftp://x", "http://user:secret@gateway:9091", "http://"])
def test_what_is_no_address_is_refused_without_being_told(url):
    with pytest.raises(ValueError, match="without a user or password") as caught:
        PushgatewayConfig(url=url)
    assert "secret" not in str(caught.value)
