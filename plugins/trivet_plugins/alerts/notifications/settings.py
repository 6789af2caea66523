"""`NotificationSettings`: who is told, and when; durations are seconds."""

from __future__ import annotations

from typing import Any

import attrs
from attrs.validators import and_, ge, gt, le

from trivet_plugins.alerts.notifications.matching import selectors_of

_SHARE = and_(ge(0.0), le(1.0))


def _matchers(_instance: object, _attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    selectors_of(value)


@attrs.frozen(kw_only=True)
class Timing:
    """How alerts are gathered and repeated, with Alertmanager's names and defaults.

    Args:
        group_by: Labels that the alerts of a group share; ``...`` makes a group of each alert.
        group_wait: From the first alert of a group to its notification.
        group_interval: From one notification of a group to the next, if it has changed.
        repeat_interval: After that a group that has not changed is told again.
    """

    group_by: tuple[str, ...] = ("alertname",)
    group_wait: float = attrs.field(default=30.0, validator=ge(0))
    group_interval: float = attrs.field(default=300.0, validator=gt(0))
    repeat_interval: float = attrs.field(default=14_400.0, validator=gt(0))


@attrs.frozen(kw_only=True)
class Route:
    """Sends some alerts to some receivers; the first route that takes an alert is the only one, unless it goes on.

    Args:
        matchers: What an alert must meet.
        receivers: Names of receivers; none: all.
        goes_on: Whether later routes may take the alert too (Alertmanager: ``continue``).
        timing: Of its groups; default: that of all.
    """

    matchers: tuple[str, ...] = attrs.field(default=(), validator=_matchers)
    receivers: tuple[str, ...] = ()
    goes_on: bool = False
    timing: Timing | None = None


@attrs.frozen(kw_only=True)
class Inhibition:
    """Mutes alerts while another one fires.

    Args:
        source: What the other one must meet.
        target: What the muted ones meet.
        equal: Labels that must be the same on both.
    """

    source: tuple[str, ...] = attrs.field(validator=_matchers)
    target: tuple[str, ...] = attrs.field(validator=_matchers)
    equal: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Flapping:
    """When an alert counts as flapping: by the weighted share of changes in its last 21 rounds, as Nagios has it.

    Args:
        start: From this share on it does.
        stop: Below this share it no longer does.
        enabled: False: none ever does.
    """

    start: float = attrs.field(default=0.5, validator=_SHARE)
    stop: float = attrs.field(default=0.25, validator=_SHARE)
    enabled: bool = True


@attrs.frozen(kw_only=True)
class NotificationSettings:
    """All of it.

    Args:
        timing: Of groups whose route says nothing.
        routes: In order; none, or none that takes an alert: all receivers.
        inhibitions: Which alerts mute which.
        flapping: See there.
        send_resolved: Whether receivers hear of the end of what they were told of.
        external_url: Where the service is found, for notifications.
        max_alerts: The most alerts of one notification; the rest is counted in it.
        timeout: Of one delivery.
        min_backoff: From a first failure of a receiver to the next try, doubled with each failure and spread at random.
        max_backoff: The longest time between tries, but for what the other side asks for.
        queue_limit: Notifications that wait for a receiver before those of one group are made one.
        lost_after: An alert that is not put for so long counts as resolved, as when its rule is gone; four rounds at least.
        failing_after: How long a receiver may fail before health warns.
    """

    timing: Timing = attrs.field(factory=Timing)
    routes: tuple[Route, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    flapping: Flapping = attrs.field(factory=Flapping)
    send_resolved: bool = True
    external_url: str = ""
    max_alerts: int = attrs.field(default=1_000, validator=ge(1))
    timeout: float = attrs.field(default=30.0, validator=gt(0))
    min_backoff: float = attrs.field(default=1.0, validator=gt(0))
    max_backoff: float = attrs.field(default=300.0, validator=gt(0))
    queue_limit: int = attrs.field(default=1_000, validator=ge(1))
    lost_after: float = attrs.field(default=600.0, validator=gt(0))
    failing_after: float = attrs.field(default=120.0, validator=ge(0))
