"""Real processes: forked, stopped, killed."""

from __future__ import annotations

import json
import os
import signal
import traceback

import anyio
import pytest

from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring import multiprocess as plugin
from trivet_plugins.monitoring.family_state import Merge, dump
from trivet_plugins.monitoring.multiprocess import MultiprocessConfig
from trivet_plugins.monitoring.worker_files import WorkerFiles

pytestmark = pytest.mark.timeout(120)


def filled(number):
    """What worker ``number`` has counted."""
    metrics = Metrics()
    metrics.counter("jobs", "J.", labels=("x",)).labels("a").inc(number)
    metrics.counter("jobs", "J.", labels=("x",)).labels(str(number)).inc()
    metrics.gauge("queue", "Q.").set(number)
    histogram = metrics.histogram("wait", "W.", buckets=(1, 10))
    histogram.observe(0.5)
    histogram.observe(5 * number)
    metrics.summary("size", "S.").observe(number)
    metrics.info("build", "B.", {"version": "1"})
    metrics.stateset("phase", "P.", ("up", "down")).set("up" if number % 2 else "down")
    return metrics


class Forked:
    """A forked worker that writes what it counted, and then waits to be told how to end."""

    def __init__(self, directory, number):
        ready, self._ready = os.pipe()
        self._end, end = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                files = WorkerFiles(directory)
                files.write(dump(filled(number).families()))
                os.write(self._ready, b"x")
                os.close(end)
                os.read(self._end, 1)
                files.close()
            except BaseException:  # noqa: BLE001 - a child must not go on as a second pytest
                traceback.print_exc()
            os._exit(0)
        os.close(self._ready)
        os.read(ready, 1)
        os.close(ready)
        self._tell = end
        self.ended = False

    def stop(self):
        os.write(self._tell, b"x")
        os.close(self._tell)
        os.waitpid(self.pid, 0)
        self.ended = True

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.close(self._tell)
        os.waitpid(self.pid, 0)
        self.ended = True


def merged(files, gauges=None, default="all"):
    merge = Merge(gauges or {}, default)
    for pid, state in files.others():
        merge.add(state, pid)
    return {family.name: family for family in merge.families()}


@pytest.fixture
def forked(tmp_path):
    """Start workers: ``forked(1, 2)``; those that still run at the end are stopped."""
    running = []

    def start(*numbers):
        workers = [Forked(tmp_path, number) for number in numbers]
        running.extend(workers)
        return workers

    yield start
    for worker in running:
        if not worker.ended:
            worker.kill()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_metrics_of_living_workers_are_merged_by_their_kind(tmp_path, forked):
    one, two = forked(1, 2)
    files = WorkerFiles(tmp_path)
    found = merged(files)
    assert {cell.labels: cell.value for cell in found["jobs_total"].cells()} == {("a",): 3, ("1",): 1, ("2",): 1}
    assert {cell.labels: cell.value for cell in found["queue"].cells()} == {(str(one.pid),): 1, (str(two.pid),): 2}
    assert found["queue"].label_names == ("pid",)
    assert (found["wait"][()].cumulated(), found["wait"][()].sum) == ([2, 4, 4], 16)
    assert (found["size"][()].count, found["size"][()].sum) == (2, 3)
    assert found["build_info"][()].value == {"version": "1"}
    assert found["phase"][()].value == {"up", "down"}
    modes = {"sum": 3, "min": 1, "max": 2}
    assert {mode: merged(files, {"queue": mode})["queue"][()].value for mode in modes} == modes
    assert merged(files, default="sum")["queue"][()].value == 3
    files.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_dead_workers_counted_is_kept_once_and_their_gauges_are_not(tmp_path, forked):
    """Stopped or killed, seen by one survivor or by several, again and again."""
    stopped, killed, living = forked(1, 2, 4)
    stopped.stop()
    killed.kill()
    files, second = WorkerFiles(tmp_path), WorkerFiles(tmp_path)
    for _ in range(3):
        for reader in (files, second):
            found = merged(reader)
            assert found["jobs_total"]["a",].value == 7
            assert found["wait"][()].cumulated()[-1] == 6
            assert [cell.labels for cell in found["queue"].cells()] == [(str(living.pid),)]
    assert len(list(tmp_path.glob("*-*.json"))) == 1
    living.kill()
    assert merged(files)["jobs_total"]["a",].value == 7
    files.close()
    second.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_survivor_that_is_killed_while_it_buries_counts_nothing_twice(tmp_path, forked):
    """Between writing ``dead.json`` and removing the dead's file."""
    (worker,) = forked(5)
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("*-*")}
    worker.kill()
    files = WorkerFiles(tmp_path)
    assert merged(files)["jobs_total"]["a",].value == 5
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)  # as if the removal had not happened
    assert merged(files)["jobs_total"]["a",].value == 5
    assert merged(files)["jobs_total"]["a",].value == 5
    files.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_a_scrape_of_one_worker_shows_all(tmp_path, forked, kernel_factory):
    (other,) = forked(3)
    settings = {"directory": str(tmp_path), "interval": 0.05, "gauges": {"queue": "sum"}}
    kernel = await kernel_factory({"plugins": {"multiprocess": settings}}, plugins=[plugin, "prometheus"])
    counter = kernel.metrics.counter("jobs", "J.", labels=("x",))
    counter.labels("a").inc(10)
    kernel.metrics.gauge("queue", "Q.").set(4)

    def shown():
        exporter = kernel.metrics.exporters["prometheus"]
        return b"".join(exporter.encode(kernel.metrics.families())).decode()

    async def until(*lines):
        with anyio.fail_after(30):
            while not all(f"\n{line}\n" in shown() for line in lines):
                await anyio.sleep(0.02)

    await until('jobs_total{x="a"} 13', "queue 7", 'jobs_total{x="3"} 1')
    other.kill()
    await until('jobs_total{x="a"} 13', "queue 4")
    counter.labels("a").inc()
    await until('jobs_total{x="a"} 14')
    await kernel_factory.stop()
    assert counter["a",].value == 11
    second = WorkerFiles(tmp_path)
    assert merged(second)["jobs_total"]["a",].value == 14
    second.close()


def test_what_does_not_fit_is_left_out():
    """Workers of two versions, during a rolling restart."""
    one, two = Metrics(), Metrics()
    one.histogram("h", "H.", buckets=(1,)).observe(1)
    two.histogram("h", "H.", buckets=(2,)).observe(1)
    one.gauge("g", "G.").set(1)
    two.counter("g_total", "G.").inc()
    two.gauge("pid_gauge", "P.", labels=("pid",)).labels("x").set(1)
    merge = Merge({}, "all")
    merge.add(json.loads(json.dumps(dump(one.families()))), "1")
    merge.add(json.loads(json.dumps(dump(two.families()))), "2")
    found = {family.name: family for family in merge.families()}
    assert found["h"][()].cumulated()[-1] == 1
    assert found["pid_gauge"].label_names == ("pid", "worker_pid")


def test_a_mode_that_there_is_not_is_refused():
    for wrong in ({"gauges": {"x": "mean"}}, {"default": "last"}):
        with pytest.raises(ValueError, match="all, sum, min, max"):
            MultiprocessConfig(**wrong)
