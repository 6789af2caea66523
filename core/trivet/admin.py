"""`AdminPages`: pages that a plugin brings to the admin surface of a service, whoever serves that surface."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol, runtime_checkable

import attrs

JSON_TYPE = "application/json"


@attrs.frozen(kw_only=True)
class AdminRequest:
    """What was asked of a page, by one who may: token, host, site, size and time have been looked at.

    Args:
        method: ``GET`` or ``POST``.
        path: Of the page, e.g. ``/api/v1/label/region/values``.
        params: What the braces of the page's path stand for, e.g. ``{"name": "region"}``.
        query: Names and values behind the question mark, in their order; those of a form before them.
        headers: By lower-case name.
        fields: The JSON object of an order, without ``actor`` and ``reason``.
        actor: Who gives an order, as they say, and from which address: ``alice at 127.0.0.1``; of another request its address.
        reason: Why, as they say; may be empty.
    """

    method: str
    path: str
    params: Mapping[str, str] = attrs.field(factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict)
    fields: Mapping[str, object] = attrs.field(factory=dict)
    actor: str = ""
    reason: str = ""

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a name in `query`."""
        return next((value for key, value in self.query if key == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a name in `query`."""
        return tuple(value for key, value in self.query if key == name)


@attrs.frozen
class AdminAnswer:
    """What a page says.

    Args:
        body: Text is sent as UTF-8.
        status: Of HTTP.
        content_type: Of the body.
        headers: More of them.
    """

    body: str | bytes
    status: int = 200
    content_type: str = attrs.field(default="text/plain; charset=utf-8", kw_only=True)
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True)

    @classmethod
    def json(cls, value: object, status: int = 200) -> AdminAnswer:
        """Say it as JSON.

        Raises:
            ValueError: for a number that JSON has no word for: NaN and the infinities.
        """
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return cls(text, status, content_type=JSON_TYPE)


@attrs.frozen
class AdminPage:
    """One page.

    A page without an ``order`` only reads, and is asked with GET. One with an order changes something: it is asked with POST,
    whose body is a JSON object, and what it does stands in the audit log under the name of the order, as failed where its
    status is 400 or more.

    Args:
        path: Begins with a slash; ``{name}`` stands for one part of it. Paths of the surface's own pages are taken.
        answer: Gives the answer; called in the event loop.
        summary: A line about it for ``/``; empty: it is not listed there.
        form: It may be asked with POST too, the parameters as ``application/x-www-form-urlencoded``.
        order: The name of the operation in the audit log, lower_snake; None: the page changes nothing.
        takes: The fields of an order, with their types.
        needs: Those of them that must be there.
    """

    path: str = attrs.field(validator=attrs.validators.matches_re(r"/[^?#\s]*"))
    answer: Callable[[AdminRequest], Awaitable[AdminAnswer]] = attrs.field(kw_only=True)
    summary: str = attrs.field(default="", kw_only=True)
    form: bool = attrs.field(default=False, kw_only=True)
    order: str | None = attrs.field(default=None, kw_only=True)
    takes: Mapping[str, type | tuple[type, ...]] = attrs.field(factory=dict, kw_only=True)
    needs: AbstractSet[str] = attrs.field(default=frozenset(), kw_only=True)


@runtime_checkable
class AdminPages(Protocol):
    """Brings pages to the admin surface. They are there while its provider runs."""

    def pages(self) -> Iterable[AdminPage]:
        """Return the pages; asked for with every request, so return what is made already."""
        ...
