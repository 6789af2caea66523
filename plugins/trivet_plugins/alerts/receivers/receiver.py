"""`AlertReceiver`: what takes notifications, and `Notification`, what it is given."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import attrs

from trivet import TrivetError
from trivet_plugins.alerts.promql.labels import Labels
from trivet_plugins.alerts.rules.alert import Alert


class DeliveryError(TrivetError):
    """A receiver could not hand a notification on.

    Args:
        message: Why, and what to do; it holds no secret.
        retry: Whether the same notification may be taken later; False where it never will be, as for a malformed one.
        retry_after: Seconds that the other side asked to be left alone for; 0 where it did not ask.
    """

    def __init__(self, message: str, *, retry: bool = True, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry = retry
        self.retry_after = retry_after


@attrs.frozen(kw_only=True)
class Notification:
    """What a receiver is told at once: the alerts of one group.

    Args:
        id: The same each time this notification is delivered again: by it a receiver knows what it has seen.
        receiver: The name of who is told.
        group_labels: What all its alerts share and are grouped by.
        alerts: Firing and resolved ones; at least one.
        external_url: Where the service is found; may be empty.
        truncated: How many alerts of the group were left out.
    """

    id: str
    receiver: str
    group_labels: Labels
    alerts: tuple[Alert, ...]
    external_url: str = ""
    truncated: int = 0

    @property
    def status(self) -> Literal["firing", "resolved"]:
        """``firing`` where any of its alerts is."""
        return "firing" if any(alert.state == "firing" for alert in self.alerts) else "resolved"

    @property
    def common_labels(self) -> Labels:
        """The labels that all its alerts have with one value."""
        return _common([alert.labels for alert in self.alerts])

    @property
    def common_annotations(self) -> Labels:
        """The annotations that all its alerts have with one text."""
        return _common([alert.annotations for alert in self.alerts])


@runtime_checkable
class AlertReceiver(Protocol):
    """Takes notifications. One at a time is handed over, and again after a failure, so one may arrive twice."""

    async def deliver(self, batch: Notification) -> None:
        """Hand a notification on; return when the other side has taken it.

        Raises:
            DeliveryError: if it has not.
        """


def _common(all_pairs: list[Labels]) -> Labels:
    first, *rest = all_pairs
    others = [set(pairs) for pairs in rest]
    return tuple(pair for pair in first if all(pair in pairs for pairs in others))
