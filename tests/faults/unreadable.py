"""Watch a file whose mode, and whose directory's mode, become 000; print what that does. Run by test_lost_files.py.

Root reads whatever the mode, so the process first gives up the two capabilities that let it.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import sys

import anyio
import attrs

from trivet import Kernel, Launch
from trivet_plugins.config import command_line, files, toml, watcher

VERSION_3 = 0x20080522  # linux/capability.h; two words each of effective, permitted, inheritable
READ_ANYTHING = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def say(what):
    """Tell the test."""
    sys.stdout.write(f"{what}\n")


@attrs.frozen
class Section:
    """What the file sets."""

    value: int = 0


def be_nobody_special(path):
    """Give up the right to read anything; threads that start later have not got it either."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(VERSION_3, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) == 0:
        for word in (0, 1):
            sets[word] &= ~READ_ANYTHING
        libc.capset(header, sets)
    path.chmod(0)
    if os.access(path, os.R_OK, effective_ids=True):
        say("this process reads files of mode 000, and cannot give that up")
        sys.exit(77)
    path.chmod(0o600)


async def watch(path):
    """Go through it."""
    # No event tells that a directory may be read again: the poll sees that.
    launch = Launch(files=[path], environ={}, assignments=["plugins.watcher.poll_interval=0.2"])
    kernel = Kernel("watched", plugins=[toml, files, command_line, watcher], discover="none", launch=launch)
    live = kernel.config.bind("section", Section)

    async def until(holds):
        with anyio.fail_after(20):
            while not holds():
                await anyio.sleep(0.005)

    async with kernel:
        say(live.current.value)
        for point, mode in ((path, 0o600), (path.parent, 0o700), (path.parent / "parts", 0o700)):
            point.chmod(0)
            await until(lambda: kernel.config.problems)
            say(kernel.config.problems[0])
            say(live.current.value)
            await anyio.sleep(0.3)  # so long that it is a change of its own, not a flicker
            point.chmod(mode)
            await until(lambda: not kernel.config.problems)
            say("well")
        path.write_text("[section]\nvalue = 2\n")
        await until(lambda: live.current.value == 2)
        say(live.current.value)


if __name__ == "__main__":
    file = pathlib.Path(sys.argv[1])
    be_nobody_special(file)
    anyio.run(watch, file, backend=sys.argv[2])
