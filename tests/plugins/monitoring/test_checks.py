from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from trivet.health.check import HealthCheck, Status
from trivet.health.registry import Health
from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring import disk, memory
from trivet_plugins.monitoring.cgroup import Cgroup
from trivet_plugins.monitoring.disk import DiskConfig, disk_check, free_space
from trivet_plugins.monitoring.event_loop import EventLoopCheck, EventLoopConfig, event_loop_check
from trivet_plugins.monitoring.memory import MemoryCheck, MemoryConfig


class Holder:
    """As much of a kernel as the factories take."""

    def __init__(self):
        self.metrics = Metrics()


# -- disk -----------------------------------------------------------------------------------------------------------------


async def test_the_disk_check_reports_the_free_space_of_a_real_disk(tmp_path):
    verdict = await disk_check(DiskConfig(paths=(tmp_path,), warn_share=0, fail_share=0, fail_bytes=0)).check()
    assert verdict.status is Status.PASS
    stat = os.statvfs(tmp_path)
    assert verdict.observed["free_bytes"] == pytest.approx(stat.f_bavail * stat.f_frsize, rel=0.2)
    assert 0 <= verdict.observed["free_share"] <= 1


@pytest.mark.parametrize(
    ("config", "status"),
    [
        ({"warn_share": 1, "fail_share": 0, "fail_bytes": 0}, Status.WARN),
        ({"warn_share": 1, "fail_share": 1, "fail_bytes": 0}, Status.FAIL),
        ({"warn_share": 0, "fail_share": 0, "fail_bytes": 2**80}, Status.FAIL),
    ],
)
def test_a_full_disk_is_named(tmp_path, config, status):
    verdict = free_space(tmp_path, DiskConfig(**config))
    assert verdict.status is status
    assert str(tmp_path) in verdict.output


async def test_the_fullest_of_several_disks_counts(monkeypatch):
    free = {"a": 50, "b": 5, "c": 90}
    usage = lambda path: type("Usage", (), {"free": free[str(path)] * 2**30, "total": 100 * 2**30})  # noqa: E731
    monkeypatch.setattr(disk.shutil, "disk_usage", usage)
    verdict = await disk_check(DiskConfig(paths=tuple(map(Path, free)))).check()
    assert verdict.status is Status.WARN
    assert verdict.observed["free_share"] == 0.05
    assert verdict.output.startswith("5.0% of the disk of ")


async def test_a_disk_that_is_not_there_fails_with_its_path(tmp_path):
    health = Health()
    health.add("disk", disk_check(DiskConfig(paths=(tmp_path / "gone",), critical=True)))
    report = await health.refresh("ready")
    assert report.status is Status.FAIL
    assert str(tmp_path / "gone") in report.results[0].output


async def test_a_disk_that_never_answers_holds_up_nobody(monkeypatch):
    """statvfs on a dead network file system blocks for ever, and no thread can be cancelled."""
    leave = threading.Event()
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: leave.wait(20))
    health = Health()
    check = disk_check(DiskConfig())
    check.plan = disk.CheckPlan(timeout=0.05)
    health.add("disk", check)
    try:
        with anyio.fail_after(10):
            report = await health.refresh()
            assert report.status is Status.FAIL
            report = await health.refresh()
            assert "still runs" in report.results[0].output
    finally:
        leave.set()


def test_shares_are_between_0_and_1():
    with pytest.raises(ValueError, match="warn_share"):
        DiskConfig(warn_share=10.0)


# -- memory ---------------------------------------------------------------------------------------------------------------


def cgroup(path, limit, current, inactive_file=0):
    path.mkdir(parents=True, exist_ok=True)
    (path / "memory.max").write_text(f"{limit}\n")
    (path / "memory.current").write_text(f"{current}\n")
    (path / "memory.stat").write_text(f"anon 5\ninactive_file {inactive_file}\nactive_file 7\n")


async def test_the_memory_check_passes_on_a_machine_with_memory(tmp_path):
    check = MemoryCheck(MemoryConfig(warn_share=0, fail_share=0, cgroup=tmp_path))
    assert isinstance(check, HealthCheck)
    verdict = await check.check()
    assert verdict.status is Status.PASS
    assert verdict.observed["available_bytes"] > 0


async def test_a_container_s_limit_counts_where_it_is_tighter(tmp_path, monkeypatch):
    """psutil alone reports the whole machine (giampaolo/psutil#2100)."""
    monkeypatch.setattr(memory.Cgroup, "own", lambda root: Cgroup(root, "/pod/app"))
    cgroup(tmp_path / "pod", 1000, 950, inactive_file=20)
    cgroup(tmp_path / "pod" / "app", "max", 900)
    verdict = await MemoryCheck(MemoryConfig(cgroup=tmp_path)).check()
    assert verdict.status is Status.WARN
    assert verdict.observed == {"available_bytes": 70, "available_share": 0.07}
    assert "7.0% of the container's" in verdict.output


def test_page_cache_that_can_be_dropped_counts_as_available(tmp_path):
    cgroup(tmp_path, 1000, 990, inactive_file=500)
    assert list(Cgroup(tmp_path).memory_limits()) == [(510, 1000)]


def test_every_cgroup_up_to_the_root_limits(tmp_path):
    cgroup(tmp_path / "a" / "b", 100, 10)
    cgroup(tmp_path / "a", 50, 20)
    (tmp_path / "memory.max").write_text("7\n")
    (tmp_path.parent / "memory.max").write_text("1\n")
    assert [limit for _free, limit in Cgroup(tmp_path, "/a/b").memory_limits()] == [100, 50, 7]


def test_no_cgroup_means_no_limit(tmp_path):
    assert list(Cgroup(tmp_path / "none", "/x/y").memory_limits()) == []
    assert Cgroup.own().path.startswith("/")


# -- event loop -----------------------------------------------------------------------------------------------------------


async def test_the_event_loop_check_notices_code_that_blocks_the_loop():
    holder = Holder()
    async with event_loop_check(EventLoopConfig(interval=0.01, warn=0.2, fail=100), holder) as check:
        assert isinstance(check, HealthCheck)
        assert check.plan.groups == {"live"}
        await anyio.sleep(0.02)
        time.sleep(0.3)  # noqa: ASYNC251 - the fault itself
        await anyio.sleep(0.02)
        verdict = await check.check()
        assert verdict.status is Status.WARN
        assert verdict.observed["lag_seconds"] >= 0.25
        assert "blocked" in verdict.output
    assert holder.metrics.get("trivet_event_loop_lag_seconds") is not None


async def test_each_verdict_is_about_the_time_since_the_last():
    metrics = Metrics()
    check = EventLoopCheck(
        EventLoopConfig(warn=1, fail=2), metrics.gauge("lag", "Lag."), metrics.counter("blocked_total", "Blocked.")
    )
    check._worst = 3.0
    assert (await check.check()).status is Status.FAIL
    assert (await check.check()).status is Status.PASS


def block(seconds):
    time.sleep(seconds)


async def test_a_blocked_loop_is_reported_while_it_is_blocked_and_with_its_place(caplog):
    """Nothing in the loop can say so: a thread logs the stack, once, and the verdict names the line afterwards."""
    holder = Holder()
    config = EventLoopConfig(interval=0.01, warn=0.2, fail=100, watchdog=0.1)
    async with event_loop_check(config, holder) as check:
        await anyio.sleep(0.05)
        block(1.0)
        logged = list(caplog.records)  # before the loop runs again
        with anyio.fail_after(10):
            while "at " not in (verdict := await check.check()).output:
                await anyio.sleep(0.01)
    assert [record.name for record in logged] == ["trivet.event_loop"]
    assert "in block" in logged[0].getMessage()
    assert "time.sleep(seconds)" in logged[0].getMessage()
    assert "test_checks.py" in verdict.output
    assert "in block: move blocking work to a thread" in verdict.output


async def test_a_loop_that_runs_is_not_reported(caplog):
    """A long interval between the measurements is no block."""
    async with event_loop_check(EventLoopConfig(interval=10, watchdog=0.05), Holder()):
        await anyio.sleep(0.5)
    assert caplog.records == []


async def test_the_measurement_ends_with_the_check():
    holder = Holder()
    with anyio.fail_after(5):
        async with event_loop_check(EventLoopConfig(interval=100), holder):
            await anyio.lowlevel.checkpoint()
