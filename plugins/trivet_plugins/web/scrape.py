"""``/metrics``: the metrics in the exposition format that the client asks for, in chunks, so that no scrape stalls the loop."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import anyio.lowlevel
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from trivet_plugins.web.accept import accepts_gzip, best_match

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from starlette.requests import Request

    from trivet import Kernel, MetricExporter

_DEFAULT = "text/plain"
"""What a client that does not say gets, if anyone writes it: every scraper reads the Prometheus text format."""

_ESCAPING = "escaping=underscores"
"""What a media type means that does not say it (https://prometheus.io/docs/instrumenting/content_negotiation/)."""


def scrape(kernel: Kernel, request: Request) -> Response:
    """Answer a scrape: 200, 406 where no exporter writes what is accepted, 503 where there is no exporter.

    ``?name[]=`` (repeatable) narrows it to the metrics with a sample of that name.
    """
    exporters = _offered(kernel.metrics.exporters.values())
    if not exporters:
        return PlainTextResponse("no metric exporter runs: enable one, e.g. the prometheus plugin\n", 503)
    chosen = best_match(request.headers.get("accept", ""), list(exporters))
    if chosen is None:
        offers = "".join(f"{one.media_type}\n" for one in exporters.values())
        return PlainTextResponse(f"not acceptable; there is:\n{offers}", 406)
    exporter = exporters[chosen]
    headers = {"content-type": exporter.media_type, "vary": "accept, accept-encoding"}
    if request.method == "HEAD":
        return Response(headers=headers)
    wanted = set(request.query_params.getlist("name[]"))
    families = kernel.metrics.families()
    chunks = exporter.encode(one for one in families if not wanted or wanted & one.sample_names())
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        chunks = _gzipped(chunks)
    return StreamingResponse(_gently(chunks), headers=headers)


def _offered(exporters: Iterable[MetricExporter]) -> dict[str, MetricExporter]:
    """Return all exporters and their variants by media type with the escaping said, in the order of preference."""
    preferred = sorted(exporters, key=lambda one: not one.media_type.startswith(_DEFAULT))
    every = [variant for one in preferred for variant in (one, *getattr(one, "variants", ()))]
    said = (
        (one.media_type if "escaping=" in one.media_type else f"{one.media_type}; {_ESCAPING}", one) for one in every
    )
    offers: dict[str, MetricExporter] = {}
    for media_type, one in said:
        offers.setdefault(media_type, one)
    return offers


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
