"""`AdminApp`: health, metrics, configuration and plugins of a kernel as a small ASGI application."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Final

from trivet import MissingExtraError
from trivet_plugins.web.guard import ATTEMPTS, Guard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Message, Receive, Scope, Send

    from trivet import Kernel, Secret

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),  # for browsers that do not read frame-ancestors
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Put on every response that does not set them itself."""


class AdminApp:
    """The admin pages of a kernel: ``/ /livez /readyz /startupz /health /metrics /config /plugins``.

    Under ``/config`` are ``/values /export /schema /problems /history /diff /explain``, and orders, which are POSTs:
    ``/reload /rollback /pin /unpin /override /override/remove``.

    The service ``web`` serves it on an address of its own. To have it in an application instead, mount it. An application is
    put together before its kernel starts, so make it there; it answers (``/readyz`` with 503) before the start and after the
    stop too::

        app = FastAPI(lifespan=kernel.lifespan)
        app.mount("/_trivet", AdminApp(kernel, token=Secret(os.environ["ADMIN_TOKEN"])))

    While the kernel runs, ``kernel.service(AdminApp)`` gives one with the locks of the section ``plugins.admin_app``.

    ``/livez``, ``/readyz`` and ``/startupz`` answer everyone with one word. All else is for those with the token;
    without a token, for clients on this machine that come without a proxy.

    Args:
        kernel: Whose pages these are.
        token: What ``Authorization: Bearer`` must carry, at least 16 characters; None: only clients on this machine get
            in.
        allowed_hosts: Names to answer to, besides localhost and IP addresses.
        token_hash: The token's hash, as ``trivet token`` prints it, in place of the token or beside it: either token opens then.
        attempts: Wrong tokens that a client may try in a minute; then it is answered 429 until it has waited.
        trusts_socket: Ask nobody who comes through a unix socket for the token: the file's permissions have let them in.
            Only right where no proxy serves that socket to others.

    Raises:
        MissingExtraError: if Starlette is not installed.
        ValueError: if the token is too short, or the hash is none.
    """

    def __init__(
        self,
        kernel: Kernel,
        *,
        token: Secret[str] | None = None,
        allowed_hosts: Iterable[str] = (),
        token_hash: Secret[str] | None = None,
        attempts: int = ATTEMPTS,
        trusts_socket: bool = False,
    ) -> None:
        self.kernel = kernel
        guard = Guard(token, allowed_hosts, token_hash=token_hash, attempts=attempts, trusts_socket=trusts_socket)
        self._app = _build(kernel, guard)

    def behind(
        self,
        *,
        token: Secret[str] | None,
        allowed_hosts: Iterable[str],
        token_hash: Secret[str] | None = None,
        attempts: int = ATTEMPTS,
        trusts_socket: bool = False,
    ) -> AdminApp:
        """Return the same pages behind other locks."""
        return type(self)(
            self.kernel,
            token=token,
            allowed_hosts=allowed_hosts,
            token_hash=token_hash,
            attempts=attempts,
            trusts_socket=trusts_socket,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                missing = [header for header in _HEADERS if header[0] not in present]
                message = {**message, "headers": [*message["headers"], *missing]}
            await send(message)

        await self._app(_tidied(scope), receive, send_secured)


def _tidied(scope: Scope) -> Scope:
    """Take hosts' habits with slashes out of a path: Litestar's mounts add one at the end, others leave out the only one."""
    path, root = scope.get("path", "/"), scope.get("root_path", "")
    if path in ("", root):
        return {**scope, "path": f"{path}/"}
    if path.endswith("/") and path not in ("/", f"{root}/"):
        return {**scope, "path": path.rstrip("/")}
    return scope


def _build(kernel: Kernel, guard: Guard) -> Any:  # noqa: ANN401 - an ASGI application; Starlette's types are not there without it
    if importlib.util.find_spec("starlette") is None:
        raise MissingExtraError("AdminApp", "web")
    from trivet_plugins.web.pages import build

    return build(kernel, guard)
