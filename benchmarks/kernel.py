"""The kernel: what importing it, starting fifty providers and asking for help cost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskStatus

import trivet
from benchmarks.harness import Block, Contest, Count, Peer, at_most, awaits, child, command, measure
from trivet import Kernel, Provider, hookimpl

PROVIDERS = 50
BARE = "import anyio, attrs, pluggy"
HEAVY = ("structlog", "cattrs", "click", "rich", "cryptography", "watchdog")
CLICK_HELLO = """
import click
@click.command()
def hello():
    click.echo("hello")
hello()
"""


@measure("import trivet")
@contextmanager
def import_trivet() -> Iterator[Contest]:
    """Import the package alone: names load when they are first used, so this is what a plugin's module pays at least."""
    yield Contest(child("import trivet"), [Peer(BARE, lambda: child(BARE), at_most(1.6))], rounds=9)


@measure("from trivet import Kernel")
@contextmanager
def import_kernel() -> Iterator[Contest]:
    """Import what every service needs: the same goal, for the name above makes it easy to meet for nothing."""
    yield Contest(child("from trivet import Kernel"), [Peer(BARE, lambda: child(BARE), at_most(1.6))], rounds=9)


@measure("heavy modules that all public names load")
@contextmanager
def heavy_modules() -> Iterator[Count]:
    """Count in a fresh interpreter."""
    probe = f"""
import sys, trivet
for name in trivet.__all__:
    getattr(trivet, name)
print(sum(name in sys.modules for name in {HEAVY}))
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True, timeout=30)
    yield Count(int(done.stdout), 0, f"of {', '.join(HEAVY)}")


@measure("compose + start + stop, 50 providers")
@contextmanager
def fifty_providers() -> Iterator[Contest]:
    """Make a kernel of fifty trivial providers, enter and leave it."""

    async def ours() -> None:
        async with Kernel("bench", plugins=[plugin], discover="none"):
            pass

    plugin = Fifty()
    rows = Kernel("bench", plugins=[plugin], discover="none").plugins()
    assert len(rows) == PROVIDERS, rows
    yield Contest(awaits(ours), [Peer("bare anyio task group", bare_task_group, at_most(6))])


@asynccontextmanager
async def trivial() -> AsyncIterator[object]:
    """Do nothing, as a service would around its work."""
    yield object()


class Fifty:
    """A plugin of fifty services."""

    @hookimpl
    def register_services(self, composition: object) -> list[Provider[Any]]:
        """Offer them."""
        del composition
        return [Provider(name=f"service_{number}", factory=trivial) for number in range(PROVIDERS)]


def bare_task_group() -> Block:
    """Start fifty tasks, each of which says that it has started, and stop them all."""

    async def task(*, task_status: TaskStatus[None]) -> None:
        task_status.started()
        await anyio.sleep_forever()

    async def start_and_stop() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(PROVIDERS):
                await tasks.start(task)
            tasks.cancel_scope.cancel()

    return awaits(start_and_stop)


@measure("trivet --help")
@contextmanager
def command_line_help() -> Iterator[Contest]:
    """Compare with the smallest click program: whole processes."""
    ours = command(str(Path(sys.executable).with_name("trivet")), "--help")
    hello = Peer("click hello world", lambda: command(sys.executable, "-c", CLICK_HELLO, "--help"), at_most(2.5))
    yield Contest(ours, [hello], rounds=9)


@measure("lines in core/trivet without testing/")
@contextmanager
def kernel_lines() -> Iterator[Count]:
    """Count all lines, comments and docstrings too."""
    core = Path(trivet.__file__).parent
    files = [path for path in core.rglob("*.py") if path.relative_to(core).parts[0] != "testing"]
    yield Count(sum(len(path.read_text().splitlines()) for path in files), 2_500, f"{len(files)} files")
