"""`StallWatch`: name the plugin whose plain function blocks the start.

An async wait has a timeout; a plain function that blocks (an import, a hook, a factory) cannot be cancelled by anyone.
What can be done is to say which one it is and where it hangs, from a thread of our own.
"""

from __future__ import annotations

import sys
import threading
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StallWatch:
    """Watch steps that block, one at a time, between ``with`` and its end; may be entered again, later or inside itself.

    Args:
        limit: Seconds that a step may block before it is reported, once.
        report: Gets the step's name, the seconds so far and the stack; called in the watching thread.
    """

    def __init__(self, limit: float, report: Callable[[str, float, str], None]) -> None:
        self._limit = limit
        self._report = report
        self._changed = threading.Condition()
        self._step: str | None = None
        self._serial = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._watched = 0
        self._depth = 0

    def __enter__(self) -> Self:
        self._depth += 1
        if self._depth > 1:  # a start composes: one watching thread serves both
            return self
        self._closed, self._watched = False, threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="trivet-stall-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._depth -= 1
        if self._depth:
            return
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run one step under watch. Only for code without an ``await``."""
        self._step, self._serial = name, self._serial + 1
        try:
            yield
        finally:
            self._step = None

    def _watch(self) -> None:
        # Polls at half the limit, so that a step costs two assignments and no lock; reported between 1 and 1.5 limits.
        seen, ticks, half = 0, 0, self._limit / 2
        with self._changed:
            while not self._closed:
                self._changed.wait(half)
                step, serial = self._step, self._serial
                if step is None or serial != seen:
                    seen, ticks = serial, 0
                    continue
                ticks += 1
                if ticks == 2:
                    self._report(step, self._limit, self._stack())

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - the only way to see another thread's stack
        return "".join(traceback.format_stack(frame)[-5:]) if frame else ""


def report_to_stderr(step: str, seconds: float, stack: str) -> None:
    """Print a stall: at this time no logging may be set up yet."""
    sys.stderr.write(f"trivet: {step} has blocked the start for {seconds:g} s; it is here:\n{stack}")
