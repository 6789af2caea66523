"""Hosted mode and the worker's ``async with kernel:``, in one process: who is cancelled, what is raised, what is left."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest

from trivet import KernelStateError, Provider, ProviderFailed, ProviderStartError, hookimpl


class Services:
    """A plugin with the given services."""

    def __init__(self, *providers):
        self.providers = providers

    @hookimpl
    def register_services(self, composition):
        return self.providers


@pytest.fixture
def diary():
    """What happened, in order."""
    return []


@pytest.fixture
def pump(diary):
    """A critical service and the event that breaks it."""
    broken = anyio.Event()

    async def work():
        await broken.wait()
        raise OSError("the pump is broken")

    @asynccontextmanager
    async def run():
        diary.append("pump starts")
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(work)
                yield "pump"
                group.cancel_scope.cancel()
        finally:
            diary.append("pump stops")

    return Provider(name="pump", factory=run), broken


@pytest.fixture
def hanging(diary):
    """A service that never gets through its start."""

    @asynccontextmanager
    async def run():
        try:
            await anyio.sleep_forever()
        finally:
            diary.append("hanging is given up")
        yield

    return Provider(name="hanging", factory=run, requires=("service/pump",), start_timeout=60)


@pytest.fixture
def make(kernel_factory):
    """Make a kernel with these services."""
    return lambda *providers: kernel_factory.make(plugins=[Services(*providers)])


async def test_a_worker_s_body_is_cancelled_and_the_failure_raised(make, pump, diary):
    """The body must not work on without a critical provider, and hears of it by name."""
    provider, broken = pump
    kernel = make(provider)
    with anyio.fail_after(10), pytest.raises(ProviderFailed, match=r"service/pump .*the pump is broken") as failure:
        async with kernel:
            broken.set()
            try:
                await anyio.sleep_forever()
            finally:
                diary.append("body is cancelled")
    assert isinstance(failure.value.__cause__, OSError | BaseExceptionGroup)
    assert "body is cancelled" in diary
    assert kernel.state == "stopped"


async def test_a_host_s_code_is_told_and_not_cancelled(make, pump):
    """In hosted mode the failure goes to ``on_fatal``, once, after the kernel has stopped; leaving raises nothing more."""
    provider, broken = pump
    kernel, told, heard = make(provider), [], anyio.Event()

    def on_fatal(error):
        told.append((error, kernel.state))
        heard.set()

    with anyio.fail_after(10):
        async with kernel.hosted(on_fatal=on_fatal) as same:
            assert same is kernel
            broken.set()
            await heard.wait()
            await anyio.sleep(0.01)
    [(error, state)] = told
    assert isinstance(error, ProviderFailed)
    assert state == "stopped"


async def test_entering_and_leaving_may_be_different_tasks(make, pump, diary):
    """As pytest-asyncio does with fixtures, and no cancel scope allows."""
    kernel = make(pump[0])
    host = kernel.hosted()

    async def enter():
        await host.__aenter__()

    async def leave():
        await host.__aexit__(None, None, None)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(enter)
        assert kernel.state == "running"
        async with anyio.create_task_group() as group:
            group.start_soon(leave)
    assert kernel.state == "stopped"
    assert diary == ["pump starts", "pump stops"]


async def test_a_failed_start_is_raised_to_the_host(make):
    """As it is, not in a group; and ``on_fatal`` is not for that."""

    def refuse():
        raise OSError("no such pump")

    kernel, told = make(Provider(name="refuse", factory=refuse)), []
    with anyio.fail_after(10), pytest.raises(ProviderStartError, match="no such pump"):
        async with kernel.hosted(on_fatal=told.append):
            pytest.fail("the body must not run")
    assert told == []
    assert kernel.state == "stopped"


@pytest.mark.parametrize("mode", ["hosted", "worker", "lifespan"])
async def test_a_start_that_is_cancelled_leaves_nothing_running(make, pump, hanging, diary, mode):
    """A host that gives up while a provider hangs: that one is given up, the others stop in order, the kernel is stopped."""
    kernel = make(pump[0], hanging)
    enter = {"hosted": kernel.hosted, "worker": lambda: kernel, "lifespan": kernel.lifespan}[mode]
    with anyio.fail_after(10):
        with anyio.move_on_after(0.2) as given_up:
            async with enter():
                pytest.fail("the body must not run")
        assert given_up.cancelled_caught
    assert diary == ["pump starts", "hanging is given up", "pump stops"]
    assert kernel.state == "stopped"


async def test_a_hosted_body_that_is_cancelled_stops_the_kernel_in_order(make, pump, diary):
    """The host's cancellation is the host's; the kernel's stop is not hurried by it."""
    kernel = make(pump[0])
    with anyio.fail_after(10):
        with anyio.move_on_after(0.1) as given_up:
            async with kernel.hosted():
                await anyio.sleep_forever()
        assert given_up.cancelled_caught
    assert diary == ["pump starts", "pump stops"]
    assert kernel.state == "stopped"


async def test_an_error_of_the_hosted_body_is_its_own(make, pump, diary):
    """It leaves as it was raised, after the stop."""
    with anyio.fail_after(10), pytest.raises(ValueError, match="own mistake"):
        async with make(pump[0]).hosted():
            raise ValueError("own mistake")
    assert diary == ["pump starts", "pump stops"]


async def test_a_kernel_runs_once_at_a_time(make):
    """Starting one that runs is a mistake, and does no harm to the one that runs."""
    kernel = make()
    async with kernel.hosted():
        with pytest.raises(KernelStateError, match="is running already"):
            async with kernel.hosted():
                pytest.fail("the body must not run")
        assert kernel.state == "running"
    async with kernel.hosted():  # and again after its stop
        assert kernel.state == "running"


async def test_a_stop_that_is_asked_for_does_not_end_a_hosted_kernel_by_itself(make):
    """The host decides when to leave; `until_stopped` tells it."""
    kernel = make()
    with anyio.fail_after(10):
        async with kernel.hosted():
            kernel.stop("enough")
            await kernel.until_stopped()
            assert kernel.state == "running"
    assert kernel.state == "stopped"


async def test_an_on_fatal_that_raises_is_heard_of(make, pump):
    """Its error, with the failure in its context, reaches the host when that leaves; the event loop goes on."""
    provider, broken = pump
    kernel = make(provider)

    def on_fatal(error):
        raise LookupError("nobody to tell")

    with anyio.fail_after(10), pytest.raises(LookupError, match="nobody to tell") as raised:
        async with kernel.hosted(on_fatal=on_fatal):
            broken.set()
            await anyio.sleep(0.2)
    assert isinstance(raised.value.__context__, ProviderFailed)
    assert kernel.state == "stopped"
