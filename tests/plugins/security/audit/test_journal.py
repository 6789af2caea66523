"""What is committed stands in the log for good; a process that dies or a disk that is full costs nothing that was committed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time

import pytest
from tests.plugins.security.audit.conftest import entry

from trivet import AuditError
from trivet_plugins.security.audit.checkpoint import Signer
from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.journal import Journal
from trivet_plugins.security.audit.ratchet import Ratchet
from trivet_plugins.security.audit.state import newest

WRITER = """
import pathlib, sys
from trivet_plugins.security.audit.entry import AuditEntry
from trivet_plugins.security.audit.journal import Journal, JournalPolicy
journal = Journal(pathlib.Path(sys.argv[1]), kernel="orders", node=sys.argv[2], policy=JournalPolicy(segment_bytes=20_000))
for number in range(60):
    batch = [AuditEntry(at=1.0, op="open", target=f"{sys.argv[2]} {number}-{part}", outcome="ok") for part in range(3)]
    journal.commit(batch)
    journal.checkpoint()
journal.close()
"""


def targets(log):
    return [json.loads(line)["target"] for line in log.lines()]


def test_records_come_back_as_they_were_given(log):
    log.fill([3, 2])
    records = [json.loads(line) for line in log.lines()]
    assert [record["seq"] for record in records] == [0, 1, 2, 3, 4]
    assert {
        name: records[4][name] for name in ("op", "target", "actor", "kernel", "node", "key_id", "outcome", "reason")
    } == {
        "op": "open",
        "target": "config a.b1",
        "actor": "service:orders",
        "kernel": "orders",
        "node": "web-1",
        "key_id": "9f86d081884c7d65",
        "outcome": "ok",
        "reason": None,
    }
    assert log.verify().finding is None


def test_a_log_goes_on_after_it_was_closed(log):
    log.fill(3)
    log.fill(4)
    verified = log.verify()
    assert (verified.finding, verified.records, verified.covered, verified.ended) == (None, 7, 7, True)


def test_a_large_log_is_several_files_named_by_their_first_record(log):
    log.fill([5] * 20, segment_bytes=5000)
    names = [path.name for path in log.segments]
    assert len(names) > 3
    assert names == [f"{json.loads(path.read_bytes().splitlines()[0])['seq']:016d}.jsonl" for path in log.segments]
    assert all(path.stat().st_size <= 5000 for path in log.segments)
    verified = log.verify()
    assert (verified.finding, verified.segments, verified.records) == (None, len(names), 100)


def test_a_checkpoint_is_due_after_so_many_records_or_so_long(log):
    journal = log.journal(checkpoint_records=10, checkpoint_interval=3600)
    journal.commit([entry()])
    assert journal.checkpoint() is not None  # the first one: nothing vouches for the log before
    journal.commit([entry()] * 9)
    assert journal.checkpoint() is None
    journal.commit([entry()])
    assert LogDirectory(log.path).public().open(journal.checkpoint()).size == 11
    assert journal.checkpoint(forced=True) is None  # there is nothing that it would add
    journal.close()
    journal = log.journal(checkpoint_records=10, checkpoint_interval=0.001)
    journal.commit([entry()])
    time.sleep(0.002)
    assert LogDirectory(log.path).public().open(journal.checkpoint()).size == 12
    journal.close()


def test_the_seed_and_old_keys_are_nowhere_in_the_directory(log):
    """Who takes the directory has the key of the next record, and of none before."""
    log.fill([1, 2, 3])
    ratchet, old = Ratchet(0, log.seed.key), []
    for _ in range(6):
        old.append(ratchet.key())
        ratchet.step()
    state = newest((log.path / "state").read_bytes())
    assert state.key == ratchet.key()
    everything = b"".join(path.read_bytes() for path in log.path.iterdir())
    import base64

    for key in old:
        assert key not in everything
        assert key.hex().encode() not in everything
        assert base64.b64encode(key) not in everything


def test_who_has_the_present_key_cannot_write_an_earlier_record(log):
    """With the whole directory an attacker writes on, and rewrites nothing: the key of each place is gone (CVE-2023-31439)."""
    log.fill(5)
    state = newest((log.path / "state").read_bytes())
    lines = log.lines()
    for place in range(5):
        from trivet_plugins.security.audit.position import Position

        forged = Position(Ratchet(place, state.key), bytes(32), _tree(lines[:place]))
        forged.tag = bytes.fromhex(json.loads(lines[place - 1])["tag"]) if place else bytes(32)
        line = forged.add(entry(target="config harmless"), "orders", "web-1")
        log.segments[0].write_bytes(b"".join([*lines[:place], line, *lines[place + 1 :]]))
        found = log.verify(public=False).finding
        assert (found.seq, found.line) == (place, place + 1)


def _tree(lines):
    from trivet_plugins.security.audit.tree import MerkleTree
    from trivet_plugins.security.merkle import leaf_hash

    tree = MerkleTree()
    for line in lines:
        tree.append(leaf_hash(line[:-1]))
    return tree


def test_two_processes_take_turns_in_one_log(log):
    """Nothing is lost, doubled or torn, over the change of files too; each process's own order stays."""
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, str(log.path), name]) for name in ("left", "right")]
    assert [process.wait(60) for process in processes] == [0, 0]
    found = targets(log)
    assert len(found) == 360
    for name in ("left", "right"):
        assert [one for one in found if one.startswith(name)] == [
            f"{name} {turn}-{part}" for turn in range(60) for part in range(3)
        ]
    verified = log.verify()
    assert (verified.finding, verified.records) == (None, 360)
    assert verified.segments > 3


def test_a_log_that_stays_locked_is_an_error_that_says_so(log, monkeypatch):
    import fcntl

    from trivet_plugins.security.audit import state

    monkeypatch.setattr(state, "LOCK_SECONDS", 0.05)
    journal = log.journal()
    with (log.path / "state").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AuditError, match=r"state: locked by another process"):
            journal.commit([entry()])
    journal.commit([entry()])
    journal.close()


# -- after a crash --------------------------------------------------------------------------------------------------------


def crashed(log, records, rest):
    """A log whose process died: whole lines were written and the state does not know them, and a rest of a line."""
    before = (log.path / "state").read_bytes()
    journal = log.journal(sign=False)
    if records:
        journal.commit([entry(number, target="late") for number in range(records)])
    journal.close()
    (log.path / "state").write_bytes(before)
    with log.segments[-1].open("ab") as file:
        file.write(rest)


@pytest.mark.parametrize("records", [0, 1, 3])
@pytest.mark.parametrize("rest", [b"", b'{"actor":"serv', b"\0" * 5000, b"x\n", b"x" * 20_000 + b"\ny"], ids=len)
def test_whole_records_are_taken_over_and_the_rest_is_set_aside(log, records, rest):
    log.fill(2)
    crashed(log, records, rest)
    journal = log.journal()
    journal.commit([entry(target="after")])
    journal.checkpoint(forced=True)
    journal.close()
    said = f"0000000000000000.jsonl: {len(rest)} bytes set aside in torn-{2 + records:016d}-0"
    recovery = [said] if rest else []
    assert targets(log)[2:] == ["late"] * records + recovery + ["after"]
    assert [path.read_bytes() for path in log.path.glob("torn-*")] == ([rest] if rest else [])
    assert log.verify().finding is None


def test_a_line_that_the_key_does_not_know_is_no_record(log):
    """A crash is no way in: what somebody else has added is set aside."""
    log.fill(2)
    with log.segments[0].open("ab") as file:
        file.write(log.lines()[1])
    log.fill(1)
    assert "bytes set aside" in targets(log)[2]
    assert log.verify().finding is None


def test_the_first_records_of_a_new_file_are_taken_over(log):
    """The process died after it had begun another file."""
    log.fill(10, segment_bytes=5000)
    before = (log.path / "state").read_bytes()
    journal = log.journal(sign=False, segment_bytes=5000)
    journal.commit([entry(target="late")] * 12)
    journal.close()
    assert len(log.segments) == 2
    (log.path / "state").write_bytes(before)
    journal = log.journal(segment_bytes=5000)
    journal.commit([entry(target="after")])
    journal.checkpoint(forced=True)
    journal.close()
    assert targets(log)[10:] == ["late"] * 12 + ["after"]
    assert log.verify().finding is None


def test_a_log_that_was_cut_goes_on_with_the_gap_in_sight(log):
    """The numbers go on, a record says so, and verifying finds the first record that is missing."""
    log.fill(10)
    path, lines = log.segments[0], log.lines()
    path.write_bytes(b"".join(lines[:7]) + lines[7][:50])
    log.fill(1)
    assert [json.loads(line)["seq"] for line in log.segments[1].read_bytes().splitlines()] == [10, 11]
    assert json.loads(log.segments[1].read_bytes().splitlines()[0])["op"] == "audit_recover"
    found = log.verify().finding
    assert (found.file, found.line, found.seq) == (path.name, 8, 7)
    path.write_bytes(b"".join(lines[:7]))
    found = log.verify().finding
    assert (found.file, found.line, found.seq) == ("0000000000000010.jsonl", 1, 7)
    assert "records 7 to 9 are missing" in found.what


def test_a_strict_log_that_was_cut_is_not_written_to(log):
    log.fill(3)
    log.segments[0].unlink()
    journal = log.journal(strict=True)
    with pytest.raises(AuditError, match=r"was cut.*Keep the directory as evidence"):
        journal.commit([entry()])
    journal.close()
    assert log.segments == []


def test_a_file_that_was_put_in_the_place_of_another_is_noticed(log):
    """The open descriptor would go on writing to a file that has no name any more."""
    journal = log.journal()
    journal.commit([entry(0)])
    path = log.segments[0]
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.rename(path)
    journal.commit([entry(1)])
    journal.checkpoint(forced=True)
    journal.close()
    assert targets(log) == ["config a.b0", "config a.b1"]
    assert log.verify().finding is None


# -- trouble with the disk ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_a_write_that_fails_leaves_the_log_as_it_was(log, monkeypatch, call):
    journal = log.journal()
    journal.commit([entry(0)])
    before = log.lines()

    def fail(*_args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(OSError, match="Input/output"):
            journal.commit([entry(1)])
    assert log.lines() == before
    journal.commit([entry(2)])
    journal.checkpoint(forced=True)
    journal.close()
    assert targets(log) == ["config a.b0", "config a.b2"]
    assert log.verify().finding is None


@pytest.mark.parametrize(
    ("name", "text"),
    [("state", "missing; the log cannot go on"), ("signing.key", "missing; restore it")],
)
def test_a_missing_file_is_named_with_a_remedy(log, name, text):
    log.fill(1)
    (log.path / name).unlink()
    with pytest.raises(AuditError, match=text):
        log.journal()


def test_where_there_is_no_log_the_error_says_how_to_make_one(tmp_path):
    with pytest.raises(AuditError, match="trivet audit init"):
        Journal(tmp_path / "nothing", kernel="orders", node="n")


def test_private_files_must_be_private(log):
    for name in ("state", "signing.key"):
        (log.path / name).chmod(0o640)
        with pytest.raises(AuditError, match=r"open to others \(mode 0640\); run: chmod 600"):
            log.journal()
        (log.path / name).chmod(0o600)


def test_a_link_is_no_state(log, tmp_path):
    (log.path / "state").rename(tmp_path / "state")
    (log.path / "state").symlink_to(tmp_path / "state")
    with pytest.raises(AuditError, match="symbolic link"):
        log.journal()


@pytest.mark.parametrize("slot", [0, 1])
def test_one_broken_slot_of_the_state_costs_nothing(log, slot):
    log.fill(3)
    with (log.path / "state").open("r+b") as file:
        file.seek(slot * 4096 + 100)
        file.write(b"\xff" * 50)
    log.fill(1)
    assert log.verify().finding is None


def test_two_broken_slots_are_an_error(log):
    log.fill(3)
    (log.path / "state").write_bytes(bytes(8192))
    journal = log.journal()
    with pytest.raises(AuditError, match="damaged; the log cannot go on"):
        journal.commit([entry()])
    journal.close()


def test_a_damaged_signing_key_is_named_and_not_shown(log):
    (log.path / "signing.key").write_text("orders/audit/1 hunter2-canary\n")
    with pytest.raises(AuditError, match="damaged") as caught:
        log.journal()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "canary" not in str(caught.value)


def test_a_log_begins_in_an_empty_directory_only(log):
    with pytest.raises(AuditError, match="not empty"):
        LogDirectory(log.path).create("orders")


def test_many_checkpoints_are_one_file_of_notes(log):
    log.fill([1] * 20, checkpoint_records=1, close=False)
    journal = log.journal(checkpoint_records=1)
    for number in range(5):
        journal.commit([entry(number)])
        journal.checkpoint()
    journal.close()
    verified = log.verify(seed=False)
    assert (verified.finding, verified.checkpoints, verified.covered) == (None, 5, 25)


def test_the_signer_has_the_name_of_the_log(log):
    public = LogDirectory(log.path).public()
    signer = LogDirectory(log.path).signer()
    assert isinstance(signer, Signer)
    assert signer.public == public
    assert public.name == log.seed.origin


def test_threads_may_share_a_queue_but_not_a_journal(log):
    """A queue gives them turns: nothing is lost or doubled."""
    from trivet_plugins.security.audit.queue import AuditQueue

    journal = log.journal()
    queue = AuditQueue(journal, strict=False, deliver=lambda lines, note: None)

    def work(name):
        for number in range(200):
            ticket = queue.put(entry(target=f"{name} {number}"))
            if number % 20 == 0:
                queue.write(ticket)
                assert queue.is_durable(ticket)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.write(checkpoint=True)
    journal.close()
    found = targets(log)
    assert len(found) == 1200
    for name in range(6):
        assert [one for one in found if one.startswith(f"{name} ")] == [f"{name} {number}" for number in range(200)]
    assert log.verify().finding is None
