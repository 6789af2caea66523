"""Measure ours and a peer in turns, so that a busy machine slows both, and report the ratio.

A benchmark file registers measures::

    @measure("read a setting")
    @contextmanager
    def read():
        yield Contest(statement("live.current.size", live=live), [Peer("plain attrs", plain, at_most(1.3))])

A side is a `Block`: it runs a number of loops and returns the seconds they took. `statement`, `calls`, `awaits`, `child` and
`command` make one. What a peer needs is imported in its ``build`` function: an ImportError there is a missing peer, the only
thing that fails a run.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import anyio
import attrs

Block = Callable[[int], float]

_BLOCK_SECONDS = 0.02
_CHILD_LIMIT = 60


@attrs.frozen
class Goal:
    """What the ratio ours / peer should be: at most ``ratio``. ``faster`` says it the other way round, as 1 / ratio."""

    ratio: float
    faster: bool = False

    def show(self, ratio: float) -> str:
        """Write a ratio in the direction of this goal."""
        return f"{1 / ratio:.1f}x faster" if self.faster else f"{ratio:.2f}x"

    def __str__(self) -> str:
        return f">= {1 / self.ratio:g}x faster" if self.faster else f"<= {self.ratio:g}x"


def at_most(factor: float) -> Goal:
    """Let ours take at most this many times as long as the peer."""
    return Goal(factor)


def faster(factor: float) -> Goal:
    """Let the peer take at least this many times as long as ours."""
    return Goal(1 / factor, faster=True)


@attrs.frozen
class Peer:
    """Something to measure against; ``build`` imports it, sets it up, proves that it gives the same and returns its block."""

    name: str
    build: Callable[[], Block]
    goal: Goal


@attrs.frozen
class Contest:
    """Our side, and each peer with its goal."""

    ours: Block
    peers: Sequence[Peer]
    rounds: int = 15


@attrs.frozen
class Count:
    """A figure that is counted, not timed, and what it should be at most."""

    ours: int
    limit: int
    note: str = ""


@attrs.frozen(kw_only=True)
class Row:
    """A line of the report. Times are seconds per loop, medians over the rounds; a missing peer has none."""

    measure: str
    peer: str
    ours: float | None
    theirs: float | None
    ratio: float | None
    goal: str
    shown: str
    met: bool | None
    timed: bool = True


def within(measure: str, found: float, limit: float) -> Row:
    """Return the row of a time that has a limit and no peer, both in seconds."""
    ratio = found / limit
    return Row(
        measure=measure,
        peer="the limit",
        ours=found,
        theirs=limit,
        ratio=ratio,
        goal=str(at_most(1)),
        shown=f"{ratio:.2f}x",
        met=ratio <= 1,
    )


Measure = Callable[[], AbstractContextManager[Contest | Count | Sequence[Row]]]
measures: dict[str, Measure] = {}


def measure(name: str) -> Callable[[Measure], Measure]:
    """Register a measure under its name in the table."""

    def register(function: Measure) -> Measure:
        measures[name] = function
        return function

    return register


def statement(code: str, **names: object) -> Block:
    """Time a statement with these names, without the cost of a call."""
    return timeit.Timer(code, globals=names).timeit


def calls(function: Callable[[], object]) -> Block:
    """Time calls, with the garbage collector on, as in a service."""
    return timeit.Timer(function, setup="gc.collect(); gc.enable()", globals={"gc": gc}).timeit


def awaits(function: Callable[[], Awaitable[object]], backend: str = "asyncio") -> Block:
    """Time awaited calls inside a running event loop; its start and end are not counted."""

    async def block(loops: int) -> float:
        await function()  # the loop's own warm-up
        started = time.perf_counter()
        for _ in range(loops):
            await function()
        return time.perf_counter() - started

    return lambda loops: anyio.run(block, loops, backend=backend)


def child(code: str) -> Block:
    """Time a piece of code inside a fresh interpreter, whose own start does not count."""
    program = f"import time; t = time.perf_counter()\n{code}\nprint(time.perf_counter() - t)"

    def once() -> float:
        argv = [sys.executable, "-c", program]
        return float(subprocess.run(argv, capture_output=True, check=True, timeout=_CHILD_LIMIT).stdout)

    return lambda loops: sum(once() for _ in range(loops))


def command(*argv: str) -> Block:
    """Time a whole process, start to exit."""

    def once() -> None:
        subprocess.run(argv, capture_output=True, check=True, timeout=_CHILD_LIMIT)

    return timeit.Timer(once).timeit


def run(name: str, rounds: int | None = None) -> Iterator[Row]:
    """Run one measure; one row per peer, or the rows that it has made itself."""
    with measures[name]() as subject:
        if isinstance(subject, Sequence):
            yield from subject
            return
        if isinstance(subject, Count):
            yield _counted(name, subject)
            return
        for peer in subject.peers:
            try:
                theirs = peer.build()
            except ImportError as error:
                yield _missing(name, peer, error)
            else:
                yield _timed(name, peer, _in_turns(subject.ours, theirs, rounds or subject.rounds))


def _in_turns(ours: Block, theirs: Block, rounds: int) -> list[tuple[float, float]]:
    loops, their_loops = _loops(ours), _loops(theirs)
    return [(ours(loops) / loops, theirs(their_loops) / their_loops) for _ in range(rounds)]


def _loops(block: Block) -> int:
    """Find how many loops make a block long enough to time; this also warms the side up."""
    loops = 1
    while (seconds := block(loops)) < _BLOCK_SECONDS:
        loops = max(loops * 2, int(loops * _BLOCK_SECONDS / max(seconds, 1e-9)))
    return loops


def _timed(name: str, peer: Peer, pairs: list[tuple[float, float]]) -> Row:
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(mine / other for mine, other in pairs)
    return Row(
        measure=name,
        peer=peer.name,
        ours=ours,
        theirs=theirs,
        ratio=ratio,
        goal=str(peer.goal),
        shown=peer.goal.show(ratio),
        met=ratio <= peer.goal.ratio,
    )


def _counted(name: str, count: Count) -> Row:
    return Row(
        measure=name,
        peer=count.note,
        ours=count.ours,
        theirs=None,
        ratio=None,
        goal=f"<= {count.limit:,}",
        shown="",
        met=count.ours <= count.limit,
        timed=False,
    )


def _missing(name: str, peer: Peer, error: ImportError) -> Row:
    return missing(name, peer.name, str(peer.goal), error)


def missing(name: str, peer: str, goal: str, error: ImportError) -> Row:
    """Make the row of a peer that cannot be imported; it fails the run."""
    why = f"missing: {error}"
    return Row(measure=name, peer=peer, ours=None, theirs=None, ratio=None, goal=goal, shown=why, met=None)
