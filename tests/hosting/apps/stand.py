"""What every application in this directory carries: a kernel with one section, and services that keep a diary.

``$DIARY`` names the diary's file. ``drain`` stops only when the file ``$GATE`` is there (or its stop timeout is over), so that a
test can look at the process between the failure and its end.
"""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import attrs

from trivet import Kernel, Launch, Provider, hookimpl
from trivet.testing import memory_config


def note(line):
    """Write a line into the diary."""
    with Path(os.environ["DIARY"]).open("a") as diary:
        diary.write(f"{line}\n")


@attrs.frozen
class Greeting:
    """The application's settings."""

    text: str = "nothing"


class Pump:
    """A critical service that can be made to fail."""

    def __init__(self):
        self.broken = anyio.Event()

    async def run(self):
        await self.broken.wait()
        note("pump breaks")
        raise OSError("the pump is broken")


@asynccontextmanager
async def pump():
    note("pump starts")
    made = Pump()
    async with anyio.create_task_group() as group:
        group.start_soon(made.run)
        yield made
        group.cancel_scope.cancel()
        note("pump stops")


@asynccontextmanager
async def drain():
    note("drain starts")
    yield
    gate = os.environ.get("GATE")
    while gate and not await anyio.Path(gate).exists():
        await anyio.sleep(0.02)
    note("drain stops")


@asynccontextmanager
async def hanging():
    try:
        await anyio.sleep_forever()
    finally:
        note("hanging is given up")
    yield


def refuse():
    raise OSError("no such pump")


@hookimpl
def register_services(composition):
    providers = [
        Provider(name="drain", factory=drain),
        Provider(name="pump", factory=pump, provides=Pump, requires=("service/drain",)),
    ]
    also = os.environ.get("ALSO")
    if also:
        factory = {"hanging": hanging, "refuse": refuse}[also]
        providers.append(Provider(name=also, factory=factory, requires=("service/pump",), start_timeout=60))
    return providers


kernel = Kernel(
    "stand",
    plugins=[sys.modules[__name__], memory_config({"greeting": {"text": "hello"}})],
    discover="none",
    launch=Launch(environ={}),
)
greeting = kernel.config.bind("greeting", Greeting)
requests = kernel.metrics.counter("requests_total", "Requests.")


def ready():
    """Return the body and the status of a readiness page."""
    report = kernel.health.report("ready")
    return (report.gate or "ready"), report.http_status


def break_pump():
    """Make the critical service fail."""
    kernel.service(Pump).broken.set()
