"""`Guard`: who may see the admin pages.

Three locks, each for an attack of its own: the token against strangers; the Host check against a web page that makes
its name resolve to 127.0.0.1 (DNS rebinding); without a token, the client's address against a surface that was mounted
in a public service. A unix socket of the surface's own has a fourth, the file's permissions, which stands for the token.
Who tries wrong tokens is not heard for a while: the right one would not be heard either.
"""

from __future__ import annotations

import hmac
import ipaddress
import math
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.web.throttle import Throttle
from trivet_plugins.web.token import digest, digests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trivet import Secret

ATTEMPTS: Final = 20
"""Wrong tokens that a client may try in a minute."""

_FORWARDING: Final = ("forwarded", "via", "x-forwarded-for", "x-real-ip")


@attrs.frozen
class Refusal:
    """Why a request is not answered, and what to do about it.

    Args:
        status: Of HTTP.
        reason: For who reads the answer.
        headers: Of the answer.
        code: Lower_snake, for the audit log.
    """

    status: int
    reason: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    code: str = "refused"


class Guard:
    """Decide over requests.

    Args:
        token: What ``Authorization: Bearer`` must carry; None: only clients on this machine get in.
        allowed_hosts: Host names to answer to, besides localhost and IP addresses (an address cannot be rebound).
        token_hash: Its hash, in place of the token or beside it; either token opens then.
        trusts_socket: Let clients of a unix socket in without the token, unless a proxy sent them.
        attempts: Wrong tokens that a client may try in a minute.

    Raises:
        ValueError: if the token is too short, or the hash is none.
    """

    def __init__(
        self,
        token: Secret[str] | None,
        allowed_hosts: Iterable[str] = (),
        *,
        token_hash: Secret[str] | None = None,
        trusts_socket: bool = False,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._digests = digests(token, token_hash)
        self._attempts = Throttle(attempts)
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
            return _MISDIRECTED
        forwarded = any(name in headers for name in _FORWARDING)
        if self._trusts_socket and client is None and not forwarded:
            return None
        if self._digests:
            return self._refusal_of_token(headers.get("authorization"), client_host(client))
        return _NOT_LOCAL if forwarded or not _is_local(client) else None

    def _refusal_of_token(self, authorization: str | None, client: str | None) -> Refusal | None:
        if authorization is None:
            return _UNAUTHORIZED
        if wait := self._attempts.wait(client):
            seconds = str(math.ceil(wait))
            return Refusal(
                429, f"too many wrong tokens; wait {seconds} s", {"retry-after": seconds}, "too_many_attempts"
            )
        if self._has_token(authorization):
            return None
        self._attempts.take(client)
        return attrs.evolve(_UNAUTHORIZED, code="wrong_token")

    def _answers_to(self, host: str) -> bool:
        name = _host_name(host)
        return name == "localhost" or name.endswith(".localhost") or name in self._hosts or is_address(name)

    def _has_token(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        made = digest(given.strip())
        # All are compared, whichever fits.
        fits = [hmac.compare_digest(made, opening) for opening in self._digests]
        return scheme.lower() == "bearer" and any(fits)


_MISDIRECTED: Final = Refusal(421, "this host name is not served; add it to allowed_hosts", code="unknown_host")
_NOT_LOCAL: Final = Refusal(
    403, "without a token only clients on this machine are answered; set a token", code="not_on_this_machine"
)
_UNAUTHORIZED: Final = Refusal(
    401,
    "a token is needed: send Authorization: Bearer <token>",
    {"www-authenticate": 'Bearer realm="trivet"'},
    "no_token",
)


def client_host(client: Sequence[object] | None) -> str | None:
    """Return a client's address; None for a unix socket."""
    return None if client is None else str(client[0])


def is_loopback(address: str) -> bool:
    """Whether an IP address (not a name) is one of this machine's loopback addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def is_address(name: str) -> bool:
    """Whether a text is an IP address, not a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(client: Sequence[object] | None) -> bool:
    return client is None or is_loopback(str(client[0]))
