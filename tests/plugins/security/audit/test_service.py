"""The log in a running kernel: everything is recorded, nothing waits needlessly, and fail-closed means it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from contextlib import contextmanager

import anyio
import attrs
import pytest
import structlog
from anyio import to_thread
from tests.plugins.security.audit.conftest import Log

from trivet import AuditError, Kernel, Launch, Provider, SealError, StartupRefused, acting_as, hookimpl
from trivet.events import AuditFailed, ConfigWarning, SecurityOperation
from trivet.testing import memory_config
from trivet_plugins.security import audit, audit_file, audit_structlog, level
from trivet_plugins.security.audit import queue as queue_module
from trivet_plugins.security.audit.directory import LogDirectory

CANARY = "hunter2-canary"


@attrs.frozen
class Section:
    """What a test changes."""

    value: int = 0


@pytest.fixture
def kernel_with(log):
    """A kernel that keeps the log, and its configuration."""

    def make(*plugins, level_name="high", **settings):
        memory = memory_config(
            {
                "plugins": {
                    "audit": {"path": str(log.path), "delay": 0.0, **settings.pop("audit", {})},
                    "security_level": {"name": level_name},
                    **settings,
                }
            }
        )
        parts = [memory, level, audit, audit_file, audit_structlog, *plugins]
        kernel = Kernel("orders", plugins=parts, discover="none", strict=True, launch=Launch(environ={}))
        kernel.config.bind("section", Section)
        return kernel, memory

    return make


def records(log):
    return [json.loads(line) for line in log.lines()]


async def do(kernel, target="x", **options):
    async with kernel.ciphers.operation("rotate", target, **options):
        pass


@contextmanager
def broken_disk(monkeypatch):
    def fail(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fail)
        yield


async def test_every_operation_is_recorded_with_who_asked(kernel_with, log):
    kernel, _ = kernel_with()
    async with kernel:
        await do(kernel, "keys")
        with acting_as("http:10.0.0.9"), pytest.raises(SealError):
            async with kernel.ciphers.operation("open", "session") as operation:
                operation.key_id = 0xAB
                raise SealError(CANARY)
    first, second = records(log)
    assert (first["op"], first["target"], first["outcome"], first["actor"]) == (
        "rotate",
        "keys",
        "ok",
        "service:orders",
    )
    assert (second["actor"], second["outcome"], second["reason"]) == ("http:10.0.0.9", "failed", "seal_error")
    assert second["key_id"] == "00000000000000ab"
    verified = log.verify()
    assert (verified.finding, verified.covered, verified.ended) == (None, 2, True)
    assert CANARY not in log.path.joinpath("0000000000000000.jsonl").read_text()


async def test_an_operation_that_does_not_wait_is_on_the_disk_soon(kernel_with, log):
    """Without waiting for the end of the kernel."""
    kernel, _ = kernel_with()
    async with kernel:
        await do(kernel)
        with anyio.fail_after(5):
            while not log.segments or not records(log):
                await anyio.sleep(0.01)


async def test_operations_in_threads_are_recorded_too(kernel_with, log):
    kernel, _ = kernel_with()

    def work():
        kernel.ciphers.recording._recorder.record(
            SecurityOperation(operation="a", target="t", key_id=None, outcome="ok")
        )

    async with kernel, anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(to_thread.run_sync, work)
    assert len(records(log)) == 10


async def test_many_tasks_share_one_log_and_nothing_is_lost(kernel_with, log):
    kernel, _ = kernel_with(level_name="paranoid")

    async def work(name):
        for number in range(20):
            await do(kernel, f"{name} {number}")

    async with kernel, anyio.create_task_group() as group:
        for name in range(20):
            group.start_soon(work, name)
    targets = [record["target"] for record in records(log)]
    assert len(targets) == 400
    for name in range(20):
        assert [one for one in targets if one.startswith(f"{name} ")] == [f"{name} {number}" for number in range(20)]
    assert log.verify().finding is None


async def test_at_level_paranoid_an_operation_ends_when_its_record_is_durable(kernel_with, log):
    kernel, _ = kernel_with(level_name="paranoid", audit={"delay": 60.0})
    async with kernel:
        await do(kernel, "first")
        assert [record["target"] for record in records(log)] == ["first"]
        with kernel.ciphers.operation("rotate", "second"):
            pass
        assert [record["target"] for record in records(log)] == ["first", "second"]


async def test_at_level_paranoid_an_operation_that_cannot_be_recorded_fails(kernel_with, log, monkeypatch):
    """Its record says so once the disk is back; until then nothing new begins, and health says why."""
    kernel, _ = kernel_with(level_name="paranoid")
    begun, events = [], []
    kernel.observe(events.append)
    async with kernel:
        await do(kernel, "before")
        with broken_disk(monkeypatch):
            with pytest.raises(AuditError, match=r"cannot be written.*No space left.*make room"):
                await do(kernel, "unrecorded")
            with pytest.raises(AuditError):
                async with kernel.ciphers.operation("rotate", "refused"):
                    begun.append(True)
            report = await kernel.health.refresh("ready")
            assert str(report.status) == "fail"
            assert "No space left" in kernel.health.results["audit"].verdict.output
        with anyio.fail_after(5):  # the writer tries again by itself
            while True:
                try:
                    await do(kernel, "after")
                    break
                except AuditError:
                    await anyio.sleep(0.05)
        await kernel.health.refresh("ready")
        assert str(kernel.health.results["audit"].verdict.status) == "pass"
    assert begun == []
    assert len([event for event in events if isinstance(event, AuditFailed)]) == 1
    assert [(one["target"], one["outcome"], one["reason"]) for one in records(log)] == [
        ("before", "ok", None),
        ("unrecorded", "failed", "audit_unavailable"),
        ("after", "ok", None),
    ]
    assert log.verify().finding is None


async def test_at_other_levels_the_service_goes_on_and_says_loudly_that_it_is_not_recorded(
    kernel_with, log, monkeypatch
):
    """A warning of health, an event that is logged as an error, a metric; the records come when the disk is back."""
    kernel, _ = kernel_with()
    events = []
    kernel.observe(events.append)
    async with kernel:
        with broken_disk(monkeypatch):
            await do(kernel, "meanwhile")
            with anyio.fail_after(5):
                while not any(isinstance(event, AuditFailed) for event in events):
                    await anyio.sleep(0.01)
            report = await kernel.health.refresh("ready")
            assert str(report.status) == "warn"
            assert (
                kernel.metrics.counter("trivet_audit_failures_total", "Tries to write the audit log that failed.")[
                    ()
                ].value
                > 0
            )
        await kernel.ciphers.recording._recorder.flush()
    assert [one["target"] for one in records(log)] == ["meanwhile"]


async def test_when_too_many_wait_the_loss_is_counted_and_recorded(kernel_with, log, monkeypatch):
    monkeypatch.setattr(queue_module, "MAX_WAITING", 5)
    kernel, _ = kernel_with()
    async with kernel:
        with broken_disk(monkeypatch):
            for number in range(9):
                await do(kernel, f"{number}")
        await kernel.ciphers.recording._recorder.flush()
        await kernel.health.refresh("ready")
        assert "4 records were lost" in kernel.health.results["audit"].verdict.output
    assert [one["target"] for one in records(log)] == [*"01234", "4 records: more than 5 waited for the disk"]
    assert records(log)[-1]["op"] == "audit_lose"


async def test_what_somebody_does_to_the_configuration_is_recorded(kernel_with, log):
    """Overrides, rollbacks, pins and refused reloads, with who did it; paths, and no value."""
    kernel, memory = kernel_with()
    async with kernel:
        await kernel.config.override({"section.value": 771_771}, actor="alice")
        await kernel.config.pin(actor="bob")
        await kernel.config.unpin(actor="bob")
        memory.data = {**memory.data, "section": {"nobody_knows": CANARY}}
        await kernel.config.reload("asked for", actor="carol")
    found = [(one["op"], one["actor"], one["outcome"]) for one in records(log)]
    assert ("config_change", "alice", "ok") in found
    assert ("config_pin", "bob", "ok") in found
    assert ("config_unpin", "bob", "ok") in found
    assert ("config_reject", "carol", "failed") in found
    assert "section.value" in records(log)[0]["target"]
    everything = b"".join(log.lines()).decode()
    assert CANARY not in everything
    assert "771771" not in everything


async def test_a_kernel_without_a_log_records_nothing_and_waits_for_nothing(log):
    kernel = Kernel("orders", plugins=[level, audit], discover="none", strict=True, launch=Launch(environ={}))
    async with kernel:
        await do(kernel)
    assert log.segments == []


async def test_the_level_says_what_the_log_must_be(tmp_path):
    """A paranoid service without a log, and one with less than its level, are warned of."""
    for settings, text in (
        ({}, "plugins.audit.path: there is no audit log, and level paranoid asks for one that is fail-closed"),
        ({"mode": "chain"}, "plugins.audit.mode: chain is less than the fail_closed of level paranoid"),
    ):
        memory = memory_config({"plugins": {"audit": settings, "security_level": {"name": "paranoid"}}})
        kernel = Kernel("orders", plugins=[memory, level, audit], discover="none", launch=Launch(environ={}))
        events = []
        kernel.observe(events.append)
        async with kernel:
            pass
        assert any(text in event.message for event in events if isinstance(event, ConfigWarning)), events


async def test_a_chain_has_no_checkpoints(kernel_with, log):
    kernel, _ = kernel_with(level_name="standard")
    async with kernel:
        await do(kernel)
    assert not (log.path / "checkpoints").exists()
    verified = log.verify()
    assert (verified.finding, verified.records, verified.covered) == (None, 1, 0)


async def test_a_log_that_is_not_there_keeps_the_service_from_starting(kernel_with, log):
    shutil.rmtree(log.path)
    kernel, _ = kernel_with()
    with pytest.raises((AuditError, StartupRefused), match="there is no audit log; make one: trivet audit init"):
        async with kernel:
            pass


async def test_two_kernels_may_keep_one_log(kernel_with, log):
    first, second = kernel_with()[0], kernel_with(level_name="paranoid")[0]
    async with first, second:
        for number in range(10):
            await do(first, f"first {number}")
            await do(second, f"second {number}")
    assert len(records(log)) == 20
    assert log.verify().finding is None


# -- sinks ----------------------------------------------------------------------------------------------------------------


class Sink:
    """A sink of somebody else's."""

    def __init__(self, failing=False):
        self.lines, self.notes, self.failing = [], [], failing

    async def write(self, lines):
        if self.failing:
            raise OSError("no route to host")
        self.lines.extend(lines)

    async def checkpoint(self, note):
        if self.failing:
            raise OSError("no route to host")
        self.notes.append(note)


def offering(**sinks):
    class Plugin:
        @hookimpl
        def register_audit_sinks(self, composition):
            return [Provider(name=name, factory=lambda sink=sink: sink) for name, sink in sinks.items()]

    return Plugin()


async def until(holds):
    with anyio.fail_after(5):
        while not holds():
            await anyio.sleep(0.01)


async def test_register_audit_sinks_gets_every_record_and_checkpoint(kernel_with, log):
    """Also those from before the sinks ran."""
    sink = Sink()
    kernel, _ = kernel_with(offering(mine=sink), audit={"delay": 0.0, "checkpoint_records": 2})
    async with kernel.ciphers.operation("early", "x"):
        pass
    async with kernel:
        await do(kernel, "a")
        await do(kernel, "b")
        await until(lambda: len(sink.lines) == 3 and sink.notes)
        assert [json.loads(line)["op"] for line in sink.lines] == ["early", "rotate", "rotate"]
        assert LogDirectory(log.path).public().open(sink.notes[-1]).size <= 3
    assert sink.lines == [line.decode().rstrip("\n") for line in log.lines()][: len(sink.lines)]


async def test_a_sink_that_fails_disturbs_neither_the_log_nor_the_others(kernel_with, log, caplog):
    good, bad = Sink(), Sink(failing=True)
    kernel, _ = kernel_with(offering(good=good, bad=bad))
    async with kernel:
        await do(kernel)
        await until(lambda: good.lines and good.notes)
        missed = kernel.metrics.counter(
            "trivet_audit_sink_missed_total", "Records that a sink did not take.", labels=("sink",)
        )
        await until(lambda: missed.labels("bad").value >= 1)
    assert log.verify().finding is None
    assert any("audit sink bad did not take" in record.getMessage() for record in caplog.records)


async def test_a_slow_sink_holds_up_no_record(kernel_with, log):
    class Slow(Sink):
        async def write(self, lines):
            self.lines.extend(lines)
            await anyio.sleep(60)

    slow = Slow()
    kernel, _ = kernel_with(offering(slow=slow))
    async with kernel:
        await do(kernel, "first")
        await until(lambda: slow.lines)
        with anyio.fail_after(4):
            await do(kernel, "second")
            while len(records(log)) < 2:
                await anyio.sleep(0.01)


async def test_the_file_sink_keeps_what_shows_a_log_that_was_put_back(kernel_with, log, tmp_path):
    copy = tmp_path / "copy"
    witness, lines = tmp_path / "witness", tmp_path / "lines"
    kernel, _ = kernel_with(audit_file={"checkpoints": str(witness), "records": str(lines)})
    async with kernel:
        await do(kernel, "first")
        await until(witness.exists)
    shutil.copytree(log.path, copy)
    kernel, _ = kernel_with(
        audit={"checkpoint_records": 1}, audit_file={"checkpoints": str(witness), "records": str(lines)}
    )
    async with kernel:
        await do(kernel, "second")
        await until(lambda: witness.read_text().count("orders/audit") == 4)
    from trivet_plugins.security.audit.notes import NotesFile

    notes = [note.text for note in NotesFile(witness).read(10**6)]
    assert log.verify(witnessed=notes).finding is None
    assert Log(copy, log.seed).verify().finding is None
    assert "cut off" in Log(copy, log.seed).verify(witnessed=notes).finding.what
    assert [json.loads(line)["target"] for line in lines.read_text().splitlines()] == ["first", "second"]


async def test_the_structlog_sink_logs_records_as_fields(kernel_with):
    kernel, _ = kernel_with(audit_structlog={"enabled": True})
    with structlog.testing.capture_logs() as entries:
        async with kernel:
            await do(kernel, "keys")
            await until(lambda: any(entry["event"] == "audit.checkpoint" for entry in entries))
    (entry,) = [entry for entry in entries if entry["event"] == "audit.record"]
    assert (entry["op"], entry["target"], entry["log_level"]) == ("rotate", "keys", "info")


# -- a full disk ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB, really mounted."""
    where = tmp_path / "small"
    where.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small tmpfs")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(where)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
    yield where
    subprocess.run(["umount", str(where)], check=True)


async def test_a_disk_that_is_really_full_loses_nothing_that_was_promised(small_disk):
    """Fail-closed until there is room again; then the log is whole, and every record that was promised is in it."""
    path = small_disk / "log"
    log = Log(path, LogDirectory(path).create("orders"))
    sections = {"audit": {"path": str(path), "delay": 0.0}, "security_level": {"name": "paranoid"}}
    parts = [memory_config({"plugins": sections}), level, audit]
    kernel = Kernel("orders", plugins=parts, discover="none", strict=True, launch=Launch(environ={}))
    ballast = small_disk / "ballast"
    promised = []
    async with kernel:
        await do(kernel, "before")
        promised.append("before")
        size = 1024
        while size:  # fill it to the last byte
            try:
                with ballast.open("ab", buffering=0) as file:
                    file.write(bytes(size))
            except OSError:
                size //= 2
        with pytest.raises(AuditError, match="No space left"):
            for number in range(1000):
                await do(kernel, f"full {number}")
                promised.append(f"full {number}")
        ballast.unlink()
        with anyio.fail_after(10):
            while True:
                try:
                    await do(kernel, "after")
                    break
                except AuditError:
                    await anyio.sleep(0.05)
        promised.append("after")
    kept = [record["target"] for record in records(log) if record["outcome"] == "ok"]
    assert kept == promised
    assert log.verify().finding is None
