"""Random questions about a span of time, answered as a real Prometheus server answers them."""

from __future__ import annotations

import random
import subprocess

from tests.plugins.alerts.promql.expressions import Questions, series
from tests.plugins.alerts.promql.script import close
from tests.prometheus import prometheus

from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.promql.labels import labels_of, series_text
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.notation import parse_series, parse_values
from trivet_plugins.alerts.promql.number_text import plain_number
from trivet_plugins.alerts.promql.query import Query

BASE = 1_700_000_000
SPAN = (BASE + 103, BASE + 583, 30)
"""Three seconds after samples, at every time: see `tests.plugins.alerts.promql.expressions`."""


def samples(dice):
    """Yield ``(labels, seconds, value)``; a block of a server's storage cannot be told that a series is stale."""
    for name, values in series(dice).items():
        labels = parse_series(name)
        for number, value in enumerate(parse_values(values.replace("stale", "_"))):
            if value is not None:
                yield labels, BASE + number * 10, value


def blocks(promtool, directory, found):
    lines = [
        f"{series_text(labels).replace(', ', ',')} {plain_number(value)} {seconds}\n"
        for labels, seconds, value in found
    ]
    (directory / "samples.om").write_text("".join(lines) + "# EOF\n")
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "samples.om", "tsdb"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=60)


def theirs(server, text):
    """Return ``{labels: {seconds: value}}``; None where there is no answer."""
    start, end, step = SPAN
    asked = {"query": text, "start": start, "end": end, "step": step}
    answer = server.client.get("/api/v1/query_range", params=asked).json()
    if answer["status"] == "error":
        return None
    return {
        labels_of(one["metric"]): {time: float(value) for time, value in one["values"]}
        for one in answer["data"]["result"]
    }


def ours(storage, text):
    start, end, step = (number * 1000 for number in SPAN)
    try:
        found = Query.parse(text).over(storage, start, end, step).value
    except EvaluationError:
        return None
    return {
        one.labels: {time / 1000: value for time, value in zip(one.times, one.values, strict=True)}
        for one in found.series
    }


def differ(found, expected):
    if found is None or expected is None:
        return (found is None) is not (expected is None)
    if found.keys() != expected.keys():
        return True
    return any(
        expected[labels].keys() != values.keys()
        or any(not close(expected[labels][time], value, absolute=1e-9) for time, value in values.items())
        for labels, values in found.items()
    )


def test_every_span_is_that_of_prometheus(program, tmp_path):
    dice = random.Random(11)
    everything, storage = list(samples(dice)), MemoryStorage()
    for labels, seconds, value in everything:
        storage.add(labels, seconds * 1000, value)
    blocks(program("promtool", package="prometheus"), tmp_path, everything)
    questions, wrong, answered = Questions(dice), [], 0
    binary = program("prometheus", package="prometheus")
    with prometheus(binary, tmp_path, "--storage.tsdb.retention.time=100y") as server:
        for _ in range(150):
            text = questions.any().replace("@ 213", f"@ {BASE + 213}")
            if "@" in text and ("predict_linear" in text or "quantile_over_time" in text):
                continue  # version 2 answers the first time only; version 3 has tests of all
            found, expected = ours(storage, text), theirs(server, text)
            answered += bool(expected)
            if differ(found, expected):
                wrong.append(f"{text}: {found}, not {expected}")
    assert wrong == []
    assert answered > 60
