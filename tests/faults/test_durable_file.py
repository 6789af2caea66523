"""Writes that a crash interrupts at any system call; and that the runner which says so finds a write that does not hold."""

from __future__ import annotations

import pytest

OLD, NEW = b"old" * 1000, b"new" * 2000

REPLACE = """
from trivet import durable_file
def prepare(directory):
    return directory / "file"
def operate(path):
    durable_file.replace(path, b"new" * 2000)
"""
CREATE = REPLACE.replace("durable_file.replace", "durable_file.create")
IN_PLACE = """
def prepare(directory):
    return directory / "file"
def operate(path):
    path.write_bytes(b"new" * 2000)
"""


@pytest.fixture
def template(tmp_path):
    (tmp_path / "file").write_bytes(OLD)
    return tmp_path


def test_a_write_in_place_is_found_out(kill_at_every_syscall, template):
    """The runner sees the moment in which a truncated file is neither old nor new."""
    seen = set()
    calls = kill_at_every_syscall(IN_PLACE, template, lambda directory: seen.add((directory / "file").read_bytes()))
    assert [call.name for call in calls] == ["openat", "write", "close"]
    assert seen == {OLD, b"", NEW}


def test_a_replaced_file_is_the_old_or_the_new_one(kill_at_every_syscall, template):
    """Whenever the process dies; what it leaves besides is a temporary file at most."""
    seen = set()
    calls = kill_at_every_syscall(REPLACE, template, lambda directory: seen.add((directory / "file").read_bytes()))
    names = [call.name for call in calls]
    assert seen == {OLD, NEW}
    assert names.index("fsync") < names.index("rename") < len(names) - 1 - names[::-1].index("fsync")


def test_a_new_file_is_whole_or_not_there(kill_at_every_syscall, tmp_path):
    """The name appears with the whole content."""
    seen = set()

    def look(directory):
        path = directory / "file"
        seen.add(path.read_bytes() if path.exists() else None)

    kill_at_every_syscall(CREATE, tmp_path, look)
    assert seen == {None, NEW}


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_full_or_broken_disk_leaves_the_old_file_and_says_so(syscall_faults, template, error):
    """Each write and sync fails once: until the rename the old file stays, no temporary file is left, and it raises."""
    for ending in syscall_faults(REPLACE, template).endings(fault=f"error={error}", only=("write", "fsync", "rename")):
        assert ending.code == 1, ending.call
        assert [path.name for path in ending.directory.iterdir()] == ["file"], ending.call
        assert (ending.directory / "file").read_bytes() in (OLD, NEW), ending.call
