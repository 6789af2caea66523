"""A service for ``trivet run service.py``: it writes the settings in force into its diary. ``$BLOCK`` makes its start block."""

from __future__ import annotations

import os
import sys
import time
from contextlib import asynccontextmanager

import anyio
import attrs
from stand import drain, hanging, note, refuse

from trivet import Kernel, Provider, hookimpl


@attrs.frozen
class Settings:
    """What the file sets."""

    text: str = "nothing"


@asynccontextmanager
async def working():
    note("works")
    yield
    note("rests")


def blocking():
    note("blocks")
    time.sleep(600)


FACTORIES = {"drain": drain, "hanging": hanging, "refuse": refuse, "blocking": blocking, "working": working}


@hookimpl
def register_services(composition):
    names = os.environ.get("SERVICES", "working").split()
    earlier = zip(names, [(), *((f"service/{name}",) for name in names)], strict=False)
    return [
        Provider(name=name, factory=FACTORIES[name], requires=requires, start_timeout=60, stop_timeout=60)
        for name, requires in earlier
    ]


class SlowSource:
    """A source that answers once, and never again."""

    loads = 0

    async def load(self, context):
        self.loads += 1
        if self.loads > int(os.environ.get("LOADS", "1000")):
            note("load hangs")
            await anyio.sleep_forever()
        return []


@hookimpl
def register_config_sources(composition):
    return [Provider(name="slow", factory=SlowSource)]


kernel = Kernel("service", plugins=[sys.modules[__name__], "toml", "files", "command_line"], discover="none")
settings = kernel.config.bind("settings", Settings)


@kernel.task("watch")
async def watch():
    note(f"text {settings.current.text}")
    async for change in settings.changes():
        note(f"text {change.new.text}")
