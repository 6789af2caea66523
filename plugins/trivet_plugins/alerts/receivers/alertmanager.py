"""Tell Alertmanagers of all alerts, as a Prometheus server does: through their API, version 2. Needs the extra ``http``.

Config (``plugins.alertmanager``): ``urls`` (none: nothing is told), each told everything; ``token`` (bearer; a user and a
password go into the URL); ``resend`` in seconds (60): how often firing alerts are told again, which count as resolved after
four times that; ``timeout`` of a whole answer (10); ``ca_file``; ``proxy``. Grouping, silences and repeats are theirs.
Example::

    [plugins.alertmanager]
    urls = ["http://alertmanager-1:9093", "http://alertmanager-2:9093"]
"""

from __future__ import annotations

import pathlib
import time
from typing import TYPE_CHECKING, Final

import attrs
from attrs.validators import deep_iterable, gt

from trivet import Secret
from trivet_plugins.alerts.receivers.message import api_alerts
from trivet_plugins.alerts.receivers.peer_address import PeerAddress, is_url
from trivet_plugins.alerts.receivers.peers import Peers
from trivet_plugins.alerts.receivers.posting import Posting

if TYPE_CHECKING:
    from trivet_plugins.alerts.receivers.receiver import Notification

_PATH: Final = "/api/v2/alerts"
_TOLERANCE: Final = 4
"""Of Prometheus (``rules/manager.go``): an alert ends when three of its repeats are missed."""


@attrs.frozen(kw_only=True)
class AlertmanagerConfig:
    """The section ``plugins.alertmanager``."""

    urls: tuple[Secret[str], ...] = attrs.field(default=(), validator=deep_iterable(is_url))
    token: Secret[str] | None = None
    resend: float = attrs.field(default=60.0, validator=gt(0))
    timeout: float = attrs.field(default=10.0, validator=gt(0))
    ca_file: pathlib.Path | None = None
    proxy: Secret[str] | None = None


@attrs.frozen
class Alertmanager:
    """A receiver that tells one Alertmanager; ``resend`` is in seconds."""

    address: PeerAddress
    posting: Posting
    resend: float

    async def deliver(self, batch: Notification) -> None:
        """Post its alerts.

        Raises:
            DeliveryError: if they are not accepted.
        """
        ends = round((time.time() + _TOLERANCE * self.resend) * 1_000)
        await self.posting.post(self.address, api_alerts(batch, ends), {})


def alertmanager(config: AlertmanagerConfig) -> Peers | None:
    """Make the receiver; none where there are no addresses."""
    headers = {"Authorization": Secret(f"Bearer {config.token.reveal()}")} if config.token is not None else {}
    posting = Posting(timeout=config.timeout, headers=headers, ca_file=config.ca_file, proxy=config.proxy)
    addresses = [PeerAddress.of(url, _PATH) for url in dict.fromkeys(config.urls)]
    peers = {one.name: Alertmanager(one, posting, config.resend) for one in addresses}
    return Peers(peers, config.resend) if peers else None
