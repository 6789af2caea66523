"""Watch a file on a tmpfs that is unmounted, and mounted again with other content; print what it does. Run by test_mounts.py."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import anyio
import anyio.to_thread
import attrs

from trivet import Kernel, Launch
from trivet_plugins.config import command_line, files, toml, watcher


def say(what):
    """Tell the test."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


@attrs.frozen
class Section:
    """What the file sets."""

    value: int = 0


def mount(directory, value):
    """Mount an empty file system with the file in it."""
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], capture_output=True, text=True, check=False)
    if done.returncode:
        say(f"this process may not mount: {done.stderr.strip()}")
        sys.exit(77)
    (directory / "base.toml").write_text(f"[section]\nvalue = {value}\n")


async def watch(directory):
    """Go through it."""
    # Nothing tells of an unmount in time on every kernel: the poll sees it.
    launch = Launch(files=[directory / "base.toml"], environ={}, assignments=["plugins.watcher.poll_interval=0.2"])
    kernel = Kernel("watched", plugins=[toml, files, command_line, watcher], discover="none", launch=launch)
    live = kernel.config.bind("section", Section)

    async def until(holds):
        with anyio.fail_after(30):
            while not holds():
                await anyio.sleep(0.005)

    async with kernel:
        say(live.current.value)
        await anyio.to_thread.run_sync(lambda: subprocess.run(["umount", directory], check=True))
        await until(lambda: kernel.config.problems)
        say(kernel.config.problems[0])
        say(live.current.value)
        await anyio.to_thread.run_sync(mount, directory, 2)
        await until(lambda: live.current.value == 2)
        say(live.current.value)
        await until(lambda: not kernel.config.problems)
        say("well")


if __name__ == "__main__":
    mountpoint = pathlib.Path(sys.argv[1])
    mount(mountpoint, 1)
    anyio.run(watch, mountpoint, backend=sys.argv[2])
