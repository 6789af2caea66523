"""`Posting`: one JSON document to one address, limited in time and size, without redirects and proxies."""

from __future__ import annotations

import contextlib
import email.utils
import os
import pathlib
import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import attrs

from trivet import MissingExtraError, Secret
from trivet_plugins.alerts.receivers.receiver import DeliveryError

if TYPE_CHECKING:
    import httpx2

    from trivet_plugins.alerts.receivers.peer_address import PeerAddress

_LATER: Final = frozenset({401, 403, 404, 408, 425, 429})
"""Answers below 500 after which the same document may be taken later: a token or a route can be mended."""
_LONGEST_WAIT: Final = 86_400.0


@attrs.frozen(kw_only=True)
class Posting:
    """How documents are posted.

    Args:
        timeout: Seconds for everything together.
        max_answer: Bytes of an answer that are read; a longer one is cut off.
        headers: What is sent besides.
        ca_file: Whom to trust in place of the system's authorities.
        proxy: The proxy to go through; none is taken from the environment.
    """

    timeout: float = 10.0
    max_answer: int = 65_536
    headers: Mapping[str, Secret[str]] = attrs.field(factory=dict)
    ca_file: pathlib.Path | None = None
    proxy: Secret[str] | None = None

    async def post(self, address: PeerAddress, body: bytes, headers: Mapping[str, str]) -> None:
        """Post a document; return when it is accepted with a status of 200 to 299.

        Raises:
            DeliveryError: if it is not.
            MissingExtraError: if the extra ``http`` is not installed.
        """
        try:
            import httpx2
        except ImportError:
            raise MissingExtraError("posting notifications", "http") from None
        sent = httpx2.Headers({"Content-Type": "application/json", "User-Agent": "trivet", **headers})
        sent.update({name: value.reveal() for name, value in {**self.headers, **address.headers}.items()})
        with anyio.move_on_after(self.timeout):
            try:
                status, wait = await self._answer(address, body, sent)
            except httpx2.TimeoutException:
                pass  # the same limit, seen from below
            except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as exc:
                # Not chained: the cause may hold the URL, and a refused header its value.
                raise DeliveryError(f"{address.shown} {_reason(exc)}") from None
            else:
                _judge(address, status, wait)
                return
        raise DeliveryError(f"{address.shown} gave no whole answer within {self.timeout:g} s")

    async def _answer(self, address: PeerAddress, body: bytes, headers: httpx2.Headers) -> tuple[int, float]:
        import httpx2

        tls = await anyio.to_thread.run_sync(self._tls, address, abandon_on_cancel=True)
        proxy = httpx2.Proxy(self.proxy.reveal()) if self.proxy is not None else None
        # Not the client, which writes every URL to the log.
        async with httpx2.AsyncHTTPTransport(verify=tls, trust_env=False, proxy=proxy) as transport:
            limits = {"timeout": httpx2.Timeout(self.timeout).as_dict()}
            request = httpx2.Request("POST", address.url.reveal(), headers=headers, content=body, extensions=limits)
            async with contextlib.aclosing(await transport.handle_async_request(request)) as response:
                await self._drain(response)
                return response.status_code, _retry_after(response.headers.get("retry-after", ""))

    async def _drain(self, response: httpx2.Response) -> None:
        taken = 0
        with anyio.CancelScope() as scope:  # leaving the loop would leave generators of the client to the collector
            async for chunk in response.aiter_raw():
                taken += len(chunk)
                if taken > self.max_answer:
                    scope.cancel()

    def _tls(self, address: PeerAddress) -> ssl.SSLContext:
        import httpx2

        if address.shown.startswith("http:"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; it would trust nobody
        if self.ca_file is None:
            return httpx2.create_ssl_context()
        return ssl.create_default_context(cafile=self.ca_file)


def _judge(address: PeerAddress, status: int, wait: float) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise DeliveryError(f"{address.shown} redirects, which is not followed; configure the new address itself")
    raise DeliveryError(f"{address.shown} answers {status}", retry=status >= 500 or status in _LATER, retry_after=wait)


def _retry_after(text: str) -> float:
    """Return the seconds of a ``Retry-After`` (RFC 9110, 10.2.3): a number or a date; 0 where it is neither."""
    if text.strip().isdecimal():
        return min(float(text[:12]), _LONGEST_WAIT)
    try:
        wait = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError, TypeError):
        return 0.0
    return min(max(0.0, wait), _LONGEST_WAIT)


def _reason(exc: BaseException) -> str:
    """Say what went wrong without the texts of the client, which may hold what was sent."""
    causes: list[BaseException] = []
    while exc not in causes:
        causes.append(exc)
        exc = exc.__cause__ or exc.__context__ or exc
        while isinstance(exc, BaseExceptionGroup):  # of the tries over several addresses
            exc = exc.exceptions[-1]
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has a certificate that is refused: {cause.verify_message}"
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
            return f"cannot be reached: {os.strerror(cause.errno)}"
    return f"cannot be reached: {type(causes[0]).__name__}"
