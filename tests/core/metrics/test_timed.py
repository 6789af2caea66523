from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
import threading
import time

import anyio
import anyio.lowlevel
import pytest

from trivet.errors import MetricError
from trivet.metrics.registry import Metrics

NAP = 0.05
# A sleep never ends early; how late it ends is up to the machine, so upper bounds are generous.
LATE = 5.0


@pytest.fixture
def metrics():
    return Metrics()


def counts(metrics, name="work"):
    """Return observations by outcome; those that never happened left out."""
    cells = metrics.get(f"{name}_seconds").cells()
    return {cell.labels[-1]: cell.cumulated()[-1] for cell in cells if cell.cumulated()[-1]}


def seconds(metrics, outcome="ok", name="work"):
    return metrics.get(f"{name}_seconds")[outcome,].sum


def in_flight(metrics, name="work"):
    return metrics.get(f"{name}_in_flight")[()].value


async def test_a_coroutine_function_is_timed_to_its_end(metrics):
    """A 50 ms sleep reads 50 ms: others read the making of the coroutine, a microsecond."""

    @metrics.timed("work", "Work.")
    async def work(value, *, twice=False):
        assert in_flight(metrics) == 1
        await anyio.sleep(NAP)
        return value * (2 if twice else 1)

    assert inspect.iscoroutinefunction(work)
    assert work.__name__ == "work"
    assert await work(21, twice=True) == 42
    assert counts(metrics) == {"ok": 1}
    assert NAP * 0.95 <= seconds(metrics) < LATE
    assert in_flight(metrics) == 0


async def test_an_error_is_recorded_and_passed_on(metrics):
    @metrics.timed("work")
    async def work():
        await anyio.lowlevel.checkpoint()
        raise KeyError("x")

    with pytest.raises(KeyError):
        await work()
    assert counts(metrics) == {"error": 1}
    assert in_flight(metrics) == 0


async def test_a_cancellation_has_an_outcome_of_its_own(metrics):
    @metrics.timed("work")
    async def work():
        await anyio.sleep_forever()

    with anyio.move_on_after(0.01):
        await work()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await anyio.wait_all_tasks_blocked()
        assert in_flight(metrics) == 1
        tasks.cancel_scope.cancel()
    assert counts(metrics) == {"cancelled": 2}
    assert in_flight(metrics) == 0


async def test_many_calls_at_once_are_told_apart(metrics):
    @metrics.timed("work")
    async def work(delay):
        await anyio.sleep(delay)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(work, NAP)
        await anyio.wait_all_tasks_blocked()
        assert in_flight(metrics) == 5
    assert counts(metrics) == {"ok": 5}
    assert 5 * NAP * 0.95 <= seconds(metrics) < 5 * LATE


async def test_an_async_generator_is_timed_over_its_iteration(metrics):
    @metrics.timed("work")
    async def numbers():
        for index in range(3):
            await anyio.sleep(NAP)
            yield index

    assert inspect.isasyncgenfunction(numbers)
    stream = numbers()
    assert in_flight(metrics) == 0
    assert [number async for number in stream] == [0, 1, 2]
    assert counts(metrics) == {"ok": 1}
    assert 3 * NAP * 0.95 <= seconds(metrics) < LATE
    assert in_flight(metrics) == 0


async def test_an_async_generator_still_takes_what_is_sent_thrown_and_closed(metrics):
    seen = []

    @metrics.timed("work")
    async def echo():
        value = "first"
        try:
            while True:
                try:
                    value = yield value
                except LookupError as exc:
                    value = f"caught {exc}"
        finally:
            seen.append("closed")

    stream = echo()
    assert await stream.__anext__() == "first"
    assert await stream.asend("sent") == "sent"
    assert await stream.athrow(LookupError("thrown")) == "caught thrown"
    await stream.aclose()
    assert seen == ["closed"]
    assert counts(metrics) == {"ok": 1}

    stream = echo()
    await stream.__anext__()
    with pytest.raises(ValueError, match="not caught"):
        await stream.athrow(ValueError("not caught"))
    assert counts(metrics) == {"ok": 1, "error": 1}
    assert in_flight(metrics) == 0


async def test_an_error_inside_an_async_generator_is_raised_once_and_not_thrown_back_into_it(metrics):
    raised = []

    @metrics.timed("work")
    async def broken():
        try:
            yield 1
            raise ValueError("mine")  # noqa: TRY301 - caught below to count it
        except ValueError:
            raised.append(1)
            raise

    with pytest.raises(ValueError, match="mine"):
        async for _ in broken():
            pass
    assert raised == [1]
    assert counts(metrics) == {"error": 1}


def test_a_plain_function_and_a_method_are_timed(metrics):
    class Worker:
        @metrics.timed("work")
        def work(self, value):
            time.sleep(NAP)
            return self, value

    worker = Worker()
    assert worker.work(3) == (worker, 3)
    assert counts(metrics) == {"ok": 1}
    assert NAP * 0.95 <= seconds(metrics) < LATE


def test_a_plain_function_that_raises_even_an_exit_is_an_error(metrics):
    """Without an event loop nothing can be cancelled."""

    @metrics.timed("work")
    def leave():
        raise SystemExit

    with pytest.raises(SystemExit):
        leave()
    assert counts(metrics) == {"error": 1}
    assert in_flight(metrics) == 0


def test_a_generator_is_timed_over_its_iteration(metrics):
    @metrics.timed("work")
    def numbers():
        time.sleep(NAP)
        got = yield 1
        return got

    stream = numbers()
    assert next(stream) == 1
    assert in_flight(metrics) == 1
    with pytest.raises(StopIteration) as end:
        stream.send("back")
    assert end.value.value == "back"
    assert counts(metrics) == {"ok": 1}
    assert NAP * 0.95 <= seconds(metrics) < LATE
    for number in numbers():
        assert number == 1
        break
    del number
    assert counts(metrics)["ok"] == 2


async def test_a_coroutine_function_in_disguise_is_timed_to_its_end(metrics):
    """Behind a plain decorator nobody can see what it is until it is called."""

    def plain(function):
        @functools.wraps(function)
        def call(*args):
            return function(*args)

        del call.__wrapped__
        return call

    class Callable:
        async def __call__(self):
            await anyio.sleep(NAP)

    @metrics.timed("work")
    @plain
    async def work():
        await anyio.sleep(NAP)

    await work()
    await metrics.timed("work")(functools.partial(Callable()))()
    await metrics.timed("work")(Callable())()
    assert counts(metrics) == {"ok": 3}
    assert 3 * NAP * 0.95 <= seconds(metrics) < 3 * LATE
    assert in_flight(metrics) == 0


async def test_a_with_block_is_timed(metrics):
    with metrics.timed("work"):
        await anyio.sleep(NAP)
    async with metrics.timed("work"):
        await anyio.sleep(NAP)
    with pytest.raises(ValueError, match="x"), metrics.timed("work"):
        raise ValueError("x")
    with anyio.move_on_after(0.01):
        async with metrics.timed("work"):
            await anyio.sleep_forever()
    assert counts(metrics) == {"ok": 2, "error": 1, "cancelled": 1}
    assert 2 * NAP * 0.95 <= seconds(metrics) < LATE


async def test_one_timer_serves_nested_blocks_and_many_tasks(metrics):
    """Each block gets its own start, however they interleave."""
    timer = metrics.timed("work")
    long, short = 0.2, 0.01

    async def block(delay):
        async with timer:
            await anyio.sleep(delay)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(block, long)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(block, short)
        await anyio.wait_all_tasks_blocked()
        assert in_flight(metrics) == 2
    # Had the pair been mixed up, both would read about the long delay or the short one about nothing.
    assert seconds(metrics) >= (long + short) * 0.95
    with timer, timer:
        assert in_flight(metrics) == 2
    assert counts(metrics) == {"ok": 4}
    assert in_flight(metrics) == 0


def test_a_block_may_be_left_in_another_context(metrics):
    """FastAPI enters and leaves a plain generator dependency in two worker threads."""
    timer = metrics.timed("work")

    def in_thread(function, *args):
        thread = threading.Thread(target=function, args=args)
        thread.start()
        thread.join()

    for _ in range(3):
        in_thread(timer.__enter__)
        in_thread(timer.__exit__, None, None, None)
    with timer:
        pass
    assert counts(metrics) == {"ok": 4}
    assert in_flight(metrics) == 0


def test_a_block_that_was_left_elsewhere_is_not_left_again(metrics):
    """A context that still remembers it must find the block that is open."""
    timer = metrics.timed("work")
    first, third = contextvars.Context(), contextvars.Context()
    first.run(timer.__enter__)
    second = first.run(contextvars.copy_context)
    second.run(timer.__exit__, None, None, None)
    third.run(timer.__enter__)
    first.run(timer.__exit__, None, None, None)
    assert counts(metrics) == {"ok": 2}
    assert in_flight(metrics) == 0


def test_timers_of_one_name_share_their_metrics_and_may_have_labels(metrics):
    with metrics.timed("query", labels={"table": "orders"}):
        pass
    with metrics.timed("query", labels={"table": "users"}), contextlib.suppress(ValueError):
        pass
    assert set(metrics.get("query_seconds")) == {("orders", "ok"), ("users", "ok")}
    assert set(metrics.get("query_in_flight")) == {("orders",), ("users",)}
    with pytest.raises(MetricError, match="clashes"):
        metrics.timed("query", labels={"other": "x"})
    assert metrics.timed("query", labels={"table": "users"}) is metrics.timed("query", labels={"table": "users"})


def test_what_cannot_be_timed_is_refused_with_the_remedy(metrics):
    with pytest.raises(MetricError, match="below classmethod"):

        class Worker:
            @metrics.timed("work")
            @classmethod
            def work(cls):
                pass
