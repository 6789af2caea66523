"""Files that are whole at every moment."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys

import pytest

from trivet import durable_file

# Ends the process, as kill -9 would, right before the n-th of these calls.
CRASH = """
import os, pathlib, sys
from trivet import durable_file
what, path, left = sys.argv[1], pathlib.Path(sys.argv[2]), [int(sys.argv[3])]
def crashing(function):
    def call(*args, **options):
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
        return function(*args, **options)
    return call
for name in ("open", "fchmod", "fsync", "link", "replace", "unlink", "close"):
    setattr(os, name, crashing(getattr(os, name)))
getattr(durable_file, what)(path, b"new" * 10_000)
"""


def crash(what, path, number):
    done = subprocess.run([sys.executable, "-c", CRASH, what, str(path), str(number)], check=False, timeout=15)
    assert done.returncode in {0, 9}
    return done.returncode == 9


def test_a_crash_at_any_call_leaves_the_old_content_or_the_new(tmp_path):
    """Replacing: before, between and after every system call the file is one of the two."""
    path = tmp_path / "file"
    seen = set()
    number = 1
    path.write_bytes(b"old")
    while crash("replace", path, number):
        seen.add(path.read_bytes())
        path.write_bytes(b"old")
        number += 1
    assert seen == {b"old", b"new" * 10_000}
    assert number > 5


def test_a_crash_at_any_call_leaves_no_file_or_the_whole_one(tmp_path):
    """Creating: the name appears with all of the content behind it."""
    seen = set()
    number = 1
    while crash("create", path := tmp_path / f"file{number}", number):
        seen.add(path.read_bytes() if path.exists() else None)
        number += 1
    assert seen == {None, b"new" * 10_000}


def test_a_file_that_is_written_piece_by_piece_is_there_at_the_end_only(tmp_path):
    """Until the block ends there is nothing of that name; if it raises, nothing at all."""
    path = tmp_path / "file"
    with durable_file.creating(path) as file:
        file.write(b"one")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"onetwo"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(RuntimeError), durable_file.creating(tmp_path / "other") as file:
        file.write(b"part")
        raise RuntimeError
    with pytest.raises(FileExistsError), durable_file.creating(path) as file:
        file.write(b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"onetwo"


def test_writing_takes_the_place_of_what_is_there_at_the_end_only(tmp_path):
    path = tmp_path / "file"
    for old, new in [(None, b"first"), (b"first", b"second")]:
        with durable_file.writing(path) as file:
            file.write(new)
            assert (path.read_bytes() if path.exists() else None) == old
        assert path.read_bytes() == new
    with pytest.raises(RuntimeError), durable_file.writing(path) as file:
        file.write(b"third")
        raise RuntimeError
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_without_hard_links_creating_is_still_exclusive(tmp_path, monkeypatch):
    """As on FAT: the name is taken first, then the content is moved there."""

    def no_links(*_arguments):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "file"
    durable_file.create(path, b"content")
    with pytest.raises(FileExistsError):
        durable_file.create(path, b"other")
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_replacing_keeps_the_mode(tmp_path):
    """What others could read they still can, and no more."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    for mode in (0o600, 0o640, 0o664, 0o444):
        path.chmod(mode)
        durable_file.replace(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_replacing_keeps_the_owner(tmp_path):
    """An administrator's edit does not take the file away from the service."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    os.chown(path, 1234, 2345)
    durable_file.replace(path, b"new")
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)


def test_replacing_a_link_changes_what_it_points_to(tmp_path):
    """A mounted configuration stays a link."""
    real = tmp_path / "real"
    real.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to("real")
    durable_file.replace(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_replacing_needs_a_file(tmp_path):
    """A typing mistake makes no new file."""
    with pytest.raises(FileNotFoundError):
        durable_file.replace(tmp_path / "nothing", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    """A full disk: the old content, and no temporary file."""

    def full(_handle):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        durable_file.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_the_old_content_is_kept_as_a_backup(tmp_path):
    """As the file before and before that: with its mode, without a copy of the data, and no other file is left."""
    path, backup = tmp_path / "file", tmp_path / "file.bak"
    path.write_bytes(b"1")
    path.chmod(0o640)
    for number in (b"2", b"3"):
        before = path.stat().st_ino
        durable_file.replace(path, number, backup=backup)
        assert backup.stat().st_ino == before
    assert (path.read_bytes(), backup.read_bytes()) == (b"3", b"2")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o640
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "file.bak"]


def test_a_backup_that_is_the_file_itself_is_no_obstacle(tmp_path):
    """As a process leaves it that was killed between the two renames."""
    path, backup = tmp_path / "file", tmp_path / "file.bak"
    path.write_bytes(b"1")
    os.link(path, backup)
    durable_file.replace(path, b"2", backup=backup)
    assert (path.read_bytes(), backup.read_bytes()) == (b"2", b"1")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "file.bak"]


def test_without_hard_links_the_backup_is_a_copy(tmp_path, monkeypatch):
    """File systems that know none."""
    path, backup = tmp_path / "file", tmp_path / "file.bak"
    path.write_bytes(b"1")

    def unsupported(*_args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    durable_file.replace(path, b"2", backup=backup)
    assert (path.read_bytes(), backup.read_bytes()) == (b"2", b"1")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "file.bak"]


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    """Of this file alone, whatever characters its name has."""
    path = tmp_path / "fi[l]e"
    for name in (".fi[l]e.abc.tmp", ".file.abc.tmp", ".fi[l]e.abc.txt", "fi[l]e"):
        (tmp_path / name).write_bytes(b"")
    durable_file.remove_leftovers(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".fi[l]e.abc.txt", ".file.abc.tmp", "fi[l]e"]
