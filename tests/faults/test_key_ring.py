"""kill -9 at every system call of what changes a key ring: it is always the old generation or the new one."""

from __future__ import annotations

import stat
import textwrap

import pytest

from trivet import KeyRingError, KeyState
from trivet_plugins.security.keys import lifecycle
from trivet_plugins.security.keys.masters import Master, Masters
from trivet_plugins.security.keys.ring import POLICY, KeyFile

SECRET, FORMER = bytes(range(32)), bytes(range(100, 132))

OPERATION = """
import attrs, datetime as dt
from trivet_plugins.security.keys import lifecycle
from trivet_plugins.security.keys.masters import Master, Masters
from trivet_plugins.security.keys.ring import POLICY, KeyFile
SECRET, FORMER = bytes(range(32)), bytes(range(100, 132))
def prepare(directory):
    ring = KeyFile(directory / "orders.keys", masters=Masters(Master("test:new", SECRET), Master("test:old", FORMER)))
    {prepare}
    return ring
def operate(ring):
    {operate}
"""


def operation(operate, prepare="ring.primary()"):
    return OPERATION.format(operate=operate, prepare=textwrap.indent(prepare, "    ").strip())


def ring_of(directory, *secrets):
    secrets = secrets or (SECRET, FORMER)
    masters = Masters(*(Master(f"test:{number}", secret) for number, secret in enumerate(secrets)))
    return KeyFile(directory / "orders.keys", masters=masters)


def document(directory, *secrets):
    return ring_of(directory, *secrets).document()


@pytest.fixture
def template(tmp_path):
    """A ring of two keys in its second generation, and so a backup."""
    ring = ring_of(tmp_path)
    first = ring.create(suite=2)
    ring.take(ring.file.change(lambda one: lifecycle.rotated(one, ring.now(), POLICY, delay=POLICY.delay * 0)))
    ring.take(ring.file.change(lambda one: lifecycle.disabled(one, first.id)))
    return tmp_path


def check_whole(template, seen):
    """Make the check that a killed process has left a ring with all keys, private, that can be changed again."""
    before = document(template)

    def check(directory):
        after = document(directory)
        known = {one.id: one.key.material for one in after.keys}
        assert all(known.get(one.id) in (one.key.material, b"") for one in before.keys)
        for file in directory.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        seen.add(after.generation)
        ring = ring_of(directory)
        ring.count(ring.primary(), 2**32)
        assert not list(directory.glob(".*.tmp"))
        assert document(directory).generation == after.generation + 1

    return check


def test_a_killed_rotation_leaves_the_old_ring_or_the_new_one(kill_at_every_syscall, template):
    """With the backup, the lock and what is half written: the next writer finds all of it in order."""
    seen = set()
    rotate = "ring.file.change(lambda one: lifecycle.rotated(one, ring.now(), POLICY, delay=POLICY.delay))"
    calls = kill_at_every_syscall(operation(rotate), template, check_whole(template, seen))
    assert seen == {3, 4}
    assert {"flock", "write", "fsync", "close"} <= {call.name for call in calls}
    ordered = [call for call in calls if call.name.startswith(("fsync", "rename"))]
    assert [call.name[:6] for call in ordered] == [
        "fsync",
        "rename",
        "rename",
        "fsync",
    ]  # the data, backup, ring, directory


def test_a_killed_reservation_never_counts_too_few(kill_at_every_syscall, template):
    """What the process was about to seal is counted, or it has not begun to seal."""
    seen, counts = set(), set()
    check = check_whole(template, seen)

    def look(directory):
        counts.add(document(directory).primary().messages)
        check(directory)

    kill_at_every_syscall(operation("ring.count(ring.primary(), 2**32)"), template, look)
    assert counts == {0, 1024}


def test_a_killed_destruction_leaves_no_backup_with_the_key_once_it_is_gone(kill_at_every_syscall, template):
    """While the key is destroyed in the ring it is in no other file; a backup is missing, or whole."""
    first = document(template).keys[0].id
    seen, states = set(), set()
    check = check_whole(template, seen)

    def look(directory):
        state = document(directory).find(first).state
        states.add(state)
        backup = directory / "orders.keys.bak"
        assert state is not KeyState.DESTROYED or not backup.exists()
        check(directory)

    destroy = f"ring.file.change(lambda one: lifecycle.destroyed(one, {first}), keep_backup=False)"
    kill_at_every_syscall(operation(destroy), template, look)
    assert states == {KeyState.DISABLED, KeyState.DESTROYED}


def test_a_killed_rewrapping_leaves_a_ring_under_the_old_or_the_new_master_key(kill_at_every_syscall, tmp_path):
    """Never one under both or none: with both at hand it always opens."""
    ring_of(tmp_path, FORMER).create(suite=2)
    key = document(tmp_path, FORMER).keys[0].key
    opened = set()

    def look(directory):
        assert document(directory).keys[0].key.material == key.material
        for name, secret in (("new", SECRET), ("old", FORMER)):
            try:
                document(directory, secret)
            except KeyRingError:
                continue
            opened.add(name)
            break

    rewrap = "ring.file.change(lambda one: attrs.evolve(one, wrap=ring.file.masters.fresh()), keep_backup=False)"
    kill_at_every_syscall(operation(rewrap), tmp_path, look)
    assert opened == {"old", "new"}


def test_a_killed_cold_start_leaves_no_ring_or_one_with_a_key(kill_at_every_syscall, tmp_path):
    """And the next process makes it, or takes it."""
    made = set()

    def look(directory):
        ring = ring_of(directory)
        made.add((directory / "orders.keys").exists())
        if (directory / "orders.keys").exists():
            with pytest.raises(KeyRingError, match="exists"):
                ring.create(suite=2)
        else:
            ring.create(suite=2)
        assert len(ring.key_ids()) == 1

    kill_at_every_syscall(operation("ring.create(suite=2)", prepare="pass"), tmp_path, look)
    assert made == {False, True}


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_full_or_broken_disk_is_said_and_changes_nothing(syscall_faults, template, error):
    """Each call fails once: the ring is the old one or the new one, and readable."""
    rotate = "ring.file.change(lambda one: lifecycle.rotated(one, ring.now(), POLICY, delay=POLICY.delay))"
    names = ("write", "fsync", "link", "linkat", "rename", "renameat", "renameat2")
    generations = set()
    for ending in syscall_faults(operation(rotate), template).endings(fault=f"error={error}", only=names):
        assert ending.code == 1, ending.call
        generations.add(document(ending.directory).generation)
        assert not list(ending.directory.glob(".*.tmp"))
    assert generations == {3, 4}
