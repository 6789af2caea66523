"""`Order`: what a POST to the admin pages asks for, read with all the distrust that changes deserve.

The guard has looked at token and host already. Here are the locks against a web page that makes a browser on this
machine send the request: its Origin, and a media type that browsers do not send to strangers unasked. Then limits: of
size, of time, of what may be in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

import anyio
import attrs

from trivet_plugins.web.guard import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

MAX_BODY: Final = 64 * 1024
BODY_SECONDS: Final = 10.0
_LONGEST_NAME: Final = 80
_MOST_FIELDS: Final = 1_000
_CODES: Final = {403: "another_site", 408: "too_slow", 413: "too_large", 415: "media_type"}
_ANYWHERE: Final = {"actor": str, "reason": str}


class OrderError(Exception):
    """An order is refused.

    Args:
        refusal: Status and reason.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.refusal = Refusal(status, reason, code=_CODES.get(status, "malformed"))


@attrs.frozen
class Order:
    """What is asked for, by whom.

    Args:
        actor: Who, as they say, and from which address: ``alice at 127.0.0.1``.
        reason: Why, as they say; may be empty.
        fields: The rest.
    """

    actor: str
    reason: str
    fields: Mapping[str, object]


async def read(request: Request, allowed: Mapping[str, type | tuple[type, ...]], *, needed: frozenset[str]) -> Order:
    """Read the JSON object of a request; no body is an empty object.

    Args:
        request: The request.
        allowed: The fields that may be there, with their types, besides ``actor`` and ``reason``.
        needed: Those that must be there.

    Raises:
        OrderError: if it comes from another site, is too large, too slow or not as it must be.
    """
    _check_site(request)
    _check_media_type(request, "application/json")
    fields = _parse(await _body(request))
    types = {**_ANYWHERE, **allowed}
    for name, value in fields.items():
        if name not in types:
            raise OrderError(400, f"unknown field {name!r}; there are: {', '.join(types)}")
        if not isinstance(value, types[name]) or isinstance(value, bool):
            raise OrderError(400, f"field {name!r} is of the wrong type")
    if missing := sorted(needed - fields.keys()):
        raise OrderError(400, f"field {missing[0]!r} is missing")
    name, reason = str(fields.pop("actor", "an HTTP client")).strip(), str(fields.pop("reason", ""))
    if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise OrderError(400, f"actor is a printable name of at most {_LONGEST_NAME} characters")
    client = request.client.host if request.client is not None else "a unix socket"
    return Order(f"{name} at {client}", reason, fields)


async def read_form(request: Request) -> tuple[tuple[str, str], ...]:
    """Read the fields of a form that only asks.

    Raises:
        OrderError: if it comes from another site, is too large, too slow or no form.
    """
    _check_site(request)
    _check_media_type(request, "application/x-www-form-urlencoded")
    body = await _body(request)
    try:
        return tuple(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        raise OrderError(400, f"the body is no form of at most {_MOST_FIELDS} fields in UTF-8") from None


def _check_site(request: Request) -> None:
    headers = request.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if (origin is not None and urlsplit(origin).netloc != headers.get("host")) or site not in ("none", "same-origin"):
        raise OrderError(403, "this request comes from a page of another site")


def _check_media_type(request: Request, wanted: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        raise OrderError(415, f"send Content-Type: {wanted}")


async def _body(request: Request) -> bytes:
    body, more = bytearray(), True
    with anyio.move_on_after(BODY_SECONDS) as limit:
        while more and len(body) <= MAX_BODY:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise OrderError(400, "the client went away")
            body += message.get("body", b"")
            more = message.get("more_body", False)
    if limit.cancelled_caught:
        raise OrderError(408, f"the body did not come within {BODY_SECONDS:g} s")
    if len(body) > MAX_BODY:
        raise OrderError(413, f"the body has more than {MAX_BODY} bytes")
    return bytes(body)


def _parse(body: bytes) -> dict[str, object]:
    try:
        fields = json.loads(body or b"{}")
    except (ValueError, RecursionError):  # what it says may hold what was sent, a secret perhaps
        raise OrderError(400, "the body is not JSON") from None
    if not isinstance(fields, dict):
        raise OrderError(400, "the body is not a JSON object")
    return fields
