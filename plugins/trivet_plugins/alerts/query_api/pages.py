"""`QueryPages`: ``/api/v1/query``, ``query_range``, ``series``, ``labels``, ``label/<name>/values`` and ``metadata``.

As https://prometheus.io/docs/prometheus/latest/querying/api/ has them: GET, and POST with a form; 400 for what makes no sense,
422 for what cannot be answered, 503 for what takes too long.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from trivet import AdminAnswer, AdminPage, UnknownServiceError
from trivet_plugins.alerts.promql.errors import PromqlError, QueryError, QueryLimitError
from trivet_plugins.alerts.promql.number_text import plain_number
from trivet_plugins.alerts.promql.result import Matrix, Scalar, Text, Vector
from trivet_plugins.alerts.query_api.engine import QueryEngine
from trivet_plugins.alerts.query_api.parameters import ParameterError, duration_of, time_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from trivet import AdminRequest, Kernel
    from trivet_plugins.alerts.promql.result import Outcome

    Data = Callable[[QueryEngine, AdminRequest], Awaitable[tuple[object, Outcome | None]]]

MAX_STEPS: Final = 11_000
"""Points of a series in an answer, as in Prometheus."""

_NO_HISTORY: Final = "nothing here keeps a history of metrics: load the plugin history"


class QueryPages:
    """The pages of queries.

    Args:
        kernel: Whose history.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        summary = "PromQL over the history, as Prometheus's API has it; ?query= and ?time=."
        self._pages = (
            AdminPage("/api/v1/query", answer=self._told(_query), form=True, summary=summary),
            AdminPage("/api/v1/query_range", answer=self._told(_query_range), form=True),
            AdminPage("/api/v1/series", answer=self._told(_series), form=True),
            AdminPage("/api/v1/labels", answer=self._told(_labels), form=True),
            AdminPage("/api/v1/label/{name}/values", answer=self._told(_label_values)),
            AdminPage("/api/v1/metadata", answer=self._told(_metadata)),
            AdminPage("/api/v1/status/buildinfo", answer=self._told(_build)),
        )

    def pages(self) -> Iterable[AdminPage]:
        """Return them."""
        return self._pages

    def _told(self, data: Data) -> Callable[[AdminRequest], Awaitable[AdminAnswer]]:
        async def answer(request: AdminRequest) -> AdminAnswer:
            try:
                engine = self._kernel.service(QueryEngine)
                found, outcome = await data(engine, request)
            except UnknownServiceError:
                return _failed(_NO_HISTORY, "unavailable", 503)
            except (QueryError, ParameterError) as exc:
                return _failed(str(exc), "bad_data", 400)
            except QueryLimitError as exc:
                return _failed(str(exc), "timeout" if "longer than" in str(exc) else "execution", 503)
            except PromqlError as exc:
                return _failed(str(exc), "execution", 422)
            body: dict[str, Any] = {"status": "success", "data": found}
            if outcome is not None and outcome.warnings:
                body["warnings"] = [*outcome.warnings]
            if outcome is not None and outcome.infos:
                body["infos"] = [*outcome.infos]
            return AdminAnswer.json(body)

        return answer


def _failed(reason: str, kind: str, status: int) -> AdminAnswer:
    return AdminAnswer.json({"status": "error", "errorType": kind, "error": reason}, status)


def _text_of(request: AdminRequest) -> str:
    text = request.get("query") or ""
    if not text.strip():
        raise ParameterError('invalid parameter "query": it is missing')
    return text


async def _query(engine: QueryEngine, request: AdminRequest) -> tuple[object, Outcome]:
    at = time_of(request, "time", engine.now())
    outcome = await engine.instant(_text_of(request), at, seconds=duration_of(request, "timeout", needed=False))
    return _result(outcome, at), outcome


async def _query_range(engine: QueryEngine, request: AdminRequest) -> tuple[object, Outcome]:
    start, end = time_of(request, "start"), time_of(request, "end")
    step = duration_of(request, "step", needed=True) or 0.0
    if end < start:
        raise ParameterError('invalid parameter "end": end timestamp must not be before start time')
    if (end - start) / step > MAX_STEPS:
        raise ParameterError(f"exceeded maximum resolution of {MAX_STEPS:,} points per timeseries; make step= longer")
    if step < 0.001:
        raise ParameterError('invalid parameter "step": it is at least one millisecond')
    seconds = duration_of(request, "timeout", needed=False)
    outcome = await engine.over(_text_of(request), start, end, step, seconds=seconds)
    return _result(outcome, end), outcome


def _result(outcome: Outcome, at: float) -> dict[str, object]:
    value = outcome.value
    if isinstance(value, Scalar):
        return {"resultType": "scalar", "result": [at, plain_number(value.value)]}
    if isinstance(value, Text):
        return {"resultType": "string", "result": [at, value.value]}
    if isinstance(value, Vector):
        rows = [{"metric": dict(one.labels), "value": [at, plain_number(one.value)]} for one in value.samples]
        return {"resultType": "vector", "result": rows}
    return {"resultType": "matrix", "result": _matrix(value)}


def _matrix(value: Matrix) -> list[dict[str, object]]:
    return [
        {
            "metric": dict(one.labels),
            "values": [
                [time / 1_000, plain_number(number)] for time, number in zip(one.times, one.values, strict=True)
            ],
        }
        for one in value.series
    ]


def _span(engine: QueryEngine, request: AdminRequest) -> tuple[float, float]:
    now = engine.now()
    return time_of(request, "start", now - 3_600), time_of(request, "end", now)


async def _series(engine: QueryEngine, request: AdminRequest) -> tuple[object, None]:
    texts = request.all("match[]")
    if not texts:
        raise ParameterError("no match[] parameter provided")
    return [dict(labels) for labels in await engine.series(texts, *_span(engine, request))], None


async def _labels(engine: QueryEngine, request: AdminRequest) -> tuple[object, None]:
    return sorted(await engine.labels(request.all("match[]"), *_span(engine, request))), None


async def _label_values(engine: QueryEngine, request: AdminRequest) -> tuple[object, None]:
    found = await engine.labels(request.all("match[]"), *_span(engine, request))
    return sorted(found.get(request.params["name"], ())), None


async def _metadata(engine: QueryEngine, request: AdminRequest) -> tuple[object, None]:
    only = request.get("metric")
    known = {name: one for name, one in engine.help().items() if only in {None, "", name}}
    return {name: [{"type": kind, "help": text, "unit": ""}] for name, (kind, text) in sorted(known.items())}, None


async def _build(_engine: QueryEngine, _request: AdminRequest) -> tuple[object, None]:
    return {"version": version("trivet"), "application": "trivet"}, None
