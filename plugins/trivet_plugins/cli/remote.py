"""`Remote`: the admin pages of a running service, as the commands with ``--url`` ask them."""

from __future__ import annotations

import json
import os
import pathlib
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

import click

from trivet.errors import TrivetError
from trivet.exit_codes import EX_DATAERR, EX_UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from http.client import HTTPConnection

F = TypeVar("F", bound="Callable[..., Any]")

DEFAULT_URL: Final = "http://127.0.0.1:9310"
UNIX: Final = "unix:"
URL_VARIABLE: Final = "TRIVET_URL"
TOKEN_VARIABLE: Final = "TRIVET_TOKEN"  # noqa: S105 - its name
_SECONDS: Final = 60.0  # a reload waits for its slowest source, and for participants
_MAX_ANSWER: Final = 64 * 2**20
_JSON: Final = "application/json"
_OK: Final = 200
_REFUSED: Final = 409


class RemoteError(TrivetError):
    """A running service is not there, or does not answer as asked."""

    exit_code = EX_UNAVAILABLE


class RemoteLookupError(RemoteError, LookupError):
    """What was asked for is not there, or makes no sense to the service."""

    exit_code = EX_DATAERR


class Remote:
    """A running service.

    Args:
        url: Where its admin pages are: ``http://...``, ``https://...``, or ``unix:`` and the path of a socket.
        token: What they want as bearer token; None: nothing. A unix socket gets none: its permissions have let us in.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._socket = self.url.removeprefix(UNIX) if self.url.startswith(UNIX) else None
        self._token = token if self._socket is None else None
        if self._socket == "":
            raise click.BadParameter(f"write it like {UNIX}/run/orders/admin.sock", param_hint="--url")
        self._parts = urlsplit("http://localhost" if self._socket is not None else self.url)
        try:
            port = self._parts.port
        except ValueError:
            port = -1
        if self._parts.scheme not in ("http", "https") or not self._parts.hostname or port == -1:
            forms = f"{DEFAULT_URL} or {UNIX}/run/orders/admin.sock"
            raise click.BadParameter(f"write it like {forms}", param_hint="--url")
        if "@" in self._parts.netloc:
            raise click.BadParameter(f"a token belongs in --token-file or ${TOKEN_VARIABLE}", param_hint="--url")

    def get(self, page: str, *, also: int = _OK, **query: object) -> Mapping[str, Any]:
        """Return what a page tells; parameters that are None are left out. ``also``: another status that it tells it with.

        Raises:
            RemoteError: if it does not.
        """
        status, body = self._ask("GET", _with_query(page, query), None)
        return self._read(_OK if status == also else status, body)

    def text(self, page: str, *, accept: str = _JSON, **query: object) -> str:
        """Return the document that a page is; see `get`. ``accept``: the media types that may come, as the header has them.

        Raises:
            RemoteError: if it is none.
        """
        status, body = self._ask("GET", _with_query(page, query), None, accept)
        return body.decode("utf-8", "replace") if status == _OK else str(self._read(status, body))

    def order(self, page: str, **fields: object) -> Mapping[str, Any]:
        """Give an order; returns how it ended, ``applied`` or not. Fields that are None are left out.

        Raises:
            RemoteError: if it is not understood.
        """
        given = {name: value for name, value in fields.items() if value is not None}
        status, body = self._ask("POST", page, json.dumps(given).encode())
        return self._read(_OK if status == _REFUSED else status, body)

    def _ask(self, method: str, page: str, body: bytes | None, accept: str = _JSON) -> tuple[int, bytes]:
        from http.client import HTTPException

        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = _JSON
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = self._connection()
        try:
            connection.request(method, self._parts.path + page, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_MAX_ANSWER)
        except (OSError, HTTPException) as exc:
            why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc) or type(exc).__name__
            raise RemoteError(f"no answer from {self.url}: {why}; {self._advice(exc)}") from None
        finally:
            connection.close()

    def _advice(self, exc: Exception) -> str:
        if self._socket is not None and isinstance(exc, PermissionError):
            return "only its owner and root get in, unless plugins.web.socket_mode says otherwise"
        return "does the service run, and are its pages (plugins.web) there?"

    def _connection(self) -> HTTPConnection:
        # Neither a proxy nor a redirection gets to see the token.
        from http.client import HTTPConnection, HTTPSConnection

        if self._socket is not None:
            from trivet_plugins.cli.unix_connection import UnixConnection

            return UnixConnection(self._socket, _SECONDS)
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        return kind(cast("str", self._parts.hostname), self._parts.port, timeout=_SECONDS)

    def _read(self, status: int, body: bytes) -> Mapping[str, Any]:
        if status == _OK:
            try:
                return cast("Mapping[str, Any]", json.loads(body))
            except ValueError:
                raise RemoteError(f"{self.url} does not answer as trivet's admin pages do") from None
        said = (body.decode("utf-8", "replace").strip().splitlines() or [f"HTTP {status}"])[0][:500]
        if status in (401, 403):
            said += f"; give it as --token-file or ${TOKEN_VARIABLE}"
        error = RemoteLookupError if status in (400, 404) else RemoteError
        raise error(f"{self.url}: {said}")


def _with_query(page: str, query: Mapping[str, object]) -> str:
    asked = urlencode({name: value for name, value in query.items() if value is not None}, quote_via=quote)
    return f"{page}?{asked}" if asked else page


def remote_options(*, default: str | None = None) -> Callable[[F], F]:
    """Add ``--url`` and ``--token-file``; the command gets ``url`` and ``token_file`` for `remote`.

    Args:
        default: The URL where none is given; None: the command then works without a service.
    """

    def add(function: F) -> F:
        path = click.Path(path_type=pathlib.Path)
        text = f"File with the token of the service's pages.  [default: ${TOKEN_VARIABLE}]"
        function = click.option("--token-file", metavar="FILE", type=path, help=text)(function)
        forms = f"{DEFAULT_URL} or {UNIX}/run/orders/admin.sock"
        url = f"Ask the running service whose pages are there: {forms}."
        if default is None:
            return click.option("--url", metavar="URL", help=url)(function)
        url += f"  [default: ${URL_VARIABLE}, or {default}]"
        return click.option("--url", metavar="URL", default=default, envvar=URL_VARIABLE, help=url)(function)

    return add


def remote(url: str, token_file: pathlib.Path | None) -> Remote:
    """Return the service that the options name.

    Raises:
        UsageError: if the URL is none, or the file cannot be read.
    """
    if token_file is None:
        token = os.environ.get(TOKEN_VARIABLE, "")
    else:
        try:
            token = token_file.read_text(encoding="ascii")
        except (OSError, UnicodeError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else "it is no ASCII text"
            raise click.BadParameter(f"{token_file}: {why}", param_hint="--token-file") from None
    token = token.strip()
    if not token.isascii() or not token.isprintable():
        raise click.UsageError("the token must be one line of ASCII text")
    return Remote(url, token or None)


def at_option(function: F) -> F:
    """Add ``--at``; the command gets ``at`` for `service_or_none`."""
    text = "As it was then; with --url."
    return click.option("--at", type=click.IntRange(min=1), metavar="GENERATION", help=text)(function)


def service_or_none(
    url: str | None, token_file: pathlib.Path | None, *, launch: Mapping[str, object], at: int | None = None
) -> Remote | None:
    """Return the running service that a command is about; None where it is about the configuration here.

    Args:
        url: ``--url``.
        token_file: ``--token-file``.
        launch: What says which configuration here is meant.
        at: ``--at``.

    Raises:
        UsageError: if the options say both, or ask for a generation where there is no history.
    """
    if url is None:
        if at is not None:
            raise click.UsageError("generations live in a running service: say which with --url")
        return None
    if any(launch.values()):
        raise click.UsageError(
            "--url asks a running service, which has its configuration; leave out what says which is meant here"
        )
    return remote(url, token_file)
