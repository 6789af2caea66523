"""Bind a listening socket, or say in one line why not."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Final

import anyio

from trivet import StartupRefused
from trivet_plugins.web.guard import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN_TO_OTHERS: Final = "set plugins.web.token_hash (trivet token new) or plugins.web.token, or bind 127.0.0.1"
"""What to do about an address that is, without a token."""

_RESOLVE_TIMEOUT: Final = 5.0
_BACKLOG: Final = 128
_STUCK_MILLISECONDS: Final = 30_000
"""How long a client may leave what was sent to it unread. Hypercorn itself waits for ever."""

_REASONS: Final[Mapping[int, str]] = {
    errno.EADDRINUSE: "is taken by another program",
    errno.EACCES: "may not be bound by this user; take one from 1024 up",
    errno.EADDRNOTAVAIL: "is not an address of this machine",
}


async def listen(host: str, port: int, *, has_token: bool) -> socket.socket:
    """Bind and listen.

    Args:
        host: A name or an IP address; a name is bound at its first address.
        port: 0 takes any that is free.
        has_token: Without a token only loopback addresses are bound.

    Raises:
        StartupRefused: if the address is open to others without a token, does not resolve, is taken or not allowed.
    """
    family, address = await _resolve(host, port)
    if not (has_token or is_loopback(str(address[0]))):
        raise StartupRefused(f"plugins.web.host = {host!r} is open to other machines; {OPEN_TO_OTHERS}")
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STUCK_MILLISECONDS)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as exc:
        listener.close()
        raise StartupRefused(_refused(host, port, exc)) from exc
    listener.settimeout(0)
    return listener


async def _resolve(host: str, port: int) -> tuple[int, tuple[str | int, ...]]:
    try:
        with anyio.fail_after(_RESOLVE_TIMEOUT):
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except TimeoutError:
        raise StartupRefused(f"plugins.web.host = {host!r} did not resolve within {_RESOLVE_TIMEOUT:g} s") from None
    except (OSError, UnicodeError) as exc:
        raise StartupRefused(f"plugins.web.host = {host!r} does not resolve: {exc}") from exc
    family, _, _, _, address = found[0]
    return family, address


def _refused(host: str, port: int, exc: OSError) -> str:
    reason = _REASONS.get(exc.errno or 0, os.strerror(exc.errno or 0))
    return (
        f"the web surface cannot listen on {host} port {port}: the address {reason}; "
        f"choose another with --set plugins.web.port={port + 1 if port < 65535 else 9310} (0: any free one)"
    )
