"""`AlertingRule`, `RecordingRule` and the `Group` that they stand in, as a file says them."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import attrs

from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.templates.template import Template

DEFAULT_INTERVAL = 60_000
"""Milliseconds between two evaluations of a group, where nobody says otherwise."""


@attrs.frozen(kw_only=True)
class RecordingRule:
    """Gives the answer to a query a name.

    Args:
        name: Of the metric that it makes.
        expr: The query.
        labels: That its series get, by name; an empty one is taken away.
        place: ``file:line:column``.
    """

    name: str
    expr: Query
    labels: dict[str, str] = attrs.field(factory=dict)
    place: str = ""

    @property
    def identity(self) -> str:
        """What the rule is known by from one file to the next: its name, its query and its labels."""
        return _identity("record", self.name, self.expr, self.labels)


@attrs.frozen(kw_only=True)
class AlertingRule:
    """Makes an alert of every series that a query gives.

    Args:
        name: ``alertname``.
        expr: The query.
        hold: Milliseconds that the series must have been there before the alert fires (``for``).
        keep: Milliseconds that it goes on firing when the series is gone (``keep_firing_for``).
        labels: Templates by name.
        annotations: Likewise.
        place: ``file:line:column``.
    """

    name: str
    expr: Query
    hold: int = 0
    keep: int = 0
    labels: dict[str, Template] = attrs.field(factory=dict)
    annotations: dict[str, Template] = attrs.field(factory=dict)
    place: str = ""

    @property
    def identity(self) -> str:
        """What the rule is known by from one file to the next: its name, its query and its labels."""
        return _identity("alert", self.name, self.expr, {name: one.source for name, one in self.labels.items()})


def _identity(kind: str, name: str, expr: Query, labels: dict[str, str]) -> str:
    parts = [kind, name, expr.text, *(f"{key}={value}" for key, value in sorted(labels.items()))]
    return hashlib.blake2b("\0".join(parts).encode(errors="surrogateescape"), digest_size=12).hexdigest()


Rule: TypeAlias = RecordingRule | AlertingRule


@attrs.frozen(kw_only=True)
class Group:
    """Rules that are evaluated one after the other, at the same time.

    Args:
        name: Unique in its file.
        file: As it was named.
        interval: Milliseconds between two evaluations; None: what the service says.
        query_offset: Milliseconds that queries look back.
        limit: The most series or alerts of a rule; 0: any number.
        rules: In their order.
    """

    name: str
    file: str = ""
    interval: int | None = None
    query_offset: int = 0
    limit: int = 0
    rules: tuple[Rule, ...] = ()
