"""Spans as OTLP/JSON (OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding": ids in hex, 64-bit numbers as texts)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trivet import SpanRecord
    from trivet.tracing.contracts import AttributeValue

_KINDS: Final = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_ERROR: Final = 2
_NANO: Final = 1_000_000_000


def encode(spans: Iterable[SpanRecord], resource: Mapping[str, AttributeValue]) -> bytes:
    """Return an ``ExportTraceServiceRequest``.

    Args:
        spans: Those to send.
        resource: What sends them: ``service.name`` at least.
    """
    scope = {"scope": {"name": "trivet"}, "spans": [_span(span) for span in spans]}
    request = {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}
    return json.dumps(request, separators=(",", ":")).encode()


def _span(span: SpanRecord) -> dict[str, object]:
    begun = round(span.at * _NANO)
    found: dict[str, object] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(begun),
        "endTimeUnixNano": str(begun + round(span.seconds * _NANO)),
        "attributes": _attributes(span.attributes),
        "events": [
            {"timeUnixNano": str(begun + round(after * _NANO)), "name": name, "attributes": _attributes(more)}
            for name, after, more in span.events
        ],
        "status": {"code": _ERROR, "message": span.error} if span.error else {},
    }
    if span.parent_id:
        found["parentSpanId"] = span.parent_id
    return found


def _attributes(attributes: Mapping[str, AttributeValue]) -> list[dict[str, object]]:
    return [{"key": name, "value": _value(value)} for name, value in attributes.items()]


def _value(value: AttributeValue) -> dict[str, object]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            # JSON has no infinities; proto3's mapping writes them as texts, which is what a text value is too.
            return {"doubleValue": value} if value - value == 0 else {"stringValue": str(value)}
        case _:
            return {"stringValue": str(value)}
