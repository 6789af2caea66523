"""``/metrics``: the metrics in the exposition format that the client asks for, in chunks, so that no scrape stalls the loop."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import anyio.lowlevel
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from trivet_plugins.web.accept import accepts_gzip, best_match

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from starlette.requests import Request

    from trivet import Kernel, MetricExporter

_DEFAULT = "text/plain"
"""What a client that does not say gets, if anyone writes it: every scraper reads the Prometheus text format."""


def scrape(kernel: Kernel, request: Request) -> Response:
    """Answer a scrape: 200, 406 where no exporter writes what is accepted, 503 where there is no exporter."""
    exporters = _preferred(kernel.metrics.exporters.values())
    if not exporters:
        return PlainTextResponse("no metric exporter runs: enable one, e.g. the prometheus plugin\n", 503)
    media_type = best_match(request.headers.get("accept", ""), [one.media_type for one in exporters])
    if media_type is None:
        offers = "".join(f"{one.media_type}\n" for one in exporters)
        return PlainTextResponse(f"not acceptable; there is:\n{offers}", 406)
    exporter = next(one for one in exporters if one.media_type == media_type)
    headers = {"content-type": media_type, "vary": "accept, accept-encoding"}
    if request.method == "HEAD":
        return Response(headers=headers)
    chunks = exporter.encode(kernel.metrics.families())
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        chunks = _gzipped(chunks)
    return StreamingResponse(_gently(chunks), headers=headers)


def _preferred(exporters: Iterable[MetricExporter]) -> Sequence[MetricExporter]:
    return sorted(exporters, key=lambda one: not one.media_type.startswith(_DEFAULT))


def _gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
        else:
            yield b""  # a turn for the loop, nothing for the wire
    yield packer.flush()


async def _gently(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await anyio.lowlevel.checkpoint()
        if chunk:
            yield chunk
