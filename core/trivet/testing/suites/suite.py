"""`Suite`: what all conformance suites share: they run under both event loops, and say which provider they prove."""

from __future__ import annotations

from collections.abc import Awaitable
from inspect import isawaitable
from typing import ClassVar, Final, NoReturn, TypeVar

import anyio
import pytest

T = TypeVar("T")

ANSWER_LIMIT: Final = 15.0
"""Seconds after which a suite takes a call for one that hangs."""


@pytest.mark.anyio
class Suite:
    """The tests of one kind, under every event loop that is installed. A subclass of a suite proves one provider.

    The fixtures it overrides may be async. For a provider that needs one of the loops, override the fixture ``anyio_backend``.
    """

    provider: ClassVar[str | None] = None
    """The id of the provider that a subclass proves, e.g. ``cipher/vault``: a project can look for providers without a proof."""

    @pytest.fixture(autouse=True)
    def _backend_is_what_it_says(self, anyio_backend: object, request: pytest.FixtureRequest) -> None:
        in_auto_mode = "auto" in (request.config.getoption("asyncio_mode", None), _ini(request.config, "asyncio_mode"))
        if in_auto_mode and anyio_backend != "asyncio":
            pytest.skip("pytest-asyncio is in auto mode and takes all async tests: set asyncio_mode = strict")


def _ini(config: pytest.Config, name: str) -> object:
    try:
        return config.getini(name)
    except ValueError:  # the plugin that brings this option is not loaded
        return None


def override(fixture: str) -> NoReturn:
    """Fail a suite whose fixture is still the suite's own."""
    pytest.fail(f"override the fixture {fixture}: it gives the object that the suite looks at", pytrace=False)


async def answer(value: T | Awaitable[T]) -> T:
    """Return a value, awaited where it must be.

    Raises:
        TimeoutError: after `ANSWER_LIMIT`.
    """
    if isawaitable(value):
        with anyio.fail_after(ANSWER_LIMIT):
            return await value
    return value
