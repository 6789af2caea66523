from __future__ import annotations

import os
import stat
import threading

import anyio
import pytest

from trivet_plugins.monitoring import textfile as plugin
from trivet_plugins.monitoring.textfile import Textfile, TextfileConfig, replace_file


async def until(condition, seconds=20):
    with anyio.fail_after(seconds):
        while not condition():
            await anyio.sleep(0.01)


async def test_the_file_has_the_metrics_of_now_and_goes_with_the_service(kernel_factory, tmp_path):
    path = tmp_path / "orders.prom"
    settings = {"plugins": {"textfile": {"path": str(path), "interval": 0.05}}}
    kernel = await kernel_factory(settings, plugins=[plugin])
    assert isinstance(kernel.service(Textfile), Textfile)
    counter = kernel.metrics.counter("jobs", 'Jobs "done".', labels=("x",))
    counter.labels('a"b\nc').inc(3)
    await until(lambda: path.exists() and 'jobs_total{x="a\\"b\\nc"} 3\n' in path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]
    exports = kernel.metrics.get("trivet_metric_exports_total")
    assert exports["textfile", "ok"].value >= 1
    await kernel_factory.stop()
    assert list(tmp_path.iterdir()) == []


async def test_a_job_s_last_values_are_kept(kernel_factory, tmp_path):
    path = tmp_path / "job.prom"
    settings = {"plugins": {"textfile": {"path": str(path), "interval": 3600, "keep": True}}}
    kernel = await kernel_factory(settings, plugins=[plugin])
    kernel.metrics.counter("rows", "Rows.").inc(42)
    await kernel_factory.stop()
    assert "rows_total 42\n" in path.read_text()


async def test_a_directory_that_is_not_there_makes_health_warn_until_it_is(kernel_factory, tmp_path):
    path = tmp_path / "later" / "orders.prom"
    settings = {"plugins": {"textfile": {"path": str(path), "interval": 0.05}}}
    kernel = await kernel_factory(settings, plugins=[plugin])
    exports = kernel.metrics.get("trivet_metric_exports_total")
    await until(lambda: exports["textfile", "error"].value >= 1)
    report = await kernel.health.refresh("ready")
    (result,) = [one for one in report.results if one.name == "textfile_export"]
    assert "FileNotFoundError" in result.output
    assert report.ok
    path.parent.mkdir()
    await until(path.exists)
    await until(lambda: exports["textfile", "ok"].value >= 1)
    (result,) = [one for one in (await kernel.health.refresh("ready")).results if one.name == "textfile_export"]
    assert result.output == ""


async def test_without_a_path_nothing_is_written(kernel_factory):
    kernel = await kernel_factory(plugins=[plugin])
    assert kernel.metrics.get("trivet_metric_exports_total") is None


def test_readers_never_see_half_a_file(tmp_path):
    """While it is replaced hundreds of times."""
    path = tmp_path / "x.prom"
    contents = [f'a{{x="{"y" * size}"}} {size}\n'.encode() * 50 for size in (1, 4000)]
    replace_file(path, contents[0])
    stop = threading.Event()

    def write():
        for number in range(400):
            replace_file(path, contents[number % 2])
        stop.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not stop.is_set():
        assert path.read_bytes() in contents
    thread.join()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x.prom"
    replace_file(path, b"old")

    def fail(*_args):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_only_names_that_node_exporter_reads_are_taken(tmp_path):
    with pytest.raises(ValueError, match=r"\.prom"):
        TextfileConfig(path=tmp_path / "metrics.txt")
    with pytest.raises(ValueError, match="interval"):
        TextfileConfig(interval=0)
