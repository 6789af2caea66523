"""`PeerAddress`: the URL of who takes notifications, and what of it may be shown: the host. A path is often a credential."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.parse
from typing import TYPE_CHECKING, Final

import attrs

from trivet import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_RULE: Final = "a URL must begin with https:// or http:// and name a host"
_PRINTABLE: Final = re.compile(r"[^\x00-\x20\x7f]+")


@attrs.frozen
class PeerAddress:
    """A URL that is checked.

    Args:
        url: The whole URL, without a user and password.
        shown: Scheme, host and port, for messages.
        headers: ``Authorization`` (RFC 7617) where the URL had a user.
        name: Eight hexadecimal digits that stand for the whole URL in names of queues and metrics.
    """

    url: Secret[str]
    shown: str
    headers: Mapping[str, Secret[str]]
    name: str

    @classmethod
    def of(cls, url: Secret[str], path: str = "") -> PeerAddress:
        """Check a URL and put a path at its end.

        Raises:
            ValueError: if it is none; the text holds nothing of it.
        """
        text = url.reveal()
        try:
            parts = urllib.parse.urlsplit(text)
            named = bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise ValueError(_RULE) from None  # the cause may quote the URL
        if not named or parts.scheme not in {"http", "https"} or not _PRINTABLE.fullmatch(text):
            raise ValueError(_RULE)
        headers: dict[str, Secret[str]] = {}
        if parts.username is not None:
            pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            headers["Authorization"] = Secret(f"Basic {base64.b64encode(pair.encode()).decode()}")
        host = parts.netloc.rpartition("@")[2]
        bare = parts._replace(netloc=host, fragment="", path=(parts.path.rstrip("/") + path) if path else parts.path)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return cls(Secret(bare.geturl()), f"{parts.scheme}://{host}", headers, digest)


def is_url(_instance: object, _attribute: object, value: Secret[str]) -> None:
    """Check a URL of a configuration."""
    PeerAddress.of(value)
