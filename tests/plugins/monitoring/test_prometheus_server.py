"""A real Prometheus server scrapes us in both formats, and has our values."""

from __future__ import annotations

import contextlib
import http.server
import math
import threading

import pytest
from tests.prometheus import prometheus

from trivet.metrics.registry import Metrics
from trivet.openmetrics.reader import read
from trivet_plugins.monitoring.openmetrics import OpenMetricsText
from trivet_plugins.monitoring.prometheus import PrometheusText
from trivet_plugins.monitoring.protobuf import PrometheusProtobuf

pytestmark = pytest.mark.timeout(180)

TEXT_ONLY = "text/plain;version=0.0.4"


@contextlib.contextmanager
def server(answer):
    """Serve ``/metrics`` as ``answer(accept)`` gives it, ``(content type, bytes)``; gives the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content_type, content = answer(self.headers["Accept"])
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()
            thread.join()


def samples(text, *names, openmetrics):
    """Return the samples whose names begin with one of ``names``, as Prometheus keys them."""
    return {
        (sample.name, tuple(sorted((name, value) for name, value in sample.labels.items() if value))): float(
            sample.value
        )
        for family in read(text, openmetrics=openmetrics)
        for sample in family.samples
        if sample.name.startswith(names)
    }


def test_it_scrapes_the_orders_example_in_both_formats_and_has_its_values(program, orders, run_service, tmp_path):
    """The service as ``make run`` starts it; one job gets what Prometheus asks for, OpenMetrics, the other the text format."""
    binary = program("prometheus", package="prometheus")
    names = ("orders_processed", "charge_card_seconds", "trivet_config_changed", "trivet_provider_states")
    with run_service(orders, "--profile", "dev", "--set", "processing.interval=3600") as service:

        def text_only(accept):
            answer = service.client.get("/metrics", headers={"Accept": TEXT_ONLY})
            return answer.headers["Content-Type"], answer.content

        def ours():
            accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
            return samples(service.client.get("/metrics", headers=accept).text, *names, openmetrics=True)

        service.wait_until(lambda: sum(value for key, value in ours().items() if "orders" in key[0]) >= 3)
        selector = "|".join(f"{name}.*" for name in names)
        with (
            server(text_only) as port,
            prometheus(binary, tmp_path, openmetrics=service.client.base_url.port, text=port) as running,
        ):
            wanted = ours()
            assert len(wanted) > 20
            for job in ("openmetrics", "text"):
                query = f'{{__name__=~"{selector}",job="{job}"}}'
                running.until(lambda query=query: running.query(query) == wanted == ours())
            assert running.target_errors() == {"openmetrics": ("up", ""), "text": ("up", "")}


def test_hostile_labels_odd_numbers_and_exemplars_arrive_whole(program, tmp_path):
    binary = program("prometheus", package="prometheus")
    metrics = Metrics()
    hostile = 'a"b\\c\nd,}{=# é\u2028\U0001f9ea\U0010ffff'
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metrics.take_exemplars(
        lambda: {"trace_id": trace}
    )  # 2.42 keeps the escapes of an exemplar's label, so there are none
    metrics.counter("jobs", 'He said "no"\\\n.', labels=("x",), unit="bytes").labels(hostile).inc(2**60)
    gauge = metrics.gauge("level", "L.", labels=("x",))
    odd = {"inf": math.inf, "minus": -math.inf, "tiny": 5e-324, "big": 1.7e308, "half": 0.1 + 0.2}
    for name, value in odd.items():
        gauge.labels(name).set(value)
    metrics.histogram("wait", "W.", labels=("x",), buckets=(0.5, 2.5e6)).labels(hostile).observe(1)
    metrics.summary("size", "S.").observe(3)
    metrics.info("build", "B.", {"version": hostile})
    metrics.stateset("phase", "P.", ("up", hostile)).set(hostile)

    def answer(exporter):
        return lambda _accept: (exporter.media_type, b"".join(exporter.encode(metrics.families())))

    names = ("jobs_bytes", "level", "wait", "size", "build", "phase")
    wanted = samples(answer(OpenMetricsText())("")[1].decode(), *names, openmetrics=True)
    assert len(wanted) == 1 + 5 + 5 + 2 + 1 + 2
    selector = "|".join(f"{name}.*" for name in names)
    with (
        server(answer(OpenMetricsText())) as openmetrics,
        server(answer(PrometheusText())) as text,
        prometheus(binary, tmp_path, openmetrics=openmetrics, text=text) as running,
    ):
        for job in ("openmetrics", "text"):
            query = f'{{__name__=~"{selector}",job="{job}"}}'
            running.until(lambda query=query: running.query(query))
            assert running.query(query) == wanted
        found = running.until(lambda: running.exemplars('{job="openmetrics"}'))
        assert found["jobs_bytes_total", (("x", hostile),)] == {"trace_id": trace}
        assert any(name == "wait_bucket" for name, _labels in found)
        metadata = running.client.get("/api/v1/metadata", params={"metric": "jobs_bytes"}).json()["data"]
        assert metadata["jobs_bytes"] == [{"type": "counter", "help": 'He said "no"\\\n.', "unit": "bytes"}]


def test_native_histograms_arrive_by_protobuf(program, tmp_path):
    """And all else with them; a server that takes them asks for that format first, and no other has them."""
    binary = program("prometheus", package="prometheus")
    metrics = Metrics()
    hostile = 'a"b\\c\nd,}{=# é\U0001f9ea'
    metrics.take_exemplars(lambda: {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"})
    metrics.counter("jobs", "J.", labels=("x",), unit="bytes").labels(hostile).inc(2**60)
    metrics.gauge("level", "L.", labels=("x",)).labels("minus").set(-math.inf)
    metrics.histogram("classic", "C.", buckets=(0.5, 2.5e6)).observe(1)
    metrics.summary("size", "S.").observe(3)
    metrics.info("build", "B.", {"version": hostile})
    metrics.stateset("phase", "P.", ("up", hostile)).set(hostile)
    native = metrics.histogram("native", "N.", labels=("x",), schema=3, buckets=(1,))
    values = [0.0, 1e-3, 1, 1, 1.05, 2, 3.7, 1e6, -2, -2.1]
    for value in values:
        native.labels(hostile).observe(value)
    metrics.histogram("empty", "E.", schema=3)
    asked = []

    def answer(accept):
        asked.append(accept)
        exporter = PrometheusProtobuf()
        return exporter.media_type, b"".join(exporter.encode(metrics.families()))

    names = ("jobs_bytes", "level", "classic", "size", "build", "phase")
    text = b"".join(OpenMetricsText().encode(metrics.families())).decode()
    wanted = samples(text, *names, openmetrics=True)
    with (
        server(answer) as port,
        prometheus(binary, tmp_path, "--enable-feature=native-histograms", protobuf=port) as running,
    ):
        selector = "|".join(f"{name}.*" for name in names)
        running.until(lambda: running.query("histogram_count(native)"))
        assert running.target_errors() == {"protobuf": ("up", "")}
        assert asked[0].startswith("application/vnd.google.protobuf")
        assert running.query(f'{{__name__=~"{selector}"}}') == wanted
        key = ("", (("x", hostile),))
        assert running.query("histogram_count(native)") == {key: len(values)}
        assert running.query("histogram_sum(native)")[key] == pytest.approx(sum(values))
        # All buckets of schema 3 are 9 % wide, so a quantile is within 9 % of the value.
        for share, value in ((0.15, -2), (0.65, 1.05), (0.75, 2), (0.85, 3.7), (0.97, 1e6)):
            found = running.query(f"histogram_quantile({share}, native)")[key]
            assert found == pytest.approx(value, rel=0.1), share
        assert running.query("histogram_count(empty)") == {("", ()): 0}
        assert running.exemplars("jobs_bytes_total")
