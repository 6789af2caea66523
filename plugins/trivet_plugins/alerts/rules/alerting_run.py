"""`AlertingRun`: an alerting rule that is evaluated round by round, with the states of Prometheus (``rules/alerting.go``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.promql.labels import METRIC_NAME, Labels, labels_of
from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.promql.syntax import Range, Subquery, walk
from trivet_plugins.alerts.rules.active_alert import ActiveAlert
from trivet_plugins.alerts.rules.rule_run import RuleRun, Series
from trivet_plugins.alerts.templates.errors import TemplateError
from trivet_plugins.alerts.templates.template import Template, TemplateData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet_plugins.alerts.promql.result import Sample
    from trivet_plugins.alerts.rules.rule import AlertingRule
    from trivet_plugins.alerts.rules.rule_run import Round

RETENTION: Final = 900_000
"""Milliseconds for which a resolved alert is remembered, so that all hear of it."""


_LONGEST_REACH: Final = 3_600_000


class AlertingRun(RuleRun):
    """Makes an alert of every series that a query gives.

    Args:
        rule: As its file says it.
    """

    def __init__(self, rule: AlertingRule) -> None:
        super().__init__()
        self.rule = rule
        self.active: dict[Labels, ActiveAlert] = {}
        self.template_errors: list[str] = []

    @property
    def reach(self) -> int:
        """How far back the query reads, in milliseconds, an hour at most; what stands for its last sample is not meant."""
        nodes = [*walk(self.rule.expr.tree)]
        return min(sum(node.length for node in nodes if isinstance(node, (Range, Subquery))), _LONGEST_REACH)

    def _evaluated(self, now: Round) -> Series:
        self.template_errors = []
        found = self._found(now)
        for labels, alert in found.items():
            known = self.active.get(labels)
            if known is not None and known.state != "inactive":
                known.value, known.annotations = alert.value, alert.annotations
            else:
                self.active[labels] = alert
        count = sum(
            self._advance(alert, now.at, missing=labels not in found) for labels, alert in [*self.active.items()]
        )
        if 0 < now.limit < count:
            self.active = {}
            raise EvaluationError(f"exceeded limit of {now.limit} with {count} alerts")
        return dict(self._series())

    def _found(self, now: Round) -> dict[Labels, ActiveAlert]:
        found: dict[Labels, ActiveAlert] = {}
        for sample in now.answer(self.rule.expr):
            data = _data(sample, now)
            labels = {name: self._expanded(one, data) for name, one in self.rule.labels.items()}
            kept = {name: value for name, value in sample.labels if name != METRIC_NAME}
            key = labels_of({**kept, **labels, "alertname": self.rule.name})
            if key in found:
                raise EvaluationError("vector contains metrics with the same labelset after applying alert labels")
            texts = tuple(sorted((name, self._expanded(one, data)) for name, one in self.rule.annotations.items()))
            found[key] = ActiveAlert(labels=key, annotations=texts, value=sample.value, active_at=now.at)
        return found

    def _expanded(self, template: Template, data: TemplateData) -> str:
        try:
            return template.expand(data)
        except TemplateError as exc:
            self.template_errors.append(str(exc))
            return f"<error expanding template: {exc}>"

    def _advance(self, alert: ActiveAlert, at: int, *, missing: bool) -> bool:
        """Take an alert through one round; tell whether it is pending or fires."""
        if missing:
            if not self._goes_on(alert, at):
                self._end(alert, at)
                return False
        else:
            alert.missing_since, alert.spared_until = None, 0
            if alert.state == "pending" and at - alert.active_at >= self.rule.hold:
                alert.state, alert.fired_at = "firing", at
        return True

    def _goes_on(self, alert: ActiveAlert, at: int) -> bool:
        if alert.state != "inactive" and at < alert.spared_until:
            return True
        if alert.state != "firing" or not self.rule.keep:
            return False
        if alert.missing_since is None:
            alert.missing_since = at
        return at - alert.missing_since < self.rule.keep

    def _end(self, alert: ActiveAlert, at: int) -> None:
        is_forgotten = alert.resolved_at is not None and at - alert.resolved_at > RETENTION
        if alert.state == "pending" or is_forgotten:
            del self.active[alert.labels]
        if alert.state != "inactive":
            alert.state, alert.resolved_at = "inactive", at

    def _series(self) -> Iterator[tuple[Labels, float]]:
        for alert in self.active.values():
            if alert.state != "inactive":
                is_active, since = alert.series()
                yield is_active, 1.0
                yield since, float(alert.active_at // 1_000)


def _data(sample: Sample, now: Round) -> TemplateData:
    def ask(text: str) -> list[tuple[Labels, float]]:
        return [(one.labels, one.value) for one in now.answer(Query.parse(text))]

    return TemplateData(
        labels=sample.labels,
        value=sample.value,
        external_labels=now.external_labels,
        external_url=now.external_url,
        now=now.at / 1_000,
        query=ask,
    )
