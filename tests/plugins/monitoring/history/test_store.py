"""The file that a history outlives its process in."""

from __future__ import annotations

import logging
import math
import os
import stat
from array import array

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plugins.monitoring.history.conftest import Scene

from trivet import Matcher, MetricHistory
from trivet.metrics.history import STALE
from trivet_plugins.monitoring import history as plugin
from trivet_plugins.monitoring.history.store import Store
from trivet_plugins.monitoring.history.tiers import Tier

MEBIBYTE = 1 << 20
SHORT = (Tier(0, 10), Tier(10, 60), Tier(60, 600))


async def saved(one, path, kernel="orders"):
    await one.recorder.seal()
    await Store(path, kernel=kernel, limit=MEBIBYTE).save(one.recorder.past.generations, one.history.now())


async def restored(path, start, kernel="orders", limit=MEBIBYTE, **more):
    other = Scene(start=start, **more)
    store = Store(path, kernel=kernel, limit=limit)
    await other.recorder.restore(await store.load(other.recorder.shelf, other.history.now()))
    return other


def content(one):
    found = {}
    for series in one.history.series():
        samples, extremes = one.history.samples(series, 0, 1e12), one.history.extremes(series, 0, 1e12)
        parts = (samples.times, samples.values, extremes.times, extremes.lows, extremes.highs)
        found[series.name, series.kind, *series.labels.items()] = [part.tobytes() for part in parts]
    return found


VALUES = st.one_of(st.floats(), st.none(), st.sampled_from([1.0, STALE]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(TEXTS, min_size=2, max_size=2, unique=True), st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=90)
)
def test_what_is_saved_is_read_back_equal(tmp_path_factory, labels, rows):
    """All series with their labels, every tier, every bit; and the history goes on."""
    path = tmp_path_factory.mktemp("history") / "metrics.history"

    async def run():
        one = Scene(tiers=SHORT, block=7)
        gauge = one.metrics.gauge("g", "G.", labels=("x",))
        for row in rows:
            for label, value in zip(labels, row, strict=True):
                gauge.remove(label) if value is None else gauge.labels(label).set(value)
            await one.tick()
        await saved(one, path)
        other = await restored(path, 5_000.0, tiers=SHORT)
        before = content(one)
        assert content(other) == before
        other.metrics.gauge("g", "G.", labels=("x",)).labels(labels[0]).set(7)
        await other.tick()
        assert other.samples("g", x=labels[0])[-1] == (5_001, 7)

    anyio.run(run)


@pytest.fixture
async def file(tmp_path):
    """A history of a counter, saved, with what it holds."""
    one = Scene()
    counter = one.metrics.counter("c", "C.")
    for _ in range(20):
        counter.inc(1.5)
        await one.tick()
    await saved(one, tmp_path / "metrics.history")
    return tmp_path / "metrics.history"


async def test_only_its_owner_may_read_it(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


async def test_every_damage_is_found_and_the_file_set_aside(file, caplog):
    """Whatever byte is another one, and wherever the file was cut off."""
    whole = file.read_bytes()
    aside = file.with_name("metrics.history.damaged")
    damaged = [whole[:length] for length in range(0, len(whole), 13)]
    damaged += [whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :] for at in range(0, len(whole), 7)]
    for bad in damaged:
        file.write_bytes(bad)
        caplog.clear()
        other = await restored(file, 5_000.0)
        assert other.history.series() == []
        assert aside.read_bytes() == bad
        assert not file.exists()
        assert [(record.levelno, record.name) for record in caplog.records] == [(logging.WARNING, "trivet.history")]
        assert "metrics.history.damaged now" in caplog.text


@pytest.mark.parametrize(
    ("why", "options"),
    [
        ("of another kernel, 'orders'", {"kernel": "billing"}),
        ("in the future", {"start": -4_000.0}),
        ("too large", {"limit": 100}),
    ],
)
async def test_what_must_not_be_taken_is_set_aside(file, caplog, why, options):
    other = await restored(file, **{"start": 5_000.0, **options})
    assert other.history.series() == []
    assert why in caplog.text
    assert file.with_name("metrics.history.damaged").exists()


async def test_a_pipe_in_its_place_does_not_hold_up_the_start(tmp_path, caplog):
    os.mkfifo(tmp_path / "pipe")
    with anyio.fail_after(10):
        other = await restored(tmp_path / "pipe", 5_000.0)
    assert other.history.series() == []
    assert "no regular file" in caplog.text


async def test_time_goes_on_after_what_was_saved(file):
    """Though the machine's clock was set back meanwhile."""
    other = await restored(file, 500.0)
    other.metrics.counter("c", "C.").inc(100)
    await other.tick()
    times = [time for time, _ in other.samples("c_total")]
    assert times == [*range(1_001, 1_021), 1_021]


async def test_what_a_smaller_budget_has_no_room_for_is_dropped(tmp_path):
    one = Scene(block=30)
    gauge = one.metrics.gauge("g", "G.", labels=("x",))
    for at in range(600):
        for number in range(50):
            gauge.labels(str(number)).set(math.sin(at * number))
        await one.tick()
    await saved(one, tmp_path / "h")
    other = await restored(tmp_path / "h", 5_000.0, budget=100_000)
    assert other.recorder.size <= 100_000


async def test_it_is_written_at_the_end_and_read_at_the_start(kernel_factory, tmp_path):
    path = tmp_path / "metrics.history"
    settings_ = {"plugins": {"history": {"path": str(path), "interval": 0.01}}}
    kernel = await kernel_factory(settings_, plugins=[plugin])
    kernel.metrics.gauge("g", "G.").set(42)
    history = kernel.service(MetricHistory)
    with anyio.fail_after(20):
        while not history.select([Matcher("__name__", "=", "g")]):
            await anyio.sleep(0.01)
    await kernel_factory.stop()
    kernel = await kernel_factory(settings_, plugins=[plugin])
    history = kernel.service(MetricHistory)
    (series,) = history.select([Matcher("__name__", "=", "g")])
    assert history.samples(series, 0, history.now()).values[0] == 42


async def test_a_save_that_is_cancelled_leaves_nothing_behind(file, monkeypatch):
    """Wherever it is: before each of its steps in a thread, the file is as it was or as it is to be, and alone."""
    one = Scene()
    one.metrics.gauge("g", "G.").set(1)
    await one.tick()
    await one.recorder.seal()
    run_sync, kept = anyio.to_thread.run_sync, []

    async def saved_until(stop):
        steps = []

        async def counted(*arguments):
            steps.append(arguments)
            if len(steps) == stop:
                scope.cancel()
            return await run_sync(*arguments)

        monkeypatch.setattr(anyio.to_thread, "run_sync", counted)
        with anyio.CancelScope() as scope:
            try:
                await Store(file, kernel="orders", limit=MEBIBYTE).save(
                    one.recorder.past.generations, one.history.now()
                )
            except BaseException as exc:
                kept.append(exc)  # with its frames, so that nothing is cleared up by chance
                raise
        return scope.cancel_called

    stop = 1
    while await saved_until(stop):
        assert [path.name for path in file.parent.iterdir()] == [file.name]
        stop += 1
    assert kept
    assert stop > 3


async def test_a_full_disk_makes_health_warn_and_the_service_runs_on(kernel_factory, tmp_path):
    """A file system of 64 kB that is really full, until it is not."""
    mount = tmp_path / "small"
    mount.mkdir()
    done = await anyio.run_process(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount], check=False)
    if done.returncode:
        pytest.skip(f"this process may not mount: {done.stderr.decode().strip()}")
    try:
        filler = mount / "filler"
        filler.write_bytes(bytes(60 << 10))
        settings_ = {"plugins": {"history": {"path": str(mount / "h"), "interval": 0.01, "save": 0.05, "block": 5}}}
        kernel = await kernel_factory(settings_, plugins=[plugin])
        gauge = kernel.metrics.gauge("g", "G.", labels=("x",))
        for number in range(300):
            gauge.labels(os.urandom(20).hex()).set(number)
        exports = kernel.metrics.get("trivet_metric_exports_total")

        async def output():
            report = await kernel.health.refresh("ready")
            return next(result.output for result in report.results if result.name == "history_export")

        with anyio.fail_after(20):
            while "No space left" not in await output():
                await anyio.sleep(0.05)
        history = kernel.service(MetricHistory)
        assert len(history.select([Matcher("__name__", "=", "g")])) == 300
        assert len(list(mount.glob(".h.*.tmp"))) <= 1, "that of the attempt under way"
        await anyio.run_process(["mount", "-o", "remount,size=64m", mount])
        before = exports["history", "ok"].value
        with anyio.fail_after(20):
            while exports["history", "ok"].value <= before:
                await anyio.sleep(0.05)
        assert await output() == ""
        await kernel_factory.stop()
        assert sorted(path.name for path in mount.iterdir()) == ["filler", "h"]
    finally:
        await anyio.run_process(["umount", "-l", mount])


def test_numbers_in_the_file_have_the_size_that_is_documented():
    assert array("I").itemsize == 4
