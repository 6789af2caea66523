"""Time a function by its kind: a coroutine function wrapped like a plain one reads a microsecond, whatever it does.

(prometheus/client_python#48; the same holds for generators, whose call returns before any of their work is done.)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from time import perf_counter
from types import CoroutineType
from typing import Any, Protocol, cast


class Recorder(Protocol):
    """What the wrappers report to: a `Timed`."""

    @property
    def begin(self) -> Callable[[], None]:
        """Count one more in flight."""
        ...

    @property
    def end(self) -> Callable[[], None]:
        """Count one less in flight."""
        ...

    @property
    def observe(self) -> Callable[[float], None]:
        """Record the seconds of what ended well; `end` goes with it."""
        ...

    def succeed(self, seconds: float) -> None:
        """Record an end without exception: `end` and `observe`."""
        ...

    def fail(self, exc: BaseException, seconds: float) -> None:
        """Record an end with one."""
        ...


def wrap(function: Callable[..., object], recorder: Recorder) -> Callable[..., object]:
    """Return ``function`` with every call recorded; signature, name and kind stay as they are."""
    called = (
        function if inspect.isroutine(function) or isinstance(function, functools.partial) else type(function).__call__
    )
    if inspect.iscoroutinefunction(called):
        wrapper: Callable[..., object] = _coroutine(
            cast("Callable[..., Coroutine[Any, Any, object]]", function), recorder
        )
    elif inspect.isasyncgenfunction(called):
        wrapper = _async_generator(cast("Callable[..., AsyncGenerator[object, object]]", function), recorder)
    elif inspect.isgeneratorfunction(called):
        wrapper = _generator(cast("Callable[..., Generator[object, object, object]]", function), recorder)
    else:
        wrapper = _plain(function, recorder)
    return functools.update_wrapper(wrapper, function)


def _coroutine(
    function: Callable[..., Coroutine[Any, Any, object]], recorder: Recorder
) -> Callable[..., Coroutine[Any, Any, object]]:
    begin, end, observe, fail = recorder.begin, recorder.end, recorder.observe, recorder.fail

    async def timed(*args: object, **kwargs: object) -> object:
        begin()
        start = perf_counter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as exc:
            fail(exc, perf_counter() - start)
            raise
        observe(perf_counter() - start)
        end()
        return result

    return timed


def _plain(function: Callable[..., object], recorder: Recorder) -> Callable[..., object]:
    begin, succeed, fail = recorder.begin, recorder.succeed, recorder.fail

    async def finish(work: Coroutine[Any, Any, object], start: float) -> object:
        try:
            result = await work
        except BaseException as exc:
            fail(exc, perf_counter() - start)
            raise
        succeed(perf_counter() - start)
        return result

    def timed(*args: object, **kwargs: object) -> object:
        begin()
        start = perf_counter()
        try:
            result = function(*args, **kwargs)
        except BaseException as exc:
            fail(exc, perf_counter() - start)
            raise
        if type(result) is CoroutineType:  # a coroutine function in the disguise of another decorator
            return finish(result, start)
        succeed(perf_counter() - start)
        return result

    return timed


def _generator(
    function: Callable[..., Generator[object, object, object]], recorder: Recorder
) -> Callable[..., Generator[object, object, object]]:
    def timed(*args: object, **kwargs: object) -> Generator[object, object, object]:
        recorder.begin()
        start = perf_counter()
        try:
            result = yield from function(*args, **kwargs)
        except GeneratorExit:
            recorder.succeed(perf_counter() - start)
            raise
        except BaseException as exc:
            recorder.fail(exc, perf_counter() - start)
            raise
        recorder.succeed(perf_counter() - start)
        return result

    return timed


def _async_generator(
    function: Callable[..., AsyncGenerator[object, object]], recorder: Recorder
) -> Callable[..., AsyncGenerator[object, object]]:
    async def timed(*args: object, **kwargs: object) -> AsyncGenerator[object, object]:
        recorder.begin()
        start = perf_counter()
        source = function(*args, **kwargs)
        try:
            step = source.__anext__()
            while True:
                item = await step
                # There is no "yield from" for async generators (PEP 525): pass on what the consumer sends, throws and closes.
                try:
                    sent = yield item
                except GeneratorExit:
                    await source.aclose()
                    raise
                except BaseException as exc:  # noqa: BLE001 - the source decides what the consumer's exception means
                    step = source.athrow(exc)
                else:
                    step = source.asend(sent)
        except (StopAsyncIteration, GeneratorExit) as exc:
            recorder.succeed(perf_counter() - start)
            if isinstance(exc, GeneratorExit):
                raise
        except BaseException as exc:
            recorder.fail(exc, perf_counter() - start)
            raise

    return timed
