"""``trivet metrics history``: the lines, and the command on a real service."""

from __future__ import annotations

import json

import pytest

from trivet_plugins.cli.metrics_history import BARS, COLUMNS, PLAIN_BARS, _lines, sparkline

pytestmark = pytest.mark.timeout(120)


def test_a_line_goes_from_the_lowest_bar_to_the_highest():
    rising = [(float(second), float(second)) for second in range(60)]
    line = sparkline(rising, 0, 60)
    assert (line[0], line[-1], len(line)) == (BARS[0], BARS[-1], COLUMNS)
    assert list(line) == sorted(line)


def test_where_there_is_nothing_it_is_blank():
    assert sparkline([(0.0, 1.0), (59.9, 1.0)], 0, 60) == BARS[0] + " " * 58 + BARS[0]


def test_of_what_grows_it_shows_how_fast():
    """A counter that begins anew does not look like a fall."""
    counter = {
        "name": "c_total",
        "kind": "counter",
        "labels": {"x": "a\x1b"},
        "times": [0, 1, 2, 3],
        "values": [5, 7, 3, 4],
    }
    name, line = _lines(counter, 0, 60, PLAIN_BARS)
    assert name == "c_total{x=a\\x1b}"
    assert line.endswith("min 1/s  max 3/s  last 1/s")
    ended = {**counter, "kind": "gauge", "labels": {}, "values": [5, "+Inf", 7, None]}
    name, line = _lines(ended, 0, 60, PLAIN_BARS)
    assert name == "c_total"
    assert line.endswith("  min 5  max 7  last 7")
    assert "too few" in list(_lines({**counter, "times": [1], "values": [1]}, 0, 60, BARS))[1]


def test_the_command_asks_a_running_service(orders, run_service, run_trivet):
    with run_service(orders, "--set", "plugins.history.interval=0.05") as service:
        url = str(service.client.base_url)
        name = "process_resident_memory_bytes"
        service.wait_until(
            lambda: any(len(one["times"]) > 3 for one in service.client.get(f"/history?name={name}").json()["series"])
        )
        shown = run_trivet("metrics", "history", name, "--url", url, cwd=orders)
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout.startswith(f"{name}\n  ")
        assert "last " in shown.stdout
        found = run_trivet("metrics", "history", name, "--since", "60", "--json", "--url", url, cwd=orders)
        assert json.loads(found.stdout)["series"][0]["kind"] == "gauge"
        none = run_trivet("metrics", "history", name, "--match", "x=y", "--url", url, cwd=orders)
        assert none.stdout.startswith("there is no history of")
        wrong = run_trivet("metrics", "history", name, "--match", "x", "--url", url, cwd=orders)
        assert wrong.returncode == 64
