"""Watch a file where the user may have no inotify watches; print what that does. Run by test_mounts.py in a user namespace."""

from __future__ import annotations

import pathlib
import sys

import anyio
import attrs

from trivet import Kernel, Launch
from trivet.events import ConfigWarning
from trivet_plugins.config import command_line, files, toml, watcher

LIMIT = pathlib.Path("/proc/sys/user/max_inotify_watches")
"""The limit of this user namespace. That in /proc/sys/fs/inotify is the whole machine's."""


def say(what):
    """Tell the test."""
    sys.stdout.write(f"{what}\n")


@attrs.frozen
class Section:
    """What the file sets."""

    value: int = 0


async def watch(path):
    """Go through it."""
    launch = Launch(files=[path], environ={}, assignments=["plugins.watcher.poll_interval=0.1"])
    kernel = Kernel("watched", plugins=[toml, files, command_line, watcher], discover="none", launch=launch)
    live = kernel.config.bind("section", Section)
    warnings = []
    kernel.observe(lambda event: warnings.append(event.message) if isinstance(event, ConfigWarning) else None)
    async with kernel:
        with anyio.fail_after(30):
            while not warnings:
                await anyio.sleep(0.005)
            say(warnings[0])
            say(live.current.value)
            for value in (1, 2):
                path.write_text(f"[section]\nvalue = {value}\n")
                while live.current.value != value:
                    await anyio.sleep(0.005)
                say(live.current.value)
    say(f"{len(warnings)} warning")


if __name__ == "__main__":
    if str(pathlib.Path("/proc/self/ns/user").readlink()) == sys.argv[3]:
        say("this process has no user namespace of its own: the limit would be everyone's")
        sys.exit(1)
    try:
        LIMIT.write_text("0")
    except OSError as exc:
        say(f"this process may not set {LIMIT}: {exc.strerror}")
        sys.exit(77)
    file = pathlib.Path(sys.argv[1]) / "base.toml"
    file.write_text("[section]\nvalue = 0\n")
    anyio.run(watch, file, backend=sys.argv[2])
