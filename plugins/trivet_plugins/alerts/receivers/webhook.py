"""Post alerts to web addresses in the format of Alertmanager's webhook, signed. Needs the extra ``http``.

Config (``plugins.alert_webhook``): ``urls`` (none: nothing is posted), each told everything; ``secret`` that signs;
``headers`` to send besides; ``timeout`` of a whole answer in seconds (10); ``ca_file`` (trusted in place of the system's
authorities); ``proxy``. With a secret each post has ``Trivet-Signature: t=<seconds>,v1=<hex>``: the HMAC-SHA256 over the
seconds, a dot and the body. Example::

    [plugins.alert_webhook]
    urls = ["https://pager.internal/hooks/orders"]
    secret = "${file:/run/secrets/webhook}"
"""

from __future__ import annotations

import hashlib
import hmac
import pathlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
from attrs.validators import deep_iterable, gt

from trivet import Secret
from trivet_plugins.alerts.receivers.message import webhook_message
from trivet_plugins.alerts.receivers.peer_address import PeerAddress, is_url
from trivet_plugins.alerts.receivers.peers import Peers
from trivet_plugins.alerts.receivers.posting import Posting

if TYPE_CHECKING:
    from trivet_plugins.alerts.receivers.receiver import Notification


@attrs.frozen(kw_only=True)
class AlertWebhookConfig:
    """The section ``plugins.alert_webhook``."""

    urls: tuple[Secret[str], ...] = attrs.field(default=(), validator=deep_iterable(is_url))
    secret: Secret[str] | None = None
    headers: Mapping[str, Secret[str]] = attrs.field(factory=dict)
    timeout: float = attrs.field(default=10.0, validator=gt(0))
    ca_file: pathlib.Path | None = None
    proxy: Secret[str] | None = None


@attrs.frozen
class AlertWebhook:
    """A receiver that posts to one address."""

    address: PeerAddress
    posting: Posting
    secret: Secret[str] | None = None

    async def deliver(self, batch: Notification) -> None:
        """Post it.

        Raises:
            DeliveryError: if it is not accepted.
        """
        body = webhook_message(batch)
        headers = {"Idempotency-Key": batch.id}
        if self.secret is not None:
            headers["Trivet-Signature"] = signature(self.secret, body, int(time.time()))
        await self.posting.post(self.address, body, headers)


def signature(secret: Secret[str], body: bytes, at: int) -> str:
    """Return the header of a body, signed at a time in seconds since the epoch."""
    digest = hmac.new(secret.reveal().encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={digest.hexdigest()}"


def alert_webhook(config: AlertWebhookConfig) -> Peers | None:
    """Make the receiver; none where there are no addresses."""
    posting = Posting(timeout=config.timeout, headers=config.headers, ca_file=config.ca_file, proxy=config.proxy)
    peers = [AlertWebhook(PeerAddress.of(url), posting, config.secret) for url in dict.fromkeys(config.urls)]
    return Peers({peer.address.name: peer for peer in peers}) if peers else None
