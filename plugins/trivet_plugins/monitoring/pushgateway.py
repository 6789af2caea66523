"""Push metrics to a Prometheus Pushgateway, through aioprometheus's ``Pusher``. For jobs that end before anyone scrapes them.

Config (``plugins.pushgateway``): ``url`` (none: nothing is pushed), ``job`` (default: the kernel's name), ``grouping``
(further labels of the group; give each of several instances one of its own), ``interval`` in seconds (15), ``timeout`` of a
push (10), ``delete`` (default true: the group is deleted when the service stops; false for jobs, which push once more at
the end). Needs the extra ``push``. Example::

    [plugins.pushgateway]
    url = "http://pushgateway:9091"
    grouping = { instance = "orders-3" }

Each push replaces the whole group. Services that can be scraped should be: a gateway never notices that one died.
"""

from __future__ import annotations

import asyncio
import base64
import string
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import anyio
import attrs

from trivet import Composition, Kernel, Provider, hookimpl
from trivet_plugins.monitoring.periodic import Periodic
from trivet_plugins.monitoring.prometheus import PrometheusText

if TYPE_CHECKING:
    from aioprometheus.collectors import Registry


_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}-_.~")


def _web_address(_instance: object, _attribute: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("url must be like http://pushgateway:9091, without a user or password in it")


@attrs.frozen
class PushgatewayConfig:
    """Where to push, as which group, and how often."""

    url: str | None = attrs.field(default=None, validator=_web_address)
    job: str | None = None
    grouping: Mapping[str, str] = attrs.field(factory=dict)
    interval: float = attrs.field(default=15.0, validator=attrs.validators.gt(0))
    timeout: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))
    delete: bool = True


class PushError(OSError):
    """A gateway refused."""


class _Prepared:
    """A formatter for aioprometheus that hands out what was written before: its own ones escape nothing."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def marshall(self, registry: Registry) -> bytes:
        """Return the exposition, whatever the registry has."""
        del registry
        return self._content


class Pushgateway:
    """Pushes to a gateway.

    Args:
        config: Where and how.
        job: The job's name.
        periodic: Says how it goes.
    """

    def __init__(self, config: PushgatewayConfig, job: str, periodic: Periodic) -> None:
        self._config = config
        self._job = job
        self._periodic = periodic

    async def push(self) -> None:
        """Replace the group by all metrics of now.

        Raises:
            OSError: if the gateway is not there, or refuses.
        """
        exporter = PrometheusText()
        content = await self._periodic.exposition(exporter)
        await self._ask("replace", content, {"Content-Type": exporter.media_type})

    async def delete(self) -> None:
        """Delete the group.

        Raises:
            OSError: if the gateway is not there, or refuses.
        """
        await self._ask("delete", b"", {})

    async def _ask(self, what: Literal["replace", "delete"], content: bytes, headers: Mapping[str, str]) -> None:
        # In a thread: aiohttp knows asyncio only, and the kernel may run on trio.
        await anyio.to_thread.run_sync(lambda: asyncio.run(self._send(what, content, headers)), abandon_on_cancel=True)

    async def _send(self, what: Literal["replace", "delete"], content: bytes, headers: Mapping[str, str]) -> None:
        import aiohttp
        from aioprometheus.collectors import Registry
        from aioprometheus.pusher import Pusher

        url = self._config.url or ""
        pusher = Pusher(self._job, url)
        pusher.path = url.rstrip("/") + group_path({"job": self._job, **self._config.grouping})
        pusher.formatter = _Prepared(content)  # type: ignore[assignment]  # it asks no more of it
        pusher.headers = dict(headers)
        send = pusher.replace if what == "replace" else pusher.delete
        answer = await send(Registry(), timeout=aiohttp.ClientTimeout(total=self._config.timeout))
        if answer.status >= 300:
            raise PushError(f"{url} answered {answer.status} to {what} of job {self._job}")


def group_path(labels: Mapping[str, str]) -> str:
    """Return the path of a group. aioprometheus's own way makes a plus of a space, and loses the path of the address.

    Source: https://github.com/prometheus/pushgateway#url
    """
    return "/metrics" + "".join(f"/{name}{_segment(value)}" for name, value in labels.items())


def _segment(value: str) -> str:
    if value and not set(value) - _PLAIN and value not in (".", ".."):
        return f"/{value}"
    packed = base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")
    return f"@base64/{packed or '='}"


@asynccontextmanager
async def pushgateway(config: PushgatewayConfig, kernel: Kernel) -> AsyncIterator[Pushgateway | None]:
    """Push while the service runs."""
    if config.url is None:
        yield None
        return
    periodic = Periodic("pushgateway", kernel, config.interval)
    gateway = Pushgateway(config, config.job or kernel.name, periodic)
    async with periodic.running(gateway.push, gateway.delete if config.delete else gateway.push):
        yield gateway


@hookimpl
def register_services(composition: Composition) -> list[Provider[Pushgateway | None]]:
    """Offer ``service/pushgateway``."""
    return [
        Provider(
            name="pushgateway",
            factory=pushgateway,
            config=PushgatewayConfig,
            provides=Pushgateway,
            critical=False,
            stop_timeout=30.0,
            extra="push",
            modules=("aiohttp",),
        )
    ]
