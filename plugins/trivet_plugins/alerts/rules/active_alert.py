"""`ActiveAlert`: an alert as its rule keeps it from round to round."""

from __future__ import annotations

from typing import Literal

import attrs

from trivet_plugins.alerts.promql.labels import Labels, labels_of
from trivet_plugins.alerts.rules.alert import Alert

State = Literal["pending", "firing", "inactive"]

Annotations = tuple[tuple[str, str], ...]


@attrs.define(kw_only=True)
class ActiveAlert:
    """What is known of an alert. Times are milliseconds since the epoch.

    Args:
        labels: ``alertname`` included.
        annotations: As they were expanded last.
        value: What the query gave last.
        active_at: Since when it has been pending, or fires.
        state: ``inactive`` once it is resolved.
        fired_at: When it began to fire.
        missing_since: Since when the query has not given it, while it goes on firing; else None.
        resolved_at: When it was resolved.
        spared_until: Until then it is not resolved though it is missing: the service has started anew, and the history may not
            reach back as far as the query does.
    """

    labels: Labels
    annotations: Annotations
    value: float
    active_at: int
    state: State = "pending"
    fired_at: int | None = None
    missing_since: int | None = None
    resolved_at: int | None = None
    spared_until: int = 0

    def told(self, generator: str) -> Alert:
        """Return it as others are told of it."""
        return Alert(
            labels=self.labels,
            annotations=self.annotations,
            state="resolved" if self.state == "inactive" else self.state,
            value=self.value,
            active_at=self.active_at,
            fired_at=self.fired_at,
            resolved_at=self.resolved_at,
            generator=generator,
        )

    def series(self) -> tuple[Labels, Labels]:
        """Return the series that say that it is pending or fires (``ALERTS``), and since when (``ALERTS_FOR_STATE``)."""
        labels = dict(self.labels)
        return (
            labels_of({**labels, "__name__": "ALERTS", "alertstate": self.state}),
            labels_of({**labels, "__name__": "ALERTS_FOR_STATE"}),
        )
