from __future__ import annotations

import os
import threading
import time

import anyio
import psutil
import pytest

from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.readings import follow
from trivet_plugins.monitoring.system import SystemConfig, SystemSampler, system_sampler


class Holder:
    """As much of a kernel as the factory takes."""

    def __init__(self):
        self.metrics = Metrics()


def value(metrics, name, *labels):
    return metrics.get(name)[labels].value


def test_a_sample_has_what_the_operating_system_says():
    metrics = Metrics()
    SystemSampler(metrics).take()
    process = psutil.Process()
    assert value(metrics, "process_resident_memory_bytes") == pytest.approx(process.memory_info().rss, rel=0.2)
    assert value(metrics, "process_open_fds") == pytest.approx(process.num_fds(), abs=5)
    assert value(metrics, "process_threads") >= threading.active_count()
    assert value(metrics, "process_start_time_seconds") == process.create_time()
    assert 0 < value(metrics, "process_cpu_seconds_total") <= sum(os.times()[:2]) + 1
    assert value(metrics, "system_memory_bytes", "total") == psutil.virtual_memory().total
    assert 0 <= value(metrics, "system_cpu_share") <= 1
    assert len(metrics.get("system_load_average")) == 3
    assert value(metrics, "system_network_bytes_total", "received") >= 0


def test_counters_follow_their_readings_and_never_fall():
    """Also over a restart of the plugin, which finds the counter where it left it."""
    metrics = Metrics()
    first = SystemSampler(metrics)
    first.take()
    before = value(metrics, "process_cpu_seconds_total")
    deadline = time.process_time() + 0.05
    while time.process_time() < deadline:
        pass
    SystemSampler(metrics).take()
    after = value(metrics, "process_cpu_seconds_total")
    assert before < after <= sum(os.times()[:2]) + 0.1
    counter = metrics.counter("c", "C.")
    for reading in (5, 3, 8):
        follow(counter, reading)
    assert counter[()].value == 8


async def test_the_service_samples_in_its_rhythm_while_it_runs(monkeypatch):
    holder, taken = Holder(), []
    monkeypatch.setattr(SystemSampler, "take", lambda self: taken.append(1))
    async with system_sampler(SystemConfig(interval=0.01), holder):
        with anyio.fail_after(5):
            while len(taken) < 3:
                await anyio.sleep(0.005)
    ended = len(taken)
    await anyio.sleep(0.05)
    assert len(taken) == ended


def test_the_interval_must_be_positive():
    with pytest.raises(ValueError, match="interval"):
        SystemConfig(interval=0)


def test_a_container_without_block_devices_has_no_disk_bytes(monkeypatch):
    monkeypatch.setattr(psutil, "disk_io_counters", lambda: None)
    metrics = Metrics()
    SystemSampler(metrics).take()
    assert metrics.get("system_disk_bytes_total").cells() == []
