"""`TraceContext`: which trace and which span a piece of work belongs to. What travels between processes."""

from __future__ import annotations


class TraceContext:
    """The place of a span in its trace (W3C Trace Context, level 2).

    Not an attrs class: one is made for every span, and a plain ``__init__`` takes a third of the time of a frozen one.

    Args:
        trace: Number of the trace, 128 bits, not 0.
        span: Number of the span, 64 bits, not 0.
        sampled: Whether it is recorded: decided where the trace begins, followed by all others.
        state: ``tracestate``: what other tracing systems ask to be handed on, untouched.
    """

    __slots__ = ("sampled", "span", "state", "trace")

    def __init__(self, trace: int, span: int, sampled: bool = True, state: str = "") -> None:  # noqa: FBT001, FBT002 - made for every span: keywords cost
        self.trace = trace
        self.span = span
        self.sampled = sampled
        self.state = state

    @property
    def trace_id(self) -> str:
        """The trace's number as 32 hex digits."""
        return f"{self.trace:032x}"

    @property
    def span_id(self) -> str:
        """The span's number as 16 hex digits."""
        return f"{self.span:016x}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TraceContext):
            return NotImplemented
        return (self.trace, self.span, self.sampled, self.state) == (
            other.trace,
            other.span,
            other.sampled,
            other.state,
        )

    def __hash__(self) -> int:
        return hash((self.trace, self.span))

    def __repr__(self) -> str:
        return f"TraceContext({self.trace_id}, {self.span_id}, sampled={self.sampled})"
