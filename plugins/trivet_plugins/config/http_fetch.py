"""`fetch`: one conditional GET, limited in time, size and redirects. Its errors hold no secret."""

from __future__ import annotations

import contextlib
import email.utils
import http
import os
import pathlib
import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import attrs

from trivet_plugins.config.http_address import Address
from trivet_plugins.config.http_answer import Answer
from trivet_plugins.config.http_body import Body, TooLarge

if TYPE_CHECKING:
    import httpx2

    from trivet import Secret

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS: Final = 5
_ACCEPT: Final = "application/toml, application/yaml, application/json, text/plain;q=0.5, */*;q=0.1"


class Unreachable(Exception):
    """The server gave no document.

    Args:
        reason: Why, fit for print.
        retry_after: Seconds that the server asked to be left alone for.
    """

    def __init__(self, reason: str, *, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@attrs.frozen(kw_only=True)
class Limits:
    """How a document is asked for.

    Args:
        timeout: Seconds for everything together.
        max_bytes: Of the decompressed document, and of what comes over the wire.
        ca_file: Whom to trust in place of the system's authorities.
    """

    timeout: float
    max_bytes: int
    ca_file: pathlib.Path | None = None


async def fetch(
    address: Address, known: Mapping[str, str], headers: Mapping[str, Secret[str]], limits: Limits
) -> Answer | None:
    """Ask for a document.

    Args:
        address: Where.
        known: ``If-None-Match`` and ``If-Modified-Since`` of the document that is known.
        headers: What to send besides.
        limits: How far to go.

    Returns:
        The document; None where the known one still holds.

    Raises:
        Unreachable: if there is no whole answer in time, or it is no document.
    """
    try:
        import httpx2
    except ImportError:
        raise Unreachable("asking for it takes httpx2: pip install 'trivet[http]'") from None
    sent = httpx2.Headers({"Accept": _ACCEPT, "User-Agent": "trivet"})
    sent.update({name: value.reveal() for name, value in headers.items()})
    sent.update({"Accept-Encoding": "gzip", **known})
    with anyio.move_on_after(limits.timeout):
        tls = await anyio.to_thread.run_sync(_tls, address, limits.ca_file, abandon_on_cancel=True)
        try:
            # Not the client, which writes every URL to the log, user, password and query included.
            async with httpx2.AsyncHTTPTransport(verify=tls, trust_env=False) as transport:
                return await _follow(transport, address, sent, limits)
        except httpx2.TimeoutException:
            pass  # the same limit, seen from below
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as exc:
            # Not chained: the cause may hold the URL, and a refused header its value.
            raise Unreachable(_reason(exc)) from None
    raise Unreachable(f"gave no whole answer within {limits.timeout:g} s")


def _tls(address: Address, ca_file: pathlib.Path | None) -> ssl.SSLContext:
    import httpx2

    if address.shown.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; it would trust nobody
    if ca_file is None:
        return httpx2.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as exc:  # ssl.SSLError is one
        why = "holds no certificates in PEM form" if isinstance(exc, ssl.SSLError) else exc.strerror
        raise Unreachable(f"plugins.http.ca_file {ca_file} cannot be used: {why}") from None


async def _follow(
    transport: httpx2.AsyncHTTPTransport, address: Address, sent: httpx2.Headers, limits: Limits
) -> Answer | None:
    import httpx2

    timeouts = httpx2.Timeout(limits.timeout).as_dict()
    for _ in range(_MAX_REDIRECTS + 1):
        headers = sent.copy()
        headers.update(address.authorization())
        request = httpx2.Request("GET", address.url.reveal(), headers=headers, extensions={"timeout": timeouts})
        async with contextlib.aclosing(await transport.handle_async_request(request)) as response:
            if response.status_code not in _REDIRECTS:
                return await _read(response, sent, limits.max_bytes)
            target = address.follow(response.headers.get("location", ""))
        if target is None:
            raise Unreachable("redirects to another server, which is not followed; configure the new address itself")
        address = target
    raise Unreachable(f"redirects more than {_MAX_REDIRECTS} times")


async def _read(response: httpx2.Response, sent: Mapping[str, str], max_bytes: int) -> Answer | None:
    headers = response.headers
    if response.status_code == http.HTTPStatus.NOT_MODIFIED and (
        "If-None-Match" in sent or "If-Modified-Since" in sent
    ):
        return None
    if response.status_code != http.HTTPStatus.OK:
        raise Unreachable(_status(response.status_code), retry_after=_retry_after(headers.get("retry-after", "")))
    if "content-length" not in headers and "transfer-encoding" not in headers:
        raise Unreachable("does not say how long its answer is, so that a cut one would look whole")
    answer = Answer(
        body=b"",
        content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
        etag=headers.get("etag", ""),
        last_modified=headers.get("last-modified", ""),
    )
    try:
        body = Body(headers.get("content-encoding", ""), max_bytes)
        await _feed(body, response)
        return attrs.evolve(answer, body=body.finish())
    except TooLarge as exc:
        return attrs.evolve(answer, refusal=str(exc))
    except ValueError as exc:
        raise Unreachable(str(exc)) from None


async def _feed(body: Body, response: httpx2.Response) -> None:
    refusal: TooLarge | ValueError | None = None
    # Leaving the loop would leave the generators inside the client to the garbage collector, which trio complains of: a
    # cancellation ends them from within.
    with anyio.CancelScope() as scope:
        async for chunk in response.aiter_raw():
            try:
                if refusal is None:
                    body.feed(chunk)
            except (TooLarge, ValueError) as exc:
                refusal = exc
                scope.cancel()
    if refusal is not None:
        raise refusal


def _status(code: int) -> str:
    try:
        text = f"answers {code} {http.HTTPStatus(code).phrase}"
    except ValueError:
        text = f"answers {code}"
    return f"{text}; see to the credentials in plugins.http.headers" if code in (401, 403, 407) else text


def _retry_after(text: str) -> float:
    """Return the seconds of a ``Retry-After`` (RFC 9110, 10.2.3): a number or a date; 0 where it is neither."""
    if text.strip().isdecimal():
        return float(text[:12])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return 0.0


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
            return f"its certificate is refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or 'no reason given'}"
        if isinstance(cause, OSError) and cause.strerror:
            number = cause.errno or 0  # negative for a failed name look-up
            return f"cannot be reached: {os.strerror(number) if number > 0 else cause.strerror}"
    return f"cannot be reached: {type(causes[0]).__name__}"
