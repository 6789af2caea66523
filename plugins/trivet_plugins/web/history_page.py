"""``/history``: what metrics were.

Without parameters, the names that there is a history of. ``?name=orders_total`` gives the series of that name, as often as given
``match[region]=eu`` only those with such a label, from ``from`` to ``to``: seconds since the epoch, or below zero seconds before
now; the last 15 minutes if nothing is said. Values that JSON has no number for are texts, as Prometheus writes them; null is
where a series ended.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

import anyio.to_thread
from starlette.responses import JSONResponse, PlainTextResponse, Response

from trivet import Matcher, MetricHistory, UnknownServiceError
from trivet.metrics.history import is_stale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from trivet import Kernel, MetricSeries

SINCE: Final = -900.0
"""Seconds, where ``from`` does not say."""
MAX_SAMPLES: Final = 100_000
"""The most samples of an answer."""


class _UnclearError(ValueError):
    pass


async def history(kernel: Kernel, request: Request) -> Response:
    """Answer ``/history``."""
    try:
        recorded: MetricHistory = kernel.service(MetricHistory)
    except UnknownServiceError:
        return PlainTextResponse("nothing here keeps a history of metrics: load the plugin history\n", 404)
    try:
        # Reading and writing much takes its time, and a history may be read by any thread.
        return await anyio.to_thread.run_sync(_answer, recorded, request.query_params)
    except _UnclearError as exc:
        return PlainTextResponse(f"{exc}\n", 400)


def _answer(recorded: MetricHistory, query: QueryParams) -> Response:
    now, name = recorded.now(), query.get("name")
    if name is None:
        counts = Counter((series.name, series.kind) for series in recorded.series())
        names = [{"name": name, "kind": kind, "series": count} for (name, kind), count in sorted(counts.items())]
        return JSONResponse({"now": now, "names": names})
    start, end = _moment(query, "from", SINCE, now), _moment(query, "to", now, now)
    matchers = [Matcher("__name__", "=", name)]
    for key, value in query.multi_items():
        if key.startswith("match[") and key.endswith("]"):
            matchers.append(Matcher(key[6:-1], "=", value))
    rows = _rows(recorded, recorded.select(matchers), start, end)
    return JSONResponse({"now": now, "from": start, "to": end, "series": rows})


def _rows(recorded: MetricHistory, chosen: Sequence[MetricSeries], start: float, end: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    count = 0
    for series in chosen:
        samples = recorded.samples(series, start, end)
        count += len(samples.times)
        if count > MAX_SAMPLES:
            raise _UnclearError(
                f"{len(chosen)} series have too many samples: narrow it by match[label]=, from= and to="
            )
        if samples.times:
            values = [value if value - value == 0 else _text(value) for value in samples.values]
            row = {"name": series.name, "kind": series.kind, "labels": series.labels}
            rows.append({**row, "times": list(samples.times), "values": values})
    return rows


def _text(value: float) -> str | None:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return None if is_stale(value) else "NaN"


def _moment(query: QueryParams, name: str, default: float, now: float) -> float:
    try:
        value = float(query.get(name, default))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _UnclearError(f"{name} is seconds since the epoch, or below zero seconds before now")
    return value + now if value < 0 else value
