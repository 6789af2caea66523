"""The functions of labels: ``label_replace``, ``label_join``, and those that ``absent`` makes up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trivet_plugins.alerts.promql.aggregation import check_label
from trivet_plugins.alerts.promql.errors import EvaluationError, PatternError
from trivet_plugins.alerts.promql.frame import Frame
from trivet_plugins.alerts.promql.labels import METRIC_NAME, Labels, labels_of
from trivet_plugins.alerts.promql.pattern import compiled
from trivet_plugins.alerts.promql.replacement import filled
from trivet_plugins.alerts.promql.selector import Selector


def replaced(frame: Frame, target: str, template: str, source: str, pattern: str) -> Frame:
    """Return series with a label set where another one fits a pattern.

    Raises:
        EvaluationError: if there is no such label or pattern, or two series are the same then.
    """
    _check("destination", "label_replace", target)
    try:
        expression = compiled(pattern, dot_is_any=True)
    except PatternError as exc:
        raise EvaluationError(f"invalid regular expression in label_replace(): {exc}") from None

    def value(labels: dict[str, str]) -> str | None:
        found = expression.fullmatch(labels.get(source, ""))
        return None if found is None else filled(template, found)

    return _labelled(frame, target, value)


def joined_labels(frame: Frame, target: str, separator: str, sources: Sequence[str]) -> Frame:
    """Return series with a label that has the values of others.

    Raises:
        EvaluationError: if there is no such label, or two series are the same then.
    """
    _check("destination", "label_join", target)
    for source in sources:
        _check("source", "label_join", source)
    return _labelled(frame, target, lambda labels: separator.join([labels.get(source, "") for source in sources]))


def _check(which: str, whose: str, name: str) -> None:
    try:
        check_label(name)
    except EvaluationError:
        raise EvaluationError(f"invalid {which} label name in {whose}(): {name!r}") from None


def _labelled(frame: Frame, target: str, value: Callable[[dict[str, str]], str | None]) -> Frame:
    made: list[Labels] = []
    dropped = bytearray(frame.dropped)
    for at, old in enumerate(frame.labels):
        labels = dict(old)
        found = value(labels)
        if found is None:
            made.append(old)
            continue
        labels[target] = found
        made.append(labels_of(labels))
        if target == METRIC_NAME:
            dropped[at] = 0  # the name that it has now is meant
    if len(set(made)) < len(made):
        raise EvaluationError("vector cannot contain metrics with the same labelset")
    return Frame(tuple(made), bytes(dropped))


def labels_of_absent(selectors: Sequence[Selector]) -> Labels:
    """Return the labels that a series would have had: those that conditions name one value of."""
    found: dict[str, str] = {}
    for selector in selectors:
        if selector.name == METRIC_NAME:
            continue
        if selector.op == "=" and selector.name not in found:
            found[selector.name] = selector.value
        else:
            found[selector.name] = ""  # another condition on it: there is no telling
    return labels_of(found)
