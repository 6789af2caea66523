"""A kernel that watches one file, which the tests treat badly; operations that are killed at any system call."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import attrs
import pytest
from tests.faults.strace import kill_at_every_syscall, syscall_faults  # noqa: F401 - fixtures

from trivet import Kernel, Launch, Live
from trivet.events import ConfigRejected, ConfigReloaded
from trivet_plugins.config import command_line, files, json, toml, watcher, yaml
from trivet_plugins.monitoring import kernel as kernel_health

LIMIT = 15


@attrs.frozen
class Section:
    """What the file sets."""

    value: int = 0
    other: int = 0


@attrs.define
class Watched:
    """A running kernel, its section, its file, and the reloads since the start."""

    kernel: Kernel
    live: Live[Section]
    path: Path
    reloads: list[ConfigReloaded | ConfigRejected] = attrs.field(factory=list)

    async def until(self, holds):
        """Wait until ``holds`` gives something true."""
        with anyio.fail_after(LIMIT):
            while not holds():
                await anyio.sleep(0.005)

    async def until_rejected(self, text):
        """Wait until a reload is refused for this, and health says so too."""
        await self.until(lambda: any(text in str(problem) for problem in self.kernel.config.problems))
        await self.kernel.health.refresh()
        result = self.kernel.health.results["configuration"]
        assert str(result.verdict.status) == "warn"
        assert text in result.verdict.output

    async def until_well(self):
        """Wait until nothing is wrong any more, and health says so too."""
        await self.until(lambda: not self.kernel.config.problems)
        await self.kernel.health.refresh()
        assert str(self.kernel.health.results["configuration"].verdict.status) == "pass"

    def collect(self, event):
        """Note a reload."""
        if isinstance(event, ConfigReloaded | ConfigRejected):
            self.reloads.append(event)


@pytest.fixture
def watching():
    """Run a kernel over a file: ``async with watching(path) as watched``. It learns of changes from events, not from polls."""

    @asynccontextmanager
    async def run(path, *assignments, plugins=()):
        plugins = [toml, yaml, json, files, command_line, watcher, kernel_health, *plugins]
        launch = Launch(files=[path], environ={}, assignments=["plugins.watcher.poll_interval=600", *assignments])
        kernel = Kernel("watched", plugins=plugins, discover="none", launch=launch)
        watched = Watched(kernel, kernel.config.bind("section", Section), path)
        async with kernel:
            await anyio.sleep(0.2)  # the look back at the start, and what the making of the file still stirs up
            leave = kernel.observe(watched.collect)
            try:
                yield watched
            finally:
                leave()

    return run
