"""Passwords: what a hash costs beside the bare library's, and what 50 log-ins at once do to the event loop and to memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio
import anyio.lowlevel

from benchmarks.harness import Block, Contest, Count, Peer, Row, at_most, awaits, calls, measure
from trivet_plugins.security.levels import LEVELS
from trivet_plugins.security.passwords.argon2id import Argon2id, Argon2idConfig

LEVEL = LEVELS["high"]
PASSWORD = "correct horse battery staple"
AT_ONCE = Argon2idConfig().at_once(LEVEL)
LOG_INS = 50
LAG_LIMIT = 0.010
_TICK = 0.001

_MEMORY = f"""
import anyio
from trivet_plugins.security.passwords.argon2id import Argon2id, Argon2idConfig
from trivet_plugins.security.levels import LEVELS

level = LEVELS["high"]

def kib(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

async def main():
    cheap = Argon2id(LEVELS["standard"].password, bound=level.password_bound, concurrency=1)
    await cheap.hash("load what is loaded once")
    before = kib("VmRSS:")
    hasher = Argon2id(level.password, bound=level.password_bound, concurrency=Argon2idConfig().at_once(level))
    async with anyio.create_task_group() as tasks:
        for number in range({LOG_INS}):
            tasks.start_soon(hasher.hash, str(number))
    print((kib("VmHWM:") - before) // 1024)

anyio.run(main)
"""


def hasher() -> Argon2id:
    """Make the hasher of level high."""
    return Argon2id(LEVEL.password, bound=LEVEL.password_bound, concurrency=AT_ONCE)


def bare() -> Callable[[], str]:
    """Return a call that hashes with argon2-cffi alone, with the same parameters."""
    import argon2

    cost = LEVEL.password
    peer = argon2.PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes)
    return lambda: peer.hash(PASSWORD)


@measure("hash a password, Argon2id at level high")
@contextmanager
def hash_() -> Iterator[Contest]:
    """Hash in a thread, with the event loop free; argon2-cffi blocks its caller."""
    ours = hasher()

    def cffi() -> Block:
        return calls(bare())

    yield Contest(awaits(lambda: ours.hash(PASSWORD)), [Peer("argon2-cffi", cffi, at_most(1.05))])


async def lag_of(work: Callable[[], Coroutine[Any, Any, object]]) -> float:
    """Return how long the event loop kept a task waiting while some work was done: the 99th percentile, in seconds."""
    lags, ended = list[float](), anyio.Event()

    async def heartbeat() -> None:
        while not ended.is_set():
            due = time.perf_counter() + _TICK
            await anyio.sleep(_TICK)
            lags.append(time.perf_counter() - due)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(heartbeat)
        await work()
        ended.set()
    return sorted(lags)[len(lags) * 99 // 100]


async def log_ins(log_in: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Have many queued at once."""
    async with anyio.create_task_group() as tasks:
        for _ in range(LOG_INS):
            tasks.start_soon(log_in)


@measure(f"event-loop lag with {LOG_INS} log-ins queued, level high (p99)")
@contextmanager
def lag() -> Iterator[Sequence[Row]]:
    """Compare with the limit, and with what the same hashes do to an event loop from another process, and from inside it."""
    ours = hasher()
    stored = anyio.run(ours.hash, PASSWORD)
    blocking = bare()

    async def in_the_loop() -> None:
        blocking()
        await anyio.lowlevel.checkpoint()

    async def elsewhere() -> None:
        await anyio.run_process([sys.executable, "-c", _MEMORY])

    found = anyio.run(lag_of, lambda: log_ins(lambda: ours.verify(PASSWORD, stored)))
    peers = {
        "the limit": (LAG_LIMIT, 1.0),
        "the same in another process": (anyio.run(lag_of, elsewhere), 2.0),
        "argon2-cffi in the event loop": (anyio.run(lag_of, lambda: log_ins(in_the_loop)), 1.0),
    }
    yield [
        Row(
            measure=f"event-loop lag with {LOG_INS} log-ins queued, level high (p99)",
            peer=peer,
            ours=found,
            theirs=theirs,
            ratio=found / theirs,
            goal=str(at_most(goal)),
            shown=f"{found / theirs:.2f}x",
            met=found <= goal * theirs,
        )
        for peer, (theirs, goal) in peers.items()
    ]


@measure(f"memory of {LOG_INS} log-ins at once, level high, MiB")
@contextmanager
def memory() -> Iterator[Count]:
    """Compare the process's peak with what it had before, in a process of its own."""
    argv = [sys.executable, "-c", _MEMORY]
    taken = int(subprocess.run(argv, capture_output=True, check=True, timeout=120).stdout)
    cost = LEVEL.password.memory // 1024
    yield Count(taken, AT_ONCE * cost, f"limiter x cost: {AT_ONCE} x {cost}")
