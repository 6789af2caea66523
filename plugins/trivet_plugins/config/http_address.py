"""`Address`: the URL of a remote document, and what of it may be shown."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import urllib.parse
from typing import Final

import attrs

from trivet import Secret

_RULE: Final = "it must begin with https:// or http:// and name a host"
_PRINTABLE: Final = re.compile(r"[^\x00-\x20\x7f]+")


@attrs.frozen
class Address:
    """A URL that is checked.

    Args:
        url: The whole URL: user, password and query are often credentials.
        shown: The URL without them, for origins and messages.
    """

    url: Secret[str]
    shown: str

    @classmethod
    def of(cls, url: Secret[str]) -> Address:
        """Check a URL.

        Raises:
            ValueError: if it is none; the text holds nothing of it.
        """
        try:
            parts = urllib.parse.urlsplit(url.reveal())
            named = bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise ValueError(_RULE) from None  # the cause may quote the URL
        if parts.scheme not in ("http", "https") or not named or not _PRINTABLE.fullmatch(url.reveal()):
            raise ValueError(_RULE)
        return cls(url, parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl())

    @property
    def suffix(self) -> str:
        """The suffix of the path, in lower case: ``.toml``."""
        name = urllib.parse.urlsplit(self.shown).path.rpartition("/")[2]
        return f".{name.rpartition('.')[2].lower()}" if "." in name else ""

    @property
    def digest(self) -> str:
        """What the whole URL is known by where it must not be written down."""
        return hashlib.sha256(self.url.reveal().encode()).hexdigest()

    @property
    def is_open(self) -> bool:
        """True where whoever sits on the way can read and change what comes: plain HTTP, and not from this machine."""
        parts = urllib.parse.urlsplit(self.shown)
        return parts.scheme == "http" and not _is_loopback(parts.hostname or "")

    def authorization(self) -> dict[str, str]:
        """Return the header for the user and password in the URL (RFC 7617); none where there are none."""
        parts = urllib.parse.urlsplit(self.url.reveal())
        if parts.username is None:
            return {}
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def follow(self, location: str) -> Address | None:
        """Return where a redirect leads; None where it leaves the origin (RFC 6454): headers and trust are for this one only."""
        try:
            target = Address.of(Secret(urllib.parse.urljoin(self.url.reveal(), location)))
        except ValueError:
            return None
        return target if _origin(target) == _origin(self) else None


def _origin(address: Address) -> tuple[str, str | None, int]:
    parts = urllib.parse.urlsplit(address.shown)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
