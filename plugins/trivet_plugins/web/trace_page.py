"""``/traces``: the spans that the tracer keeps, the newest first.

``?trace=<id>`` is one trace, ``?notable=1`` the slow and failed spans.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, PlainTextResponse, Response

from trivet import SpanStore

if TYPE_CHECKING:
    from starlette.requests import Request

    from trivet import Kernel, SpanRecord

MAX_SPANS: Final = 1_000
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}\Z")


def traces(kernel: Kernel, request: Request) -> Response:
    """Answer ``/traces``."""
    tracer = kernel.tracing.tracer
    if not isinstance(tracer, SpanStore):
        return PlainTextResponse("no tracer here keeps spans: load the plugin tracer\n", 404)
    trace_id = request.query_params.get("trace")
    if trace_id is not None and not _TRACE_ID.match(trace_id):
        return PlainTextResponse("a trace's id has 32 hex digits, in lower case\n", 400)
    notable = request.query_params.get("notable", "0") not in ("0", "")
    spans = tracer.spans(trace_id=trace_id, notable=notable)[-MAX_SPANS:]
    return JSONResponse({"service": kernel.name, "spans": [_row(span) for span in reversed(spans)]})


def _row(span: SpanRecord) -> dict[str, object]:
    return {
        "name": span.name,
        "kind": span.kind,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "at": span.at,
        "seconds": span.seconds,
        "error": span.error,
        "attributes": dict(span.attributes),
        "events": [{"name": name, "after": after, "attributes": dict(more)} for name, after, more in span.events],
        "sampled": span.sampled,
    }
