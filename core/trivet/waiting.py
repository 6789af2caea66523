"""Where a coroutine waits, as a stack: what a timeout message needs to be of use."""

from __future__ import annotations

import traceback
from types import AsyncGeneratorType, FrameType


def stack_of(awaitable: object) -> str:
    """Return the frames from an awaitable inwards, innermost last, in the form of a traceback.

    Args:
        awaitable: A suspended coroutine or generator, or None.
    """
    lines: list[str] = []
    while awaitable is not None:
        frame = _frame(awaitable)
        if frame is not None:
            lines.extend(traceback.format_stack(frame, limit=1))
        awaitable = _awaited_by(awaitable)
    return "".join(lines) or "  in a plain function\n"


def _frame(awaitable: object) -> FrameType | None:
    for attribute in ("cr_frame", "ag_frame", "gi_frame"):
        frame = getattr(awaitable, attribute, None)
        if isinstance(frame, FrameType):
            return frame
    return None


def _awaited_by(awaitable: object) -> object | None:
    # An @asynccontextmanager waits in its generator, which is not on the await chain: only its __aenter__'s `self` knows it.
    frame = _frame(awaitable)
    if frame is not None and frame.f_code.co_name == "__aenter__":
        generator = getattr(frame.f_locals.get("self"), "gen", None)
        if isinstance(generator, AsyncGeneratorType):
            return generator
    for attribute in ("cr_await", "ag_await", "gi_yieldfrom"):
        inner: object = getattr(awaitable, attribute, None)
        if inner is not None:
            return inner
    return None
