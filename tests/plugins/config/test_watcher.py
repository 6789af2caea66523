"""The watcher sees every way in which a file is really changed, reloads once per change, and says so when it must poll."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from trivet import Kernel, Launch
from trivet.events import ConfigRejected, ConfigReloaded, ConfigWarning
from trivet_plugins.config import command_line, files, toml, watcher, yaml
from trivet_plugins.config.watcher import Watcher

LIMIT = 10


@attrs.frozen
class Section:
    value: int = 0


def text(value):
    return f"[section]\nvalue = {value}\n"


@asynccontextmanager
async def watching(path, *assignments):
    """Run a kernel over one file, with the watcher; gives the live section and the list of reload events."""
    plugins = [toml, yaml, files, command_line, watcher]
    # A poll could pass for an event: it is put out of the way unless a test wants it.
    launch = Launch(files=[path], environ={}, assignments=assignments or ("plugins.watcher.poll_interval=600",))
    kernel = Kernel("watched", plugins=plugins, discover="none", launch=launch)
    live = kernel.config.bind("section", Section)
    events = []
    async with kernel, anyio.create_task_group() as group:
        group.start_soon(collect, kernel.events(), events)
        await anyio.sleep(0.3)  # the look back at the start, and what the making of the file still stirs up
        events.clear()
        yield kernel, live, events
        group.cancel_scope.cancel()


async def collect(stream, events):
    async for event in stream:
        events.append(event)


async def until(holds):
    with anyio.fail_after(LIMIT):
        while not holds():
            await anyio.sleep(0.005)


def reloads(events):
    return [event for event in events if isinstance(event, ConfigReloaded | ConfigRejected)]


def in_place(path, content):
    path.write_text(content)


def truncate_then_write(path, content):
    with path.open("w") as file:
        file.flush()
        os.fsync(file.fileno())
        file.write(content)


def atomic_rename(path, content):
    other = path.with_name("other.tmp")
    other.write_text(content)
    other.replace(path)


def vim_style(path, content):
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    path.write_text(content)
    backup.unlink()


def delete_and_create(path, content):
    path.unlink()
    path.write_text(content)


def replaced_directory(path, content):
    new = path.parent.with_name("new")
    new.mkdir()
    (new / path.name).write_text(content)
    old = path.parent.with_name("old")
    path.parent.rename(old)
    new.rename(path.parent)
    shutil.rmtree(old)


@pytest.mark.parametrize(
    "change", [in_place, truncate_then_write, atomic_rename, vim_style, delete_and_create, replaced_directory]
)
async def test_every_way_to_write_a_file_is_seen_once(tmp_path, change):
    """Ten changes, ten reloads, each with the new content."""
    path = tmp_path / "config" / "base.toml"
    path.parent.mkdir()
    path.write_text(text(0))
    async with watching(path) as (_, live, events):
        for number in range(1, 11):
            await anyio.to_thread.run_sync(change, path, text(number))
            await until(lambda number=number: live.current.value == number)
            await until(lambda number=number: len(reloads(events)) >= number)
            await anyio.sleep(0.15)
        assert [event.generation for event in reloads(events)] == list(range(2, 12))


def kubernetes(directory, number):
    """Do what the kubelet does to a volume: a new directory of data, and ``..data`` turned to it by a rename."""
    data = directory / f"..2026_{number}"
    data.mkdir()
    (data / "base.toml").write_text(text(number))
    link = directory / "..data_tmp"
    link.symlink_to(data.name)
    old = (directory / "..data").readlink() if (directory / "..data").is_symlink() else None
    link.replace(directory / "..data")
    if old:
        shutil.rmtree(directory / old)


async def test_a_kubernetes_volume_swap_is_seen(tmp_path):
    kubernetes(tmp_path, 0)
    (tmp_path / "base.toml").symlink_to("..data/base.toml")
    async with watching(tmp_path / "base.toml") as (_, live, events):
        for number in range(1, 11):
            await anyio.to_thread.run_sync(kubernetes, tmp_path, number)
            await until(lambda number=number: live.current.value == number)
            await anyio.sleep(0.15)
        assert len(reloads(events)) == 10


async def test_an_edit_of_the_target_of_a_chain_of_links_is_seen(tmp_path):
    """base.toml -> current/base.toml, current -> releases/1: an edit at the end of it, then a turn in the middle."""
    for release in ("1", "2"):
        (tmp_path / "releases" / release).mkdir(parents=True)
        (tmp_path / "releases" / release / "base.toml").write_text(text(release))
    (tmp_path / "current").symlink_to("releases/1")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "base.toml").symlink_to(tmp_path / "current" / "base.toml")
    async with watching(tmp_path / "etc" / "base.toml") as (_, live, events):
        (tmp_path / "releases" / "1" / "base.toml").write_text(text(11))
        await until(lambda: live.current.value == 11)
        (tmp_path / "turned").symlink_to("releases/2")
        (tmp_path / "turned").replace(tmp_path / "current")
        await until(lambda: live.current.value == 2)
        (tmp_path / "releases" / "2" / "base.toml").write_text(text(22))
        await until(lambda: live.current.value == 22)
        assert len(reloads(events)) == 3


async def test_a_directory_that_comes_back_later_is_seen(tmp_path):
    """A deployment removes a directory, and a moment later puts another in its place."""
    path = tmp_path / "config" / "base.toml"
    path.parent.mkdir()
    path.write_text(text(0))
    async with watching(path) as (kernel, live, _events):
        path.parent.rename(tmp_path / "away")
        await until(lambda: kernel.config.problems)
        await anyio.sleep(0.3)
        path.parent.mkdir()
        path.write_text(text(1))
        await until(lambda: live.current.value == 1)


async def test_a_new_drop_in_is_seen_and_then_watched(tmp_path):
    path = tmp_path / "base.toml"
    path.write_text(text(0))
    async with watching(path) as (_, live, _events):
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d" / "10-more.toml").write_text(text(5))
        await until(lambda: live.current.value == 5)
        (tmp_path / "conf.d" / "10-more.toml").write_text(text(6))
        await until(lambda: live.current.value == 6)
        (tmp_path / "conf.d" / "10-more.toml").unlink()
        await until(lambda: live.current.value == 0)


async def test_the_same_content_is_no_change(tmp_path):
    """A touch and a rewrite of the same text wake the watcher, and it finds nothing to do."""
    path = tmp_path / "base.toml"
    path.write_text(text(0))
    async with watching(path) as (_, live, events):
        path.touch()
        path.write_text(text(0))
        atomic_rename(path, text(0))
        await anyio.sleep(0.4)
        assert reloads(events) == []
        path.write_text(text(1))
        await until(lambda: live.current.value == 1)


async def test_a_broken_edit_keeps_the_old_values_and_its_cure_is_seen(tmp_path):
    path = tmp_path / "base.toml"
    path.write_text(text(1))
    async with watching(path) as (kernel, live, events):
        path.write_text("[section\n")
        await until(lambda: kernel.config.problems)
        assert live.current.value == 1
        assert str(kernel.config.problems[0]).startswith(f"{path}:1:")
        path.write_text(text(1))
        await until(lambda: not kernel.config.problems)
        path.write_text(text(2))
        await until(lambda: live.current.value == 2)
        assert [type(event).__name__ for event in reloads(events)] == ["ConfigRejected", "ConfigReloaded"]


async def test_a_slow_writer_is_waited_for(tmp_path):
    """A file that is truncated first and filled a little later is not read while it is empty."""
    path = tmp_path / "base.toml"
    path.write_text(text(1))
    async with watching(path, "plugins.watcher.settle=5", "plugins.watcher.poll_interval=600") as (_, live, events):
        with path.open("w") as file:
            await anyio.sleep(0.3)
            file.write(text(2))
        await until(lambda: live.current.value == 2)
        assert [event.generation for event in reloads(events)] == [2]


async def test_a_change_between_load_and_watch_is_not_lost(tmp_path):
    path = tmp_path / "base.toml"
    path.write_text(text(0))
    launch = Launch(files=[path], environ={}, assignments=["plugins.watcher.poll_interval=600"])
    kernel = Kernel("watched", plugins=[toml, files, command_line], discover="none", launch=launch)
    live = kernel.config.bind("section", Section)
    settings = kernel.config.bind("plugins.watcher", watcher.WatcherConfig)
    async with kernel:
        path.write_text(text(1))
        async with Watcher(kernel, settings).running():
            await until(lambda: live.current.value == 1)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
async def test_it_polls_where_inotify_is_exhausted(tmp_path, monkeypatch, number):
    """The system has no watches left: one warning, and the change is seen all the same."""
    from watchdog.observers.inotify import InotifyEmitter

    def exhausted(_self):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(InotifyEmitter, "on_thread_start", exhausted)
    path = tmp_path / "base.toml"
    path.write_text(text(0))
    plugins = [toml, files, command_line]
    launch = Launch(files=[path], environ={}, assignments=["plugins.watcher.poll_interval=0.05"])
    kernel = Kernel("watched", plugins=plugins, discover="none", launch=launch)
    live = kernel.config.bind("section", Section)
    settings = kernel.config.bind("plugins.watcher", watcher.WatcherConfig)
    warnings = []
    async with kernel:
        monkeypatch.setattr(kernel, "emit", warnings.append)
        async with Watcher(kernel, settings).running() as service:
            assert service.polls_only
            path.write_text(text(1))
            await until(lambda: live.current.value == 1)
            atomic_rename(path, text(2))
            await until(lambda: live.current.value == 2)
    assert [type(event) for event in warnings].count(ConfigWarning) == 1
    assert "inotify" in next(event for event in warnings if isinstance(event, ConfigWarning)).message


async def test_its_own_reading_does_not_wake_it(tmp_path):
    """Reading a watched file makes events too; a watcher that heard them would never rest."""
    path = tmp_path / "base.toml"
    path.write_text(text(0))
    async with watching(path) as (kernel, live, _events):
        calls = []
        reload = kernel.config.reload

        async def counted(*, reason):
            calls.append(reason)
            return await reload(reason=reason)

        kernel.config.reload = counted
        path.write_text(text(1))
        await until(lambda: live.current.value == 1)
        for _ in range(20):
            path.read_text()
        await anyio.sleep(0.3)
        assert calls == [f"file changed: {path}"]


async def test_it_stops_with_its_threads(tmp_path):
    """After the kernel has stopped, none of watchdog's threads is left."""
    import threading

    path = tmp_path / "base.toml"
    path.write_text(text(0))
    before = {thread.name for thread in threading.enumerate()}
    async with watching(path):
        pass
    await until(
        lambda: (
            not [
                t
                for t in threading.enumerate()
                if t.name not in before and "AnyIO" not in t.name and "Trio" not in t.name
            ]
        )
    )
