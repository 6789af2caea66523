"""`Silence`: no notifications of some alerts for some time. `Acknowledgement`: somebody is at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trivet_plugins.alerts.notifications.matching import selectors_of
from trivet_plugins.alerts.promql.selector import all_fit

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.labels import Labels


@attrs.frozen(kw_only=True)
class Silence:
    """Mutes alerts that meet all of its matchers. Times are seconds since the epoch.

    Args:
        id: It is removed by it.
        matchers: As `selector_of` reads them; one at least does not take an empty value.
        start: From then on.
        end: Until then.
        creator: Who made it.
        comment: Why.

    Raises:
        ValueError: if it has no matchers, would mute everything, or ends before it begins.
    """

    id: str
    matchers: tuple[str, ...]
    start: float
    end: float
    creator: str
    comment: str = ""

    def __attrs_post_init__(self) -> None:
        if all(one.takes("") for one in selectors_of(self.matchers)):
            raise ValueError("a silence needs a matcher that does not take an empty value: it would mute everything")
        if not self.end > self.start:
            raise ValueError("a silence must end after it begins")
        if not self.creator:
            raise ValueError("a silence names its creator")

    def is_active(self, now: float) -> bool:
        """Tell whether it holds at that time."""
        return self.start <= now < self.end

    def fits(self, labels: Labels) -> bool:
        """Tell whether it mutes an alert with these labels while it is active."""
        return all_fit(selectors_of(self.matchers), labels)


@attrs.frozen(kw_only=True)
class Acknowledgement:
    """Keeps a firing alert from being repeated, until it ends.

    Args:
        fingerprint: Of the alert.
        fired_at: When that began to fire, in milliseconds since the epoch: another firing is not acknowledged.
        actor: Who is at it.
        comment: What they say.
        at: When, in seconds since the epoch.
    """

    fingerprint: str
    fired_at: int | None
    actor: str
    comment: str
    at: float
