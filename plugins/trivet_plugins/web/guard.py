"""`Guard`: who may see the admin pages.

Three locks, each for an attack of its own: the token against strangers; the Host check against a web page that makes
its name resolve to 127.0.0.1 (DNS rebinding); without a token, the client's address against a surface that was mounted
in a public service. A unix socket of the surface's own has a fourth, the file's permissions, which stands for the token.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trivet import Secret

MIN_TOKEN: Final = 16
"""Characters. A shorter token can be guessed; ``openssl rand -hex 32`` makes a good one."""

_FORWARDING: Final = ("forwarded", "via", "x-forwarded-for", "x-real-ip")


@attrs.frozen
class Refusal:
    """Why a request is not answered, and what to do about it."""

    status: int
    reason: str
    headers: Mapping[str, str] = attrs.field(factory=dict)


class Guard:
    """Decide over requests.

    Args:
        token: What ``Authorization: Bearer`` must carry; None: only clients on this machine get in.
        allowed_hosts: Host names to answer to, besides localhost and IP addresses (an address cannot be rebound).
        trusts_socket: Let clients of a unix socket in without the token, unless a proxy sent them.

    Raises:
        ValueError: if the token is shorter than `MIN_TOKEN`.
    """

    def __init__(
        self, token: Secret[str] | None, allowed_hosts: Iterable[str] = (), *, trusts_socket: bool = False
    ) -> None:
        if token is not None and len(token.reveal()) < MIN_TOKEN:
            msg = f"the token must have at least {MIN_TOKEN} characters; openssl rand -hex 32 makes a good one"
            raise ValueError(msg)
        self._token = _digest(token.reveal()) if token is not None else None
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._trusts_socket = trusts_socket

    def refusal(self, headers: Mapping[str, str], client: Sequence[object] | None) -> Refusal | None:
        """Return why a request may not see more than the bare probes, or None where it may.

        Args:
            headers: By lower-case name.
            client: Address and port; None for a unix socket.
        """
        host = headers.get("host", "")
        if not self._answers_to(host):
            return Refusal(421, "this host name is not served; add it to allowed_hosts")
        forwarded = any(name in headers for name in _FORWARDING)
        if self._trusts_socket and client is None and not forwarded:
            return None
        if self._token is not None:
            return None if self._has_token(headers.get("authorization", "")) else _UNAUTHORIZED
        if forwarded or not _is_local(client):
            return Refusal(403, "without a token only clients on this machine are answered; set a token")
        return None

    def _answers_to(self, host: str) -> bool:
        name = _host_name(host)
        return name == "localhost" or name.endswith(".localhost") or name in self._hosts or _is_address(name)

    def _has_token(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        # Digests have one length, so the comparison tells nothing about the token's.
        return scheme.lower() == "bearer" and hmac.compare_digest(_digest(given.strip()), self._token or b"")


_UNAUTHORIZED: Final = Refusal(
    401, "a token is needed: send Authorization: Bearer <token>", {"www-authenticate": 'Bearer realm="trivet"'}
)


def is_loopback(address: str) -> bool:
    """Whether an IP address (not a name) is one of this machine's loopback addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(client: Sequence[object] | None) -> bool:
    return client is None or is_loopback(str(client[0]))
