"""A file that goes away, or becomes something else, takes nothing down: the last good values serve on, and its return is seen."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trivet import ConfigError, Kernel, Launch, Layer, Origin, Provider, hookimpl
from trivet_plugins.config import files, toml

GOOD = "[section]\nvalue = 1\n"


@pytest.fixture
def path(tmp_path):
    """The file, in a directory of its own."""
    path = tmp_path / "config" / "base.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    return path


def remove(path):
    path.unlink()


def become_a_directory(path):
    path.unlink()
    path.mkdir()


def become_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def lead_nowhere(path):
    path.unlink()
    path.symlink_to("nowhere.toml")


def become_binary(path):
    path.write_bytes(b"\x7fELF\0\0\0\xff")


def stay_half_written(path):
    path.write_text('[section]\nvalue = 7\nother = "8')


LOSSES = {
    remove: "base.toml: error: no such file",
    become_a_directory: "base.toml: error: is no regular file",
    become_a_pipe: "base.toml: error: is no regular file",
    lead_nowhere: "base.toml: error: no such file",
    become_binary: "base.toml:1:8: error: not UTF-8 text",
    stay_half_written: "base.toml:3:",
}


@pytest.mark.parametrize("lose", LOSSES)
async def test_a_lost_file_leaves_the_old_values_and_its_return_is_seen(watching, path, lose):
    """Health warns with the place as long as it is away. What comes back the same is no change; what comes back new is one."""
    async with watching(path) as watched:
        lose(path)
        await watched.until_rejected(LOSSES[lose])
        assert watched.live.current.value == 1
        assert watched.kernel.config.generation == 1

        back = path.with_name("back.toml")
        back.write_text(GOOD)
        if path.is_dir():
            path.rmdir()
        back.replace(path)
        await watched.until_well()
        assert watched.kernel.config.generation == 1

        path.write_text("[section]\nvalue = 2\n")
        await watched.until(lambda: watched.live.current.value == 2)
        assert watched.kernel.config.generation == 2


async def test_a_directory_that_is_unmounted_and_mounted_again(watching, path):
    """The whole directory goes away and comes back as it was, three times; then it comes back with other content."""
    away = path.parent.with_name("away")
    async with watching(path) as watched:
        for _ in range(3):
            path.parent.rename(away)
            await watched.until_rejected("base.toml: error: no such file")
            assert watched.live.current.value == 1
            away.rename(path.parent)
            await watched.until_well()
        assert watched.kernel.config.generation == 1
        path.parent.rename(away)
        await watched.until_rejected("base.toml: error: no such file")
        (away / "base.toml").write_text("[section]\nvalue = 2\n")
        away.rename(path.parent)
        await watched.until(lambda: watched.live.current.value == 2)


class Numbers:
    """A source of one file with a number in it, which it does not expect to be anything else."""

    trivet_name = "numbers"

    def __init__(self, path):
        self.path = path

    @hookimpl
    def register_config_sources(self, composition):
        return [Provider(name="numbers", factory=lambda: self)]

    async def load(self, context):
        data = {"section": {"other": int(self.path.read_text())}}
        origin = Origin("numbers", str(self.path))
        return [Layer(name="numbers", priority=500, data=data, locate=lambda _: origin, watch=(self.path,))]


async def test_the_file_of_a_source_that_crashed_is_still_watched(watching, path, tmp_path):
    """The crash keeps the old values, and mending the file is enough to be rid of it."""
    number = tmp_path / "number"
    number.write_text("1")
    async with watching(path, plugins=[Numbers(number)]) as watched:
        number.write_text("one")
        await watched.until_rejected("config_source/numbers: error: the source could not be loaded")
        assert watched.live.current.other == 1
        number.write_text("2")
        await watched.until(lambda: watched.live.current.other == 2)
        await watched.until_well()


async def test_a_profile_that_may_not_be_looked_at_is_not_passed_over(tmp_path, monkeypatch):
    """A file that cannot even be asked for is refused by name, and watched, so that its cure is seen."""
    path, profile = tmp_path / "base.toml", tmp_path / "base.dev.toml"
    path.write_text(GOOD)
    profile.write_text("[section]\nvalue = 3\n")
    real_stat, real_open, is_hidden = os.stat, os.open, [True]

    def hiding(real):
        def ask(name, *arguments, **options):
            if is_hidden[0] and name == profile:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return real(name, *arguments, **options)

        return ask

    monkeypatch.setattr(os, "stat", hiding(real_stat))
    monkeypatch.setattr(os, "open", hiding(real_open))
    kernel = Kernel(
        "watched", plugins=[toml, files], discover="none", launch=Launch(files=[path], profile="dev", environ={})
    )
    with pytest.raises(ConfigError, match=r"base\.dev\.toml: error: cannot be read: Permission denied"):
        async with kernel.configured():
            pass
    assert profile in kernel.config.watched_paths()


@pytest.mark.timeout(60)
def test_a_file_that_may_no_longer_be_read(path, anyio_backend):
    """chmod 000 on the file, then on its directory, then on one that a pattern includes, and back.

    In a process of its own, where even root has no way round modes.
    """
    parts = path.with_name("parts")
    parts.mkdir()
    path.write_text(f'include = "parts/*.toml"\n{GOOD}')
    script = Path(__file__).with_name("unreadable.py")
    done = subprocess.run(
        [sys.executable, script, path, anyio_backend], capture_output=True, text=True, check=False, timeout=60
    )
    path.parent.chmod(0o700)
    parts.chmod(0o700)
    if done.returncode == 77:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr
    refused = f"{path}: error: cannot be read: Permission denied; let user {os.geteuid()} read it"
    unlisted = f"{path}:1:11: error: {parts}: cannot be listed: Permission denied; let user {os.geteuid()} read it"
    assert done.stdout.splitlines() == [
        *("1", refused, "1", "well"),
        *(refused, "1", "well"),
        *(unlisted, "1", "well"),
        "2",
    ]
