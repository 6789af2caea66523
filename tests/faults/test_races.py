"""Many writes in a short time, many readers in many threads: the last write wins, and nobody sees half of anything."""

from __future__ import annotations

import sys
import threading

import anyio
import anyio.to_thread
import attrs
import pytest

from trivet import Kernel
from trivet.events import ConfigRejected, ConfigReloaded
from trivet.testing import memory_config

pytestmark = pytest.mark.timeout(60)
WRITES = 100
RELOADS = 1000


def in_place(path, text):
    path.write_text(text)


def by_rename(path, text):
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


@pytest.mark.parametrize("pause", [0.0, 0.002], ids=["at once", "with pauses"])
@pytest.mark.parametrize("write", [in_place, by_rename])
async def test_of_a_hundred_rapid_writes_the_last_wins(watching, tmp_path, write, pause):
    """However many of them were seen: each change was told once, in order, to callback, stream and observer alike."""
    path = tmp_path / "base.toml"
    path.write_text("[section]\nvalue = 0\nother = 0\n")
    async with watching(path) as watched, anyio.create_task_group() as group:
        told, streamed = [], []
        watched.live.subscribe(told.append)
        changes = watched.live.changes()

        async def follow():
            async for change in changes:
                streamed.append(change)  # noqa: PERF401 - to be looked at meanwhile

        group.start_soon(follow)

        def write_all():
            for number in range(1, WRITES + 1):
                write(path, f"[section]\nvalue = {number}\nother = {-number}\n")
                threading.Event().wait(pause)

        await anyio.to_thread.run_sync(write_all)
        await watched.until(lambda: watched.live.current.value == WRITES)
        await watched.until(lambda: streamed and streamed[-1].new.value == WRITES)
        await anyio.sleep(0.3)  # whatever else were to come would come now
        group.cancel_scope.cancel()

    # A truncated file is valid TOML, so the defaults may be seen in between; half of a section never.
    assert [change.new for change in told if change.new.value != -change.new.other] == []
    assert [change.new.value for change in told].count(WRITES) == 1
    assert [change.old for change in told[1:]] == [change.new for change in told[:-1]]
    assert [change.old for change in streamed[1:]] == [change.new for change in streamed[:-1]]
    accepted = [event.generation for event in watched.reloads if isinstance(event, ConfigReloaded)]
    assert [change.generation for change in told] == accepted == list(range(2, len(told) + 2))
    assert not [event for event in watched.reloads if isinstance(event, ConfigRejected)] or write is in_place
    assert watched.kernel.config.problems == ()


async def test_a_file_that_changes_while_it_is_loaded_and_changes_back(watching, tmp_path):
    """What was read in between does not stay in force because the file looks as it did before."""
    path = tmp_path / "base.toml"
    path.write_text("[section]\nvalue = 0\n")
    async with watching(path) as watched:
        reload, in_between = watched.kernel.config.reload, ["[section]\nvalue = 2\n", "[section\n"]

        async def disturbed(*, reason):
            if not in_between:
                return await reload(reason=reason)
            before = path.read_text()
            path.write_text(in_between.pop())
            outcome = await reload(reason=reason)
            path.write_text(before)
            return outcome

        watched.kernel.config.reload = disturbed
        path.write_text("[section]\nvalue = 1\n")
        await watched.until(lambda: watched.live.current.value == 1)
        await watched.until_well()
        assert in_between == []


@attrs.frozen
class Left:
    """One half of what belongs together."""

    value: int = 0
    double: int = 0


@attrs.frozen
class Right:
    """The other half."""

    value: int = 0


@pytest.fixture
def quick_turns():
    """Let threads take turns more often: more interleavings, and the loop waits less for the readers."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_turns")
async def test_three_threads_read_through_a_thousand_reloads(kernel_factory):
    """A section is never torn, a snapshot's sections belong together, values never go back, and no read fails.

    Every hundredth reload is a bad one.
    """
    source = memory_config({"left": {"value": 0, "double": 0}, "right": {"value": 0}})
    kernel: Kernel = kernel_factory.make(plugins=[source])
    left, right = kernel.config.bind("left", Left), kernel.config.bind("right", Right)
    await kernel_factory.start(kernel)
    done, errors, reads = threading.Event(), [], [0, 0, 0]

    def read(number):
        last = 0
        while not done.is_set():
            try:
                snapshot = kernel.config.snapshot
                one, other = snapshot.of(left), snapshot.of(right)
                current = left.current
                if one.value != other.value or current.double != 2 * current.value or current.value < last:
                    errors.append((one, other, current, last))
                last = current.value
                reads[number] += 1
            except Exception as exc:  # noqa: BLE001 - any breaks the promise
                errors.append(exc)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for value in range(1, RELOADS + 1):
            bad = value % 100 == 0
            source.data = {"left": {"value": value, "double": "x" if bad else 2 * value}, "right": {"value": value}}
            assert (await kernel.config.reload()).applied is not bad
    finally:
        done.set()
        for thread in threads:
            await anyio.to_thread.run_sync(thread.join, 10)
    assert errors == []
    assert min(reads) > 0
    assert kernel.config.generation == 1 + RELOADS - RELOADS // 100
    assert left.current == Left(RELOADS - 1, 2 * (RELOADS - 1))
