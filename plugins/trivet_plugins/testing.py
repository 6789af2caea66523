"""What pytest gets from trivet: the fixture ``kernel_factory``, and a look after every test whether it left a kernel running.

Config: none; it comes through pytest's entry point group ``pytest11``. It stands outside of the package ``trivet`` because pytest
imports it at every start: trivet itself is imported when a test asks for it, so pytest starts fast and a coverage measurement
misses nothing (as with ``_hypothesis_pytestplugin``).

Example::

    async def test_the_queue_is_there(kernel_factory):
        kernel = await kernel_factory({"plugins": {"queue": {"size": 5}}}, plugins=[queue])
"""

from __future__ import annotations

import functools
import inspect
import sys
from contextlib import asynccontextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator
    from collections.abc import Set as AbstractSet

    from trivet import Kernel
    from trivet.testing import KernelFactory

_LOOP_SCOPES: Final = ("function", "class", "module", "package", "session")
_ANYIO: Final = "_trivet_kernels_anyio"
_ASYNCIO: Final = "_trivet_kernels_asyncio_{}"

_before: Final = pytest.StashKey["AbstractSet[Kernel]"]()
_shared: Final = pytest.StashKey["set[Kernel]"]()


# -- the fixture ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _kernels() -> AsyncIterator[KernelFactory]:
    from trivet.testing.factory import kernels

    async with kernels() as factory:
        yield factory


@pytest.fixture(name=_ANYIO)
async def _kernels_under_anyio() -> AsyncIterator[KernelFactory]:
    async with _kernels() as factory:
        yield factory


def _fixtures_for_pytest_asyncio() -> ModuleType:
    import pytest_asyncio

    module = ModuleType("trivet_fixtures_for_pytest_asyncio")
    # It runs a fixture in the loop that is written on the fixture, not in the loop of the test: so one per loop.
    for scope in _LOOP_SCOPES:

        async def kernels() -> AsyncIterator[KernelFactory]:
            async with _kernels() as factory:
                yield factory

        setattr(module, scope, pytest_asyncio.fixture(kernels, loop_scope=scope, name=_ASYNCIO.format(scope)))
    return module


@pytest.fixture
def kernel_factory(request: pytest.FixtureRequest) -> KernelFactory:
    """Make and start kernels (`trivet.testing.KernelFactory`); all are stopped after the test.

    For async tests and fixtures of anyio's pytest plugin and of pytest-asyncio.
    """
    factory: KernelFactory = request.getfixturevalue(_fixture_name(request))
    return factory


def _fixture_name(request: pytest.FixtureRequest) -> str:
    if "anyio_backend" in request.fixturenames:
        return _ANYIO
    if not request.config.pluginmanager.has_plugin("asyncio"):
        pytest.fail("kernel_factory needs an event loop: mark the test with pytest.mark.anyio", pytrace=False)
    mark = request.node.get_closest_marker("asyncio")
    scope = mark.kwargs.get("loop_scope") if mark is not None else None
    return _ASYNCIO.format(scope or request.config.getini("asyncio_default_test_loop_scope"))


# -- the look after every test ----------------------------------------------------------------------------------------


def _running() -> AbstractSet[Kernel]:
    run = sys.modules.get("trivet.run")
    return set(run.RUNNING) if run is not None else set()


def _stopped_by_a_fixture() -> AbstractSet[Kernel]:
    factory = sys.modules.get("trivet.testing.factory")
    return set(factory.STARTED) if factory is not None else set()


def _demand_stopped(kernels: AbstractSet[Kernel], shared: set[Kernel]) -> None:
    if kernels:
        shared |= kernels  # named once is enough
        names = ", ".join(sorted(kernel.name for kernel in kernels))
        remedy = "leave its context (async with kernel, kernel.hosted(), kernel.blocking()), or use kernel_factory"
        pytest.fail(f"the test left a kernel running: {names}; {remedy}", pytrace=False)


def _checked(
    function: Callable[..., Coroutine[Any, Any, None]], check: Callable[[], None]
) -> Callable[..., Coroutine[Any, Any, None]]:
    @functools.wraps(function)
    async def test(*args: object, **kwargs: object) -> None:
        await function(*args, **kwargs)
        check()  # in the event loop: when the loop ends, it takes a forgotten kernel down, and nobody would know

    return test


# -- hooks ------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixture to pytest-asyncio, where that is in use."""
    config.stash[_shared] = set()
    if config.pluginmanager.has_plugin("asyncio"):
        config.pluginmanager.register(_fixtures_for_pytest_asyncio())


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Note the kernels that fixtures of many tests start: no single test leaves them behind."""
    before = _running()
    try:
        return (yield)
    finally:
        if fixturedef.scope != "function":
            request.config.stash[_shared] |= _running() - before


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note what ran before the test."""
    item.stash[_before] = _running()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test whose body leaves a kernel running."""
    before = _running()

    def check() -> None:
        shared = item.config.stash[_shared]
        _demand_stopped(_running() - before - shared - _stopped_by_a_fixture(), shared)

    with pytest.MonkeyPatch.context() as patch:
        function = getattr(item, "obj", None)
        if inspect.iscoroutinefunction(function):
            patch.setattr(item, "obj", _checked(function, check))
        result = yield
    check()
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test whose fixtures leave a kernel running."""
    result = yield
    shared = item.config.stash[_shared]
    _demand_stopped(_running() - item.stash.get(_before, set()) - shared, shared)
    return result
