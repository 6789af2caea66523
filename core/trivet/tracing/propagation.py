"""The headers ``traceparent`` and ``tracestate``: W3C Trace Context, level 2, sections 3.2 and 3.3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from trivet.tracing.context import TraceContext

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z", re.DOTALL)
_MEMBER: Final = re.compile(r"([a-z0-9][_0-9a-z\-*/@]{0,255})=([ -+\--<>-~]{0,255}[!-+\--<>-~])\Z")
_MAX_STATE: Final = 512
_MAX_MEMBERS: Final = 32
_MAX_PARENT: Final = 512
_SAMPLED: Final = 0x01
_RANDOM: Final = 0x02
_INVALID_VERSION: Final = "ff"


def extract(headers: Mapping[str, str]) -> TraceContext | None:
    """Return the context that a request brings.

    Args:
        headers: With names in lower case.

    Returns:
        None where there is none or it is malformed: the request then begins a trace of its own. A later version is read as far
        as this one knows it. A malformed ``tracestate`` is left out alone.
    """
    context = parse_traceparent(headers.get(TRACEPARENT, ""))
    if context is not None:
        context.state = checked_state(headers.get(TRACESTATE, ""))
    return context


def inject(context: TraceContext) -> dict[str, str]:
    """Return the headers that hand a context on with a request."""
    flags = (_SAMPLED if context.sampled else 0) | _RANDOM  # our ids are random in all their bits
    headers = {TRACEPARENT: f"00-{context.trace_id}-{context.span_id}-{flags:02x}"}
    if context.state:
        headers[TRACESTATE] = context.state
    return headers


def parse_traceparent(text: str) -> TraceContext | None:
    """Return what a ``traceparent`` says, or None where it is malformed."""
    match = _PARENT.match(text.strip(" \t")) if len(text) <= _MAX_PARENT else None
    if match is None:
        return None
    version, trace, span, flags, rest = match.groups()
    if version == _INVALID_VERSION or (version == "00" and rest is not None):
        return None
    numbers = int(trace, 16), int(span, 16)
    return TraceContext(*numbers, bool(int(flags, 16) & _SAMPLED)) if all(numbers) else None


def checked_state(text: str) -> str:
    """Return a ``tracestate`` as it may be handed on; empty where it is malformed or too long."""
    members = [member.strip(" \t") for member in text.split(",") if member.strip(" \t")]
    if len(text) > _MAX_STATE or len(members) > _MAX_MEMBERS:
        return ""
    keys = [match[1] for member in members if (match := _MEMBER.match(member))]
    return ",".join(members) if len(set(keys)) == len(members) else ""
