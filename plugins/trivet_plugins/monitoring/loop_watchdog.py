"""`LoopWatchdog`: a thread that says where the event loop is blocked, while it is blocked."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

_FRAMES: Final = 8
_logger = logging.getLogger("trivet.event_loop")


class LoopWatchdog:
    """Expects a `beat` from the event loop again and again; logs the loop's stack where it stays away, once each time.

    Nothing that runs in the loop can report that the loop does not run: so a thread does, straight to the log.

    Args:
        limit: Seconds without a beat. The report comes after one to one and a quarter of them.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last = time.monotonic()
        self._loop_thread = threading.get_ident()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="trivet-loop-watchdog", daemon=True)
        self._place: str | None = None

    def beat(self) -> str | None:
        """Say that the loop runs.

        Returns:
            Where it was seen blocked since the last beat, ``file:line in function``; None where it was not.
        """
        self._last = time.monotonic()
        place, self._place = self._place, None
        return place

    def __enter__(self) -> Self:
        self._last, self._loop_thread = time.monotonic(), threading.get_ident()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        reported = 0.0
        while not self._end.wait(self._limit / 4):
            last = self._last
            blocked = time.monotonic() - last
            if blocked > self._limit and last != reported:
                reported = last
                self._report(blocked)

    def _report(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the only way to see another thread's stack
        stack = traceback.extract_stack(frame)[-_FRAMES:] if frame is not None else []
        if stack:
            self._place = f"{stack[-1].filename}:{stack[-1].lineno} in {stack[-1].name}"
        lines = "".join(traceback.format_list(stack)).rstrip()
        _logger.error("the event loop has been blocked for %.1f s; it is here:\n%s", seconds, lines)
