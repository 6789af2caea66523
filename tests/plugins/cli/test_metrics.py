"""``trivet metrics top|show``: the report's arithmetic, and the commands on a real service."""

from __future__ import annotations

import json
import math
import re

import pytest

from trivet.metrics.registry import Metrics
from trivet.openmetrics.reader import read
from trivet_plugins.cli.metrics import _took
from trivet_plugins.cli.operations import operations
from trivet_plugins.cli.printable import printable
from trivet_plugins.monitoring.openmetrics import OpenMetricsText

pytestmark = pytest.mark.timeout(120)


def families(metrics):
    return read(b"".join(OpenMetricsText().encode(metrics.families())).decode())


def test_an_operation_has_all_its_outcomes():
    metrics = Metrics()
    metrics.take_exemplars(lambda: {"trace_id": "quick"})
    timer = metrics.timed("query", labels={"table": "users"})
    for seconds in (0.02, 0.02, 0.3):
        timer.begin()
        timer.succeed(seconds)
    metrics.take_exemplars(lambda: {"trace_id": "slow"})
    timer.begin()
    timer.fail(ValueError(), 4.0)
    metrics.take_exemplars(None)
    timer.begin()
    metrics.timed("other")
    metrics.histogram("no_operation_seconds", "N.").observe(100)
    query, other = operations(families(metrics))
    assert (query.name, query.labels, query.count, query.errors) == ("query", {"table": "users"}, 4, 1)
    assert query.seconds == pytest.approx(4.34)
    assert (query.in_flight, query.slowest, query.trace_id) == (1, 4.0, "slow")
    assert (other.name, other.count, other.trace_id) == ("other", 0, "")


def test_requests_are_operations_by_method_and_route():
    metrics = Metrics()
    labels = ("http_request_method", "http_route", "http_response_status_code", "error_type")
    duration = metrics.histogram("http_server_request_duration", "D.", labels=labels, unit="seconds")
    duration.labels("GET", "/orders/{n}", "200", "").observe(0.1)
    duration.labels("GET", "/orders/{n}", "500", "ValueError").observe(0.3)
    duration.labels("POST", "/orders", "201", "").observe(0.2)
    found = {one.name: (one.count, one.errors) for one in operations(families(metrics))}
    assert found == {"GET /orders/{n}": (2, 1), "POST /orders": (1, 0)}


def test_quantiles_are_those_of_histogram_quantile():
    """Interpolated within the bucket, from zero in the first; the highest bound where they lie above it."""
    metrics = Metrics()
    timer = metrics.timed("work", buckets=(1, 2, 4))
    for seconds, times in ((0.5, 10), (1.5, 20), (3, 60), (9, 10)):
        for _ in range(times):
            timer.begin()
            timer.succeed(seconds)
    (work,) = operations(families(metrics))
    assert work.quantile(0.05) == pytest.approx(0.5)
    assert work.quantile(0.2) == pytest.approx(1.5)
    assert work.quantile(0.5) == pytest.approx(2 + 2 * 20 / 60)
    assert work.quantile(0.9) == pytest.approx(4)
    assert work.quantile(0.99) == 4
    assert work.highest_bound == 4
    empty = Metrics()
    empty.timed("work")
    (work,) = operations(families(empty))
    assert math.isnan(work.quantile(0.5))


def test_an_interval_is_the_difference_of_two_scrapes():
    metrics = Metrics()
    timer = metrics.timed("work")
    timer.begin()
    timer.fail(ValueError(), 5)
    before = families(metrics)
    timer.begin()
    timer.succeed(0.2)
    (work,) = operations(families(metrics), before=before)
    assert (work.count, work.errors) == (1, 0)
    assert work.seconds == pytest.approx(0.2)
    restarted = Metrics()
    restarted.timed("work").begin()
    restarted.timed("work").succeed(1)
    timer.begin()
    timer.succeed(0.2)
    (work,) = operations(families(restarted), before=families(metrics))
    assert (work.count, work.seconds) == (1, 1), "after a restart, all is new"


def test_times_read_well_and_nothing_reaches_the_terminal_that_it_would_obey():
    assert [_took(value) for value in (0.0000321, 0.0123, 1.5, 90, 7200, 200000)] == [
        "32.1 us",
        "12.3 ms",
        "1.5 s",
        "1.5 min",
        "2 h",
        "2.31 d",
    ]
    assert printable("täglich \x1b[2J\n") == "täglich \\x1b[2J\\n"


def test_the_commands_report_on_a_running_service(orders, run_service, run_trivet, tmp_path):
    """The orders example: its payments are what takes the time."""
    with run_service(orders, "--profile", "dev", "--set", "processing.interval=0.5") as service:
        url = str(service.client.base_url)
        charged = re.compile(r'^charge_card_seconds_count\{outcome="ok"\} [1-9]', re.MULTILINE)
        service.wait_until(lambda: charged.search(service.client.get("/metrics").text))

        def run(*arguments, code=0):
            done = run_trivet("metrics", *arguments, "--url", url, cwd=tmp_path)
            assert done.returncode == code, done.stderr
            return done.stdout

        heading, *lines = run("top").splitlines()
        assert heading.split()[:4] == ["OPERATION", "TOTAL", "COUNT", "RATE"]
        assert any(line.startswith("charge_card") and "/s" in line and "0.0%" in line for line in lines)
        report = json.loads(run("top", "--interval", "2", "--json"))
        (charge,) = [one for one in report["operations"] if one["operation"] == "charge_card"]
        assert 2 <= report["seconds"] < 60
        assert 3 <= charge["count"] < 1000
        assert charge["rate"] == pytest.approx(charge["count"] / report["seconds"])
        assert 0 < charge["p50_seconds"] <= charge["p99_seconds"] <= 0.25
        assert charge["mean_seconds"] == pytest.approx(charge["total_seconds"] / charge["count"])
        listed = run("show")
        assert re.search(
            r"^charge_card_seconds +histogram +\d+  Duration: Charge the customer's card\.$", listed, re.MULTILINE
        )
        assert "orders_processed{" not in listed
        series = run("show", "orders_processed")
        assert "orders_processed_total{region=" in series
        (family,) = json.loads(run("show", "orders_processed", "--json"))
        assert (family["type"], family["samples"][0]["name"]) == ("counter", "orders_processed_total")
        assert "no metric has 'nonsense'" in run("show", "nonsense")
    assert "no answer" in run_trivet("metrics", "top", "--url", url, cwd=tmp_path).stderr
