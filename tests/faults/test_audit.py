"""An audit append that is killed at any system call: nothing that was durable is lost, and the log goes on."""

from __future__ import annotations

import pytest
from tests.plugins.security.audit.conftest import Log, entry

from trivet_plugins.security.audit.directory import LogDirectory

PREPARE = """
from trivet_plugins.security.audit.entry import AuditEntry
from trivet_plugins.security.audit.journal import Journal, JournalPolicy
def entry(name):
    return AuditEntry(at=1.0, op="open", target=name, outcome="ok")
def prepare(directory):
    return Journal(directory / "log", kernel="orders", node="n", policy=JournalPolicy(segment_bytes=1500))
"""
APPEND = PREPARE + "def operate(journal):\n    journal.commit([entry('new one'), entry('new two')])\n"
SIGN = PREPARE + "def operate(journal):\n    journal.checkpoint(forced=True)\n"
INIT = """
from trivet_plugins.security.audit.directory import LogDirectory
def prepare(directory):
    return LogDirectory(directory / "log")
def operate(log):
    log.create("orders")
"""


@pytest.fixture
def template(tmp_path):
    """A log with records before, which the state knows."""
    path = tmp_path / "template" / "log"
    path.parent.mkdir()
    return Log(path, LogDirectory(path).create("orders")).fill(2)


def go_on(log, directory):
    """Append after the crash; the log must be whole, with all that was there before it. Give what is in it."""
    left = Log(directory / "log", log.seed)
    journal = left.journal(segment_bytes=1500)
    journal.commit([entry(target="after")])
    journal.checkpoint(forced=True)
    journal.close()
    verified = left.verify()
    assert verified.finding is None, verified.finding
    assert verified.ended
    lines = left.lines()
    assert lines[:2] == log.lines()[:2]
    return b"".join(lines)


@pytest.mark.parametrize("before", [2, 4], ids=["same file", "next file"])
@pytest.mark.timeout(180)
def test_a_killed_append_is_whole_or_not_there(kill_at_every_syscall, template, before):
    """Never a half line that stays, never a record twice, and the key is where the records are."""
    if before > 2:
        template.fill(before - 2)
    seen = set()

    def check(directory):
        text = go_on(template, directory)
        seen.add((text.count(b"new one"), text.count(b"new two")))

    calls = kill_at_every_syscall(APPEND, template.path.parent, check)
    names = [call.name for call in calls]
    assert seen == {(0, 0), (1, 1)}
    assert names.index("fdatasync") < len(names) - 1 - names[::-1].index("pwrite64"), "durable before the state says so"


@pytest.mark.timeout(180)
def test_a_killed_checkpoint_is_there_or_not(kill_at_every_syscall, template):
    template.fill(1, close=False)
    kill_at_every_syscall(SIGN, template.path.parent, lambda directory: go_on(template, directory))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("operation", [APPEND, SIGN], ids=["append", "checkpoint"])
def test_a_call_that_fails_leaves_a_log_that_goes_on(syscall_faults, template, operation, error):
    """Each write and sync fails once; no record that was not promised stands there twice."""
    template.fill(1, close=False)
    for ending in syscall_faults(operation, template.path.parent).endings(
        fault=f"error={error}", only=("write", "pwrite64", "fsync", "fdatasync", "ftruncate")
    ):
        text = go_on(template, ending.directory)
        assert text.count(b"new one") == text.count(b"new two") <= 1, ending.call
        if ending.code == 0 and operation is APPEND:
            assert text.count(b"new one") == 1, ending.call


@pytest.mark.timeout(180)
def test_a_killed_init_leaves_a_log_or_an_error_that_says_what_to_do(kill_at_every_syscall, tmp_path):
    """There is a state only when all else is there."""
    empty = tmp_path / "empty"
    empty.mkdir()

    def check(directory):
        log = LogDirectory(directory / "log")
        if log.state.exists():
            assert log.signer().public == log.public()
            log.open_state().close()

    kill_at_every_syscall(INIT, empty, check)
