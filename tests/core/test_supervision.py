"""One provider's life: its own task, timeouts, restarts, crashes and stops, apart from all others."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager

import anyio
import pytest

from trivet import supervision
from trivet.composition import Declared
from trivet.config.problem import Problem
from trivet.errors import ConfigError, ProviderStartError, RetryLater, StartupRefused
from trivet.plugin import Plugin
from trivet.provider import Provider
from trivet.stall import StallWatch
from trivet.supervision import Slot, State


class Host:
    """A task group with one slot in it, and a record of what happened."""

    def __init__(self, factory, **options):
        self.states = []
        self.crashed = anyio.Event()
        self.attached = []
        declared = Declared("service", Provider(name="thing", factory=factory, **options), Plugin("acme", object()))
        self.slot = Slot(
            declared,
            arguments=lambda _: {},
            attach=self._attach,
            changed=lambda slot: self.states.append(slot.state),
            watch=StallWatch(60, lambda *_: None),
        )

    def _attach(self, declared, instance):
        self.attached.append(instance)
        return lambda: self.attached.remove(instance)

    @asynccontextmanager
    async def running(self):
        try:
            async with anyio.create_task_group() as tasks:
                await self.slot.start(tasks, lambda _: self.crashed.set())
                yield self.slot
                await self.slot.stop()
                tasks.cancel_scope.cancel()
        except ExceptionGroup as group:
            error = group.exceptions[0]
            raise error from error.__cause__


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch):
    """Shorten the pause before a restart."""
    monkeypatch.setattr(supervision, "_BACKOFF_FIRST", 0.01)


async def test_a_plain_object_runs_and_stops():
    """A factory may return the object itself."""
    host = Host(lambda: "thing")
    async with host.running() as slot:
        assert slot.instance == "thing"
        assert host.attached == ["thing"]
    assert host.attached == []
    assert host.states == [State.STARTING, State.RUNNING, State.STOPPING, State.STOPPED]


async def test_an_async_factory_is_awaited():
    """A coroutine function is a factory too."""

    async def make():
        await anyio.lowlevel.checkpoint()
        return "thing"

    async with Host(make).running() as slot:
        assert slot.instance == "thing"


async def test_a_context_manager_is_entered_and_left_in_one_task():
    """Cancel scopes of a provider stay in the task that made them."""
    tasks = []

    @asynccontextmanager
    async def make():
        tasks.append(anyio.get_current_task().id)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep_forever)
            yield "thing"
            group.cancel_scope.cancel()
        tasks.append(anyio.get_current_task().id)

    async with Host(make).running():
        pass
    assert tasks[0] == tasks[1] != anyio.get_current_task().id


async def test_a_start_that_hangs_is_cancelled_and_named():
    """The error has the provider, its plugin and the limit; the task group lives on."""

    @asynccontextmanager
    async def make():
        await anyio.sleep_forever()
        yield

    host = Host(make, start_timeout=0.05)
    with pytest.raises(ProviderStartError) as caught:
        async with host.running():
            pass  # pragma: no cover
    error = caught.value
    assert str(error) == "service/thing (plugin acme) failed in phase timeout: did not start within 0.05 s"


async def test_the_stack_of_a_hanging_start_shows_the_line_that_waits():
    """Also through an @asynccontextmanager, whose generator is not on the await chain."""

    async def connect_to_nowhere():
        await anyio.sleep_forever()

    @asynccontextmanager
    async def make():
        await connect_to_nowhere()
        yield

    host = Host(make, start_timeout=30)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host.slot.start, tasks, lambda _: None)
        while "connect_to_nowhere" not in host.slot.stack():
            await anyio.sleep(0.001)
        assert host.slot.starting_for() > 0
        tasks.cancel_scope.cancel()


async def test_a_failed_start_carries_its_cause():
    """The original exception is ``__cause__``, its text in the message."""

    def make():
        raise OSError("no such bus")

    with pytest.raises(ProviderStartError, match="OSError: no such bus") as caught:
        async with Host(make).running():
            pass  # pragma: no cover
    assert isinstance(caught.value.__cause__, OSError)


async def test_restart_tries_again_as_often_as_it_says():
    """``restart=2`` makes three tries."""
    tries = []

    def make():
        tries.append(1)
        raise OSError

    with pytest.raises(ProviderStartError):
        async with Host(make, restart=2).running():
            pass  # pragma: no cover
    assert len(tries) == 3


async def test_retry_later_sets_its_own_delay():
    """The pause is the provider's, not the back-off's."""
    tries = []

    def make():
        tries.append(1)
        if len(tries) == 1:
            raise RetryLater("broker is not there", delay=0)
        return "thing"

    async with Host(make, restart=1).running() as slot:
        assert slot.state is State.RUNNING


async def test_a_refusal_is_not_tried_again():
    """`StartupRefused` comes out as it is, whatever ``restart`` says."""
    tries = []

    def make():
        tries.append(1)
        raise StartupRefused("port 80 needs root; set plugins.web.port")

    with pytest.raises(StartupRefused, match="port 80"):
        async with Host(make, restart=5).running():
            pass  # pragma: no cover
    assert len(tries) == 1


async def test_settings_that_do_not_fit_are_not_tried_again():
    """They would not fit the next time either, and the user waits for the report."""
    tries = []

    def make():
        tries.append(1)
        raise ConfigError((Problem("expected an integer"),))

    with pytest.raises(ConfigError, match="expected an integer"):
        async with Host(make, restart=5).running():
            pass  # pragma: no cover
    assert len(tries) == 1


async def test_a_crash_in_a_background_task_is_a_restart():
    """The provider comes back under the same slot, and its object is exchanged in the registry."""
    lives = []

    async def die():
        raise OSError("bus went away")

    @asynccontextmanager
    async def make():
        lives.append(1)
        async with anyio.create_task_group() as group:
            if len(lives) == 1:
                group.start_soon(die)
            yield len(lives)
            group.cancel_scope.cancel()

    host = Host(make, restart=1)
    async with host.running():
        with anyio.fail_after(5):
            while host.attached != [2]:
                await anyio.sleep(0.001)
        assert not host.crashed.is_set()


async def test_a_crash_beyond_restart_is_told_once():
    """The kernel hears of a provider that failed for good; the error is kept."""

    async def die():
        raise OSError("bus went away")

    @asynccontextmanager
    async def make():
        async with anyio.create_task_group() as group:
            group.start_soon(die)
            yield

    host = Host(make)
    async with host.running() as slot:
        with anyio.fail_after(5):
            await host.crashed.wait()
        assert slot.state is State.FAILED


async def test_a_provider_that_swallows_its_crash_is_a_failure_all_the_same():
    """A context manager that ends by itself has not been asked to."""

    async def die():
        raise OSError

    @asynccontextmanager
    async def make():
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(die)
                yield
        except* OSError:
            pass

    host = Host(make)
    async with host.running() as slot:
        with anyio.fail_after(5):
            await host.crashed.wait()
        assert "swallowed" in str(slot.error)


async def test_a_stop_that_hangs_is_cancelled():
    """The stop timeout holds, and the state says so."""

    @asynccontextmanager
    async def make():
        yield "thing"
        await anyio.sleep_forever()

    host = Host(make, stop_timeout=0.05)
    async with host.running() as slot:
        pass
    assert slot.state is State.FAILED
    assert "did not stop within 0.05 s" in str(slot.error)


async def test_outside_cancellation_does_not_reach_a_running_provider():
    """A provider ends in its turn, by its own exit, not by the cancellation of its surroundings."""
    seen = []

    @asynccontextmanager
    async def make():
        try:
            yield "thing"
            await anyio.lowlevel.checkpoint()
            seen.append("left in order")
        except BaseException:  # pragma: no cover
            seen.append("cancelled")
            raise

    host = Host(make)
    async with anyio.create_task_group() as tasks:
        await host.slot.start(tasks, lambda _: None)
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.01)
            assert host.slot.state is State.RUNNING
            await host.slot.stop()
    assert seen == ["left in order"]


async def test_a_stop_during_a_start_leaves_as_soon_as_it_runs():
    """A slot that is starting when the stop begins does not stay behind."""
    let_go = anyio.Event()

    @asynccontextmanager
    async def make():
        await let_go.wait()
        yield "thing"

    host = Host(make)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host.slot.start, tasks, lambda _: None)
        await anyio.wait_all_tasks_blocked()
        await host.slot.stop()
        let_go.set()
    assert host.attached == []


def test_a_factory_that_blocks_is_named_with_its_stack():
    """A plain function cannot be cancelled, but it can be told on, once."""
    told, reported = threading.Event(), []

    def report(step, seconds, stack):
        reported.append((step, stack))
        told.set()

    with StallWatch(0.05, report) as watch, watch.step("service/thing (its factory)"):
        assert told.wait(10)
    assert len(reported) == 1
    assert reported[0][0] == "service/thing (its factory)"
    assert "test_a_factory_that_blocks" in reported[0][1]
