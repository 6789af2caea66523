from __future__ import annotations

import math
import subprocess
import sys
import urllib.request

import aioprometheus
import anyio.to_thread
import pytest
from aioprometheus.service import Service
from prometheus_client.parser import text_string_to_metric_families

from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.aioprometheus import AioprometheusBridge, aioprometheus_bridge
from trivet_plugins.monitoring.prometheus import PrometheusText


class Holder:
    """As much of a kernel as the factory takes."""

    def __init__(self):
        self.metrics = Metrics()


@pytest.fixture
def holder():
    holder = Holder()
    counter = holder.metrics.counter("orders_total", 'Orders "taken"\nor \\ not.', labels=("region",))
    counter.labels("eu").inc(3)
    counter.labels('a"b\\c\nd').inc()
    holder.metrics.gauge("temperature", "T.").set(math.inf)
    histogram = holder.metrics.histogram("wait_seconds", "Wait.", labels=("job",), buckets=(1, 2))
    for value in (0.5, 1.5, 9):
        histogram.labels("x").observe(value)
    return holder


def parsed(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_aioprometheus_renders_what_we_expose_ourselves(holder):
    """With hostile labels, which it does not escape, and the label `job`, which it refuses elsewhere."""
    bridge = aioprometheus_bridge(holder)
    assert isinstance(bridge, AioprometheusBridge)
    content, headers = aioprometheus.render(bridge.registry, ["text/plain"])
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    ours = b"".join(PrometheusText().encode(holder.metrics.families()))
    assert parsed(content.decode()) == parsed(ours.decode())
    assert parsed(content.decode())["wait_seconds_bucket", (("job", "x"), ("le", "2.0"))] == 2
    assert "temperature +Inf\n" in content.decode()


def test_every_render_is_of_that_moment(holder):
    bridge = aioprometheus_bridge(holder)
    queue = [1]
    holder.metrics.gauge("queue_length", "Q.", callback=lambda: len(queue))
    for wanted in (1, 2, 3):
        content, _headers = aioprometheus.render(bridge.registry, [])
        assert f"queue_length {wanted}\n" in content.decode()
        queue.append(1)


def test_the_application_s_own_collectors_are_shown_too(holder):
    bridge = aioprometheus_bridge(holder)
    own = aioprometheus.Counter("legacy_total", "Legacy.", registry=bridge.registry)
    own.inc({"x": "y"})
    aioprometheus.Counter("orders_total", "Mine too.", registry=bridge.registry)
    content, _headers = aioprometheus.render(bridge.registry, [])
    assert 'legacy_total{x="y"} 1\n' in content.decode()
    assert content.count(b"# TYPE orders_total") == 1


def test_aioprometheus_s_own_global_registry_stays_clean(holder):
    from aioprometheus.collectors import get_registry

    before = [collector.name for collector in get_registry().get_all()]
    aioprometheus.render(aioprometheus_bridge(holder).registry, [])
    assert [collector.name for collector in get_registry().get_all()] == before


@pytest.mark.asyncio
async def test_its_http_service_serves_our_metrics(holder):
    """A real server on a real socket; aioprometheus's one is asyncio's."""
    service = Service(registry=aioprometheus_bridge(holder).registry)
    await service.start(addr="127.0.0.1", port=0)
    try:
        port = service._runner.addresses[0][1]
        url = f"http://127.0.0.1:{port}/metrics"

        def get():
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.read().decode()

        text = await anyio.to_thread.run_sync(get)
    finally:
        await service.stop()
    assert parsed(text)["orders_total", (("region", "eu"),)] == 3


def test_the_plugin_imports_aioprometheus_only_when_used():
    probe = "import sys, trivet_plugins.monitoring.aioprometheus; print('aioprometheus' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=15)
    assert done.stdout.strip() == "False"
