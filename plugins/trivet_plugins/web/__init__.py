"""Serve health, metrics, configuration and plugins over HTTP: on an address of its own, or mounted in an application.

Two services: ``admin_app`` is the ASGI application `AdminApp`, ``web`` serves it with hypercorn. Needs the extra
``web``.

Config (``plugins.web``): ``host`` (default ``127.0.0.1``), ``port`` (default 9310; 0 takes a free one), ``token`` (at least 16
characters) or ``token_hash`` (what ``trivet token`` prints), one of them needed for any other than a loopback host; both:
either token opens, for a change. ``attempts`` (20): wrong tokens that a client may try in a minute. ``allowed_hosts`` (names to
answer to, besides localhost and IP addresses), ``drain`` (seconds that open requests get when the service stops, default 0.5).

A unix socket besides, or alone: ``socket`` (``unix:/run/orders/admin.sock``), ``socket_mode`` (default ``"0600"``), ``tcp``
(default true; false leaves only the socket). Nobody needs the token there: the file's permissions let in its owner and root.

Config (``plugins.admin_app``): ``token``, ``token_hash``, ``attempts`` and ``allowed_hosts``, for ``kernel.service(AdminApp)``
mounted in an application.

Example::

    [plugins.web]
    host = "0.0.0.0"
    token_hash = "sha256:..."  # of trivet token new; or token, sealed or as $ORDERS_PLUGINS__WEB__TOKEN_FILE
    allowed_hosts = ["orders.internal"]
    socket = "unix:/run/orders/admin.sock"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from trivet import Provider, Secret, hookimpl
from trivet_plugins.web.admin_app import AdminApp
from trivet_plugins.web.guard import ATTEMPTS, is_address, is_loopback
from trivet_plugins.web.listener import OPEN_TO_OTHERS
from trivet_plugins.web.server import WebServer, serve
from trivet_plugins.web.token import IsToken, IsTokenHash
from trivet_plugins.web.unix_socket import socket_path

if TYPE_CHECKING:
    from trivet import Composition, Kernel

__all__ = ("AdminApp", "AdminAppConfig", "WebConfig", "WebServer", "register_services")


@attrs.frozen(kw_only=True)
class AdminAppConfig:
    """The section ``plugins.admin_app``: the locks of an `AdminApp` that an application mounts."""

    token: Secret[str] | None = attrs.field(default=None, validator=IsToken())
    token_hash: Secret[str] | None = attrs.field(default=None, validator=IsTokenHash())
    attempts: int = attrs.field(default=ATTEMPTS, validator=attrs.validators.ge(1))
    allowed_hosts: tuple[str, ...] = ()


def _socket_path(_instance: object, _attribute: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None:
        socket_path(value)


def _closed_or_locked(instance: WebConfig, _attribute: attrs.Attribute[Any], value: str) -> None:
    # Names are looked at when they are resolved, at the start.
    if instance.tcp and not instance.has_token and is_address(value) and not is_loopback(value):
        raise ValueError(f"host = {value!r} is open to other machines; {OPEN_TO_OTHERS}")


def _unless_nowhere(instance: WebConfig, _attribute: attrs.Attribute[Any], value: bool) -> None:  # noqa: FBT001 - attrs' signature
    if not value and instance.socket is None:
        raise ValueError('tcp = false needs a socket, e.g. socket = "unix:/run/orders/admin.sock"')


@attrs.frozen(kw_only=True)
class WebConfig:
    """The section ``plugins.web``: where the pages are served, and their locks."""

    host: str = attrs.field(default="127.0.0.1", validator=[attrs.validators.min_len(1), _closed_or_locked])
    port: int = attrs.field(default=9310, validator=[attrs.validators.ge(0), attrs.validators.le(65535)])
    token: Secret[str] | None = attrs.field(default=None, validator=IsToken())
    token_hash: Secret[str] | None = attrs.field(default=None, validator=IsTokenHash())
    attempts: int = attrs.field(default=ATTEMPTS, validator=attrs.validators.ge(1))
    allowed_hosts: tuple[str, ...] = ()
    drain: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.le(30)])
    socket: str | None = attrs.field(default=None, validator=_socket_path)
    socket_mode: str = attrs.field(default="0600", validator=attrs.validators.matches_re("0?[0-7]{3}"))
    tcp: bool = attrs.field(default=True, validator=_unless_nowhere)

    @property
    def has_token(self) -> bool:
        """Whether anybody needs a token."""
        return self.token is not None or self.token_hash is not None


def admin_app(config: AdminAppConfig, kernel: Kernel) -> AdminApp:
    """Make the application that ``kernel.service(AdminApp)`` gives."""
    return AdminApp(
        kernel,
        token=config.token,
        allowed_hosts=config.allowed_hosts,
        token_hash=config.token_hash,
        attempts=config.attempts,
    )


@hookimpl
def register_services(composition: Composition) -> list[Provider[Any]]:
    """Offer the application and its server."""
    return [
        Provider(
            name="admin_app",
            factory=admin_app,
            config=AdminAppConfig,
            provides=AdminApp,
            extra="web",
            modules=("starlette",),
        ),
        Provider(
            name="web",
            factory=serve,
            config=WebConfig,
            provides=WebServer,
            requires=["service/admin_app"],
            stop_timeout=35.0,  # longer than the longest drain
            extra="web",
            modules=("hypercorn", "starlette"),
        ),
    ]
