"""`Alert`: one alert as it is told to others."""

from __future__ import annotations

import hashlib
from typing import Literal

import attrs

from trivet_plugins.alerts.promql.labels import Labels, value_of

AlertState = Literal["pending", "firing", "resolved"]


@attrs.frozen(kw_only=True)
class Alert:
    """An alert at a moment: which, in which state, since when.

    Args:
        labels: Of the series that the expression gave, of the rule and of the service; ``alertname`` is the name of the rule.
        annotations: Pairs of name and text, sorted by name.
        state: ``pending`` while its ``for`` runs, then ``firing``; ``resolved`` when it no longer is.
        value: What the expression gave last.
        active_at: Since when the expression has given it, in milliseconds since the epoch.
        fired_at: When it began to fire, likewise; None while it is pending.
        resolved_at: When it was resolved, likewise.
        generator: An address where the expression can be looked at; may be empty.
    """

    labels: Labels
    annotations: tuple[tuple[str, str], ...] = ()
    state: AlertState
    value: float
    active_at: int
    fired_at: int | None = None
    resolved_at: int | None = None
    generator: str = ""

    @property
    def name(self) -> str:
        """The name of its rule."""
        return value_of(self.labels, "alertname")

    @property
    def fingerprint(self) -> str:
        """What it is known by, over restarts too: 16 hexadecimal digits made of its labels."""
        digest = hashlib.blake2b(digest_size=8)
        for name, value in self.labels:
            for text in (name, value):
                data = text.encode(errors="surrogateescape")
                digest.update(len(data).to_bytes(4, "big") + data)
        return digest.hexdigest()
