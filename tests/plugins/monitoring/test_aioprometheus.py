from __future__ import annotations

import math
import subprocess
import sys
import threading
import urllib.request

import aioprometheus
import anyio.to_thread
import pytest
from aioprometheus.service import Service
from prometheus_client.parser import text_string_to_metric_families

from trivet.metrics.registry import Metrics
from trivet.openmetrics.reader import read
from trivet_plugins.monitoring import aioprometheus as plugin
from trivet_plugins.monitoring.aioprometheus import AioprometheusBridge
from trivet_plugins.monitoring.aioprometheus_registry import FamilyRegistry
from trivet_plugins.monitoring.openmetrics import OpenMetricsText
from trivet_plugins.monitoring.prometheus import PrometheusText


class Holder:
    """As much of a kernel as the bridge takes."""

    def __init__(self):
        self.metrics = Metrics()


def aioprometheus_bridge(holder):
    return AioprometheusBridge(FamilyRegistry(holder.metrics), holder.metrics)


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


def exposed(metrics, exporter=None):
    return b"".join((exporter or PrometheusText()).encode(metrics.families())).decode()


def test_a_user_s_aioprometheus_metrics_are_exposed_with_ours_escaped(holder):
    """Constant labels, mixed label sets, every kind; where names clash the kernel's stay."""
    registry = aioprometheus.Registry()
    hostile = 'a"b\\c\nd'
    counter = aioprometheus.Counter("legacy", 'Old "ones".', {"app": "x"}, registry=registry)
    counter.add({"path": hostile}, 3)
    counter.inc({})
    aioprometheus.Gauge("level", "L.", registry=registry).set({}, math.inf)
    histogram = aioprometheus.Histogram("spread", "S.", registry=registry, buckets=[1, 2])
    summary = aioprometheus.Summary("times", "T.", registry=registry)
    for value in (0.5, 1.5, 9):
        histogram.observe({"k": "v"}, value)
        summary.observe({"k": "v"}, value)
    aioprometheus.Counter("orders_total", "Mine too.", registry=registry).inc({})
    aioprometheus.Counter("odd", "O.", registry=registry).values.store[b'{"a-b":"c"}'] = 1
    end = aioprometheus_bridge(holder).include(registry)
    found = parsed(exposed(holder.metrics))
    assert found["legacy_total", (("app", "x"), ("path", hostile))] == 3
    assert found["legacy_total", (("app", "x"), ("path", ""))] == 1
    assert found["level", ()] == math.inf
    assert [found["spread_bucket", (("k", "v"), ("le", le))] for le in ("1.0", "2.0", "+Inf")] == [1, 2, 3]
    assert (found["spread_sum", (("k", "v"),)], found["times_count", (("k", "v"),)]) == (11, 3)
    assert found["times", (("k", "v"), ("quantile", "0.5"))] == 1.5
    assert found["orders_total", (("region", "eu"),)] == 3
    assert not any(name.startswith("odd") for name, _ in found)
    read(exposed(holder.metrics, OpenMetricsText()))
    counter.inc({})
    assert parsed(exposed(holder.metrics))["legacy_total", (("app", "x"), ("path", ""))] == 2
    end()
    assert "legacy" not in exposed(holder.metrics)


def test_series_born_during_a_scrape_disturb_none(holder):
    """aioprometheus's own get_all raises then."""
    registry = aioprometheus.Registry()
    counter = aioprometheus.Counter("legacy", "L.", registry=registry)
    aioprometheus_bridge(holder).include(registry)
    stop = threading.Event()

    def work():
        for number in range(2000):
            counter.inc({"x": str(number)})
        stop.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not stop.is_set():
        exposed(holder.metrics)
    thread.join()
    assert sum(name == "legacy_total" for name, _ in parsed(exposed(holder.metrics))) == 2000


def test_the_bridge_does_not_include_itself(holder):
    bridge = aioprometheus_bridge(holder)
    with pytest.raises(ValueError, match="include another one"):
        bridge.include(bridge.registry)


async def test_the_global_registry_is_included_where_the_configuration_says_so(kernel_factory):
    from aioprometheus.collectors import get_registry

    name = "included_by_configuration"
    own = aioprometheus.Counter(name, "G.")
    try:
        own.inc({})
        kernel = await kernel_factory({"plugins": {"aioprometheus_bridge": {"include": True}}}, plugins=[plugin])
        assert isinstance(kernel.service(AioprometheusBridge), AioprometheusBridge)
        assert f"\n{name}_total 1\n" in exposed(kernel.metrics)
        kernel = await kernel_factory(plugins=[plugin])
        assert name not in exposed(kernel.metrics)
    finally:
        get_registry().deregister(name)


def test_the_plugin_imports_aioprometheus_only_when_used():
    probe = "import sys, trivet_plugins.monitoring.aioprometheus; print('aioprometheus' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=15)
    assert done.stdout.strip() == "False"
