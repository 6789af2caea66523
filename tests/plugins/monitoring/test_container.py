"""The container's metrics, from a directory shaped like cgroup v2, and from the machine's own where it has one."""

from __future__ import annotations

import anyio
import pytest

from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.cgroup import Cgroup, pressure
from trivet_plugins.monitoring.container import ContainerConfig, ContainerSampler

PRESSURE = (
    "some avg10=1.53 avg60=0.87 avg300=0.31 total=4508886\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n"
)


@pytest.fixture
def root(tmp_path):
    """A cgroup below one with tighter limits."""
    pod, app = tmp_path / "cg" / "pod", tmp_path / "cg" / "pod" / "app"
    app.mkdir(parents=True)
    (pod / "cpu.max").write_text("50000 100000\n")
    (pod / "memory.max").write_text("1000\n")
    (pod / "memory.current").write_text("900\n")
    files = {
        "cpu.max": "200000 100000\n",
        "cpu.stat": "user_usec 3000000\nsystem_usec 2000000\nnr_periods 100\nnr_throttled 30\nthrottled_usec 1500000\n",
        "memory.max": "max\n",
        "memory.current": "800\n",
        "memory.stat": "anon 500\nfile 300\ninactive_file 100\n",
        "memory.events": "low 0\nhigh 2\nmax 3\noom 1\noom_kill 1\n",
        "pids.current": "12\n",
        "pids.max": "64\n",
        "io.stat": "8:0 rbytes=1000 wbytes=200 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=10 wbytes=2\n",
        "cpu.pressure": PRESSURE,
    }
    for name, text in files.items():
        (app / name).write_text(text)
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "pressure").mkdir()
    (proc / "self" / "cgroup").write_text("1:name=systemd:/x\n0::/pod/app\n")
    (proc / "pressure" / "memory").write_text(PRESSURE)
    return tmp_path


@pytest.fixture
def config(root):
    return ContainerConfig(cgroup=root / "cg", proc=root / "proc", interval=0.01)


NAMES = """
container_cpu_usage_seconds_total container_cpu_limit_cores container_cpu_periods_total container_cpu_throttled_seconds_total
container_memory_bytes container_memory_available_bytes container_memory_limit_bytes container_memory_events_total
container_pids container_io_bytes_total container_pressure_seconds_total system_pressure_seconds_total
"""


def values(metrics):
    return {(name, *cell.labels): cell.value for name in NAMES.split() for cell in metrics.get(name).cells()}


def test_the_tightest_limit_counts_and_throttling_shows(config):
    """A pod with half a CPU makes a container with two have half a CPU."""
    metrics = Metrics()
    ContainerSampler(metrics, config).take()
    assert values(metrics) == {
        ("container_cpu_usage_seconds_total", "user"): 3.0,
        ("container_cpu_usage_seconds_total", "system"): 2.0,
        ("container_cpu_limit_cores",): 0.5,
        ("container_cpu_periods_total", "yes"): 30,
        ("container_cpu_periods_total", "no"): 70,
        ("container_cpu_throttled_seconds_total",): 1.5,
        ("container_memory_bytes", "current"): 800,
        ("container_memory_bytes", "anon"): 500,
        ("container_memory_bytes", "file"): 300,
        ("container_memory_bytes", "inactive_file"): 100,
        ("container_memory_available_bytes",): 100,
        ("container_memory_limit_bytes",): 1000,
        ("container_memory_events_total", "low"): 0,
        ("container_memory_events_total", "high"): 2,
        ("container_memory_events_total", "max"): 3,
        ("container_memory_events_total", "oom"): 1,
        ("container_memory_events_total", "oom_kill"): 1,
        ("container_pids", "current"): 12,
        ("container_pids", "limit"): 64,
        ("container_io_bytes_total", "read"): 1010,
        ("container_io_bytes_total", "written"): 202,
        ("container_pressure_seconds_total", "cpu", "some"): pytest.approx(4.508886),
        ("container_pressure_seconds_total", "cpu", "full"): 1.0,
        ("system_pressure_seconds_total", "memory", "some"): pytest.approx(4.508886),
        ("system_pressure_seconds_total", "memory", "full"): 1.0,
    }


def test_where_there_is_no_cgroup_there_are_no_series(tmp_path):
    """A machine with the old cgroups, or none: nothing is made up."""
    metrics = Metrics()
    ContainerSampler(metrics, ContainerConfig(cgroup=tmp_path / "none", proc=tmp_path / "none")).take()
    assert set(values(metrics)) <= {
        ("container_cpu_throttled_seconds_total",),
        ("container_cpu_limit_cores",),
        ("container_memory_available_bytes",),
        ("container_memory_limit_bytes",),
    }


def test_a_file_of_nonsense_is_no_series(config):
    """Kernels differ: what cannot be read is left out."""
    app = config.cgroup / "pod" / "app"
    (app / "cpu.stat").write_text("user_usec many\n\xff\n")
    (app / "cpu.pressure").write_text("some total=\nwhat\n")
    (app / "cpu.max").write_text("max 100000\n")
    metrics = Metrics()
    ContainerSampler(metrics, config).take()
    found = values(metrics)
    assert ("container_cpu_usage_seconds_total", "user") not in found
    assert found[("container_cpu_limit_cores",)] == 0.5
    assert pressure("some avg10=1 total=12x") == {}


def test_a_cgroup_that_is_not_seen_from_inside_is_the_mounted_root(tmp_path):
    """In a container without a cgroup namespace the path is the host's, and the mount its own part."""
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert Cgroup(tmp_path, "/kubepods/pod7/app").cpu_limit() == 1.0


async def test_it_samples_while_the_service_runs(kernel_factory, config):
    settings = {"cgroup": str(config.cgroup), "proc": str(config.proc), "interval": 0.01}
    kernel = await kernel_factory({"plugins": {"container": settings}}, plugins=["container"])
    (config.cgroup / "pod" / "app" / "pids.current").write_text("13\n")
    with anyio.fail_after(10):
        while values(kernel.metrics)["container_pids", "current"] != 13:
            await anyio.sleep(0.01)


async def test_this_machine_is_measured_without_error(kernel_factory):
    kernel = await kernel_factory(plugins=["container"])
    assert kernel.provided("service")["container"] is not None
