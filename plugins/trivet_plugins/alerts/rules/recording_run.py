"""`RecordingRun`: a recording rule that is evaluated round by round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.promql.labels import METRIC_NAME, labels_of
from trivet_plugins.alerts.rules.rule_run import RuleRun, Series

if TYPE_CHECKING:
    from trivet_plugins.alerts.rules.rule import RecordingRule
    from trivet_plugins.alerts.rules.rule_run import Round


class RecordingRun(RuleRun):
    """Gives the answer to a query a name.

    Args:
        rule: As its file says it.
    """

    def __init__(self, rule: RecordingRule) -> None:
        super().__init__()
        self.rule = rule

    def _evaluated(self, now: Round) -> Series:
        found: Series = {}
        samples = now.answer(self.rule.expr)
        for sample in samples:
            labels = labels_of({**dict(sample.labels), **self.rule.labels, METRIC_NAME: self.rule.name})
            if labels in found:
                raise EvaluationError("vector contains metrics with the same labelset after applying rule labels")
            found[labels] = sample.value
        if 0 < now.limit < len(samples):
            raise EvaluationError(f"exceeded limit of {now.limit} with {len(samples)} series")
        return found
