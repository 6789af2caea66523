"""Send spans to a collector by OTLP over HTTP, as JSON: OpenTelemetry Collector, Jaeger, Tempo. Needs the extra ``http``.

Without ``endpoint`` it does nothing. It never holds up the work: spans wait in a bounded queue, and what does not fit is left out
and counted. While the collector is away they wait, and are sent again with back-off; on stop what is left is sent once more.

Config (``plugins.otlp``): ``endpoint``, the base URL, to which ``/v1/traces`` is added; ``headers`` to send; in seconds
``interval`` between sends (5) and ``timeout`` of one (5); ``queue``, the spans that may wait (4,096), and ``batch``, those in one
request (512). Example::

    [plugins.otlp]
    endpoint = "http://127.0.0.1:4318"
    headers = { Authorization = "trivet:1:..." }  # sealed

Metric: ``trivet_otlp_spans_total{outcome="sent|dropped|refused"}``.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import attrs
from attrs.validators import ge, gt

from trivet import MissingExtraError, Provider, Secret, StartupRefused, hookimpl
from trivet_plugins.monitoring.memory_tracer import MemoryTracer
from trivet_plugins.monitoring.otlp_json import encode

if TYPE_CHECKING:
    import httpx2

    from trivet import Composition, Counter, Kernel
    from trivet_plugins.monitoring.memory_tracer import MemorySpan

_RETRIED: Final = frozenset({429, 502, 503, 504})  # OTLP/HTTP, "Retryable Response Codes"
_MAX_BACKOFF: Final = 60.0
_logger = logging.getLogger("trivet.otlp")


def _is_url(_instance: object, _attribute: object, value: Secret[str] | None) -> None:
    if value is not None and not value.reveal().startswith(("http://", "https://")):
        msg = "it must begin with http:// or https://"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class OtlpConfig:
    """Where to send, and how much may wait."""

    endpoint: Secret[str] | None = attrs.field(default=None, validator=_is_url)
    headers: Mapping[str, Secret[str]] = attrs.field(factory=dict)
    interval: float = attrs.field(default=5.0, validator=gt(0))
    timeout: float = attrs.field(default=5.0, validator=gt(0))
    queue: int = attrs.field(default=4_096, validator=ge(1))
    batch: int = attrs.field(default=512, validator=ge(1))


class Otlp:
    """Sends the spans that a tracer tells of.

    Args:
        config: Where and how.
        service: The kernel's name.
        spans: Counts what became of them.
    """

    def __init__(self, config: OtlpConfig, service: str, spans: Counter) -> None:
        self._config = config
        self._resource = {"service.name": service, "telemetry.sdk.name": "trivet", "telemetry.sdk.language": "python"}
        self._sent, self._dropped, self._refused = (spans.labels(one) for one in ("sent", "dropped", "refused"))
        self._waiting: deque[MemorySpan] = deque()
        self._failures = 0

    def take(self, span: MemorySpan) -> None:
        """Have a span wait; called in any thread."""
        if len(self._waiting) < self._config.queue:
            self._waiting.append(span)
        else:
            self._dropped.inc()

    async def run(self, client: httpx2.AsyncClient) -> None:
        """Send what waits, again and again."""
        while True:
            await anyio.sleep(self._pause())
            await self.flush(client)

    async def flush(self, client: httpx2.AsyncClient) -> None:
        """Send what waits now, until nothing does or the collector does not take it."""
        while self._waiting:
            batch = [self._waiting[place] for place in range(min(self._config.batch, len(self._waiting)))]
            if not await self._send(client, batch):
                return
            for _ in batch:
                self._waiting.popleft()

    def _pause(self) -> float:
        if not self._failures:
            return self._config.interval
        longest = min(_MAX_BACKOFF, self._config.interval * 2 ** min(self._failures, 10))
        return random.uniform(self._config.interval, longest)  # noqa: S311 - to keep a fleet from asking at once

    async def _send(self, client: httpx2.AsyncClient, batch: list[MemorySpan]) -> bool:
        """Send a batch; False: it shall wait."""
        import httpx2

        try:
            answer = await client.post("v1/traces", content=encode((one.record() for one in batch), self._resource))
        except httpx2.HTTPError as exc:
            return self._failed(type(exc).__name__)
        if answer.status_code in _RETRIED:
            return self._failed(f"HTTP {answer.status_code}")
        self._failures = 0
        if answer.is_success:
            self._sent.inc(len(batch))
        else:  # it will not like them better the next time
            self._refused.inc(len(batch))
            _logger.warning("the collector refuses %d spans: HTTP %d", len(batch), answer.status_code)
        return True

    def _failed(self, why: str) -> bool:
        if not self._failures:
            _logger.warning("the collector does not take spans: %s; they wait, up to %d", why, self._config.queue)
        self._failures += 1
        return False


@asynccontextmanager
async def export(config: OtlpConfig, kernel: Kernel) -> AsyncIterator[Otlp | None]:
    """Send while the kernel runs."""
    if config.endpoint is None:
        yield None
        return
    tracer = kernel.tracing.tracer
    if not isinstance(tracer, MemoryTracer):
        raise StartupRefused(
            "plugins.otlp.endpoint is set, and the tracer is not tracer/tracer: load that, or remove the endpoint"
        )
    spans = kernel.metrics.counter("trivet_otlp_spans_total", "Spans for the collector.", labels=("outcome",))
    sender = Otlp(config, kernel.name, spans)
    async with _client(config) as client, anyio.create_task_group() as tasks:
        end = tracer.on_end(sender.take)
        tasks.start_soon(sender.run, client)
        try:
            yield sender
        finally:
            end()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True), anyio.move_on_after(config.timeout):
                await sender.flush(client)


def _client(config: OtlpConfig) -> httpx2.AsyncClient:
    try:
        import httpx2
    except ImportError:
        raise MissingExtraError("plugins.otlp", "http") from None
    # The client logs every URL at INFO, and a URL may hold a password.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    headers = {name: value.reveal() for name, value in config.headers.items()}
    base = config.endpoint.reveal() if config.endpoint is not None else ""
    headers = {"Content-Type": "application/json", "User-Agent": "trivet", **headers}
    return httpx2.AsyncClient(base_url=base.rstrip("/") + "/", headers=headers, timeout=config.timeout, trust_env=False)


@hookimpl
def register_services(composition: Composition) -> list[Provider[Otlp | None]]:
    """Offer ``service/otlp``."""
    return [
        Provider(
            name="otlp",
            factory=export,
            config=OtlpConfig,
            after=["tracer/*"],
            critical=False,
            stop_timeout=10,
            extra="http",
        )
    ]
