"""A chain names every directory in which something may happen to what a path leads to."""

from __future__ import annotations

import os
import time
from pathlib import Path

from trivet_plugins.config.watch_chain import Look, chain, look


def directories(path, root):
    """What is watched below the test's directory, relative to it."""
    return {str(Path(one).relative_to(root)) for one in chain(path).directories if Path(one).is_relative_to(root)}


def test_a_plain_file_needs_its_directory_and_the_one_above(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").touch()
    found = chain(tmp_path / "a" / "b" / "file")
    assert directories(tmp_path / "a" / "b" / "file", tmp_path) == {"a", "a/b"}
    assert {str(tmp_path / "a" / "b"), str(tmp_path / "a" / "b" / "file")} <= found.points
    assert found.listed == frozenset()


def test_every_link_on_the_way_adds_its_directory(tmp_path):
    """one/link -> two/middle -> three/deep/file: absolute and relative links, of files and of directories."""
    for name in ("one", "two", "three/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "three" / "deep" / "file").touch()
    (tmp_path / "two" / "middle").symlink_to("../three/deep")
    (tmp_path / "one" / "link").symlink_to(tmp_path / "two" / "middle" / "file")
    assert directories(tmp_path / "one" / "link", tmp_path) == {"one", "two", "three", "three/deep"}
    points = chain(tmp_path / "one" / "link").points
    assert {str(tmp_path / one) for one in ("one/link", "two/middle", "three/deep/file")} <= points


def test_a_path_that_leads_nowhere_is_watched_as_far_as_it_goes(tmp_path):
    (tmp_path / "a").mkdir()
    assert directories(tmp_path / "a" / "b" / "c" / "file", tmp_path) == {".", "a"}
    assert str(tmp_path / "a" / "b") in chain(tmp_path / "a" / "b" / "c" / "file").points
    (tmp_path / "a" / "broken").symlink_to("nowhere/file")
    assert directories(tmp_path / "a" / "broken", tmp_path) == {".", "a"}


def test_a_directory_is_watched_with_its_entries(tmp_path):
    (tmp_path / "conf.d").mkdir()
    assert chain(tmp_path / "conf.d").listed == {str(tmp_path / "conf.d")}
    assert directories(tmp_path / "conf.d", tmp_path) == {".", "conf.d"}


def test_links_in_a_circle_have_an_end(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert directories(tmp_path / "a", tmp_path) == {"."}


def test_a_relative_path_is_taken_from_where_the_process_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert chain(Path("x/../file")).directories == chain(tmp_path / "file").directories


def test_a_look_differs_exactly_when_a_reader_sees_a_difference(tmp_path):
    path = tmp_path / "file"
    nothing = look(path)
    path.write_text("one")
    one = look(path)
    path.touch()
    assert look(path, one) == one
    path.write_text("two")
    two = look(path, one)
    assert len({nothing.digest, one.digest, two.digest}) == 3
    path.unlink()
    assert look(path, two) == nothing


def test_equal_size_and_time_do_not_hide_a_change(tmp_path):
    """Time stamps are coarse: two writes within one tick leave the same stamp."""
    path = tmp_path / "file"
    path.write_text("one")
    stamp = path.stat().st_mtime_ns
    before = look(path)
    path.write_text("two")
    os.utime(path, ns=(stamp, stamp))
    assert look(path, before) != before


def test_a_file_at_rest_is_not_read_again(tmp_path):
    path = tmp_path / "file"
    path.write_text("one")
    status = path.stat()
    key = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    before = Look(b"as it was", key, status.st_ctime, time.time() + 10)
    assert look(path, before).digest == b"as it was"


def test_a_directory_looks_different_when_an_entry_comes_or_goes(tmp_path):
    before = look(tmp_path)
    (tmp_path / "new").touch()
    after = look(tmp_path, before)
    assert after != before
    (tmp_path / "new").unlink()
    assert look(tmp_path, after) == before
