"""`Exemplar`: one real event behind a number, with the labels that lead to it: a trace id."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from trivet.errors import MetricError
from trivet.metrics.labels import LabelValues, plain_text
from trivet.metrics.names import check_label_names

ExemplarSource = Callable[[], Mapping[str, str] | None]
"""Gives the labels of the present event, ``{"trace_id": "..."}``, or None where there is none to keep: not sampled."""

MAX_RUNES: Final = 128
"""Characters that names and values of an exemplar may have together (OpenMetrics 1.0, "Exemplars")."""


@attrs.frozen
class Exemplar:
    """An event that was counted.

    Args:
        names: Of its labels.
        values: In the same order.
        value: What was added or observed.
        at: When, in seconds since the epoch.
    """

    names: tuple[str, ...]
    values: LabelValues
    value: float
    at: float

    @classmethod
    def of(cls, labels: Mapping[str, str], value: float) -> Exemplar:
        """Return the exemplar of what happens now.

        Raises:
            MetricError: if the labels are too long together, or a name is not allowed.
        """
        names = check_label_names("an exemplar", labels)
        values = tuple(plain_text(text) for text in labels.values())
        if (length := sum(map(len, (*names, *values)))) > MAX_RUNES:
            raise MetricError(f"an exemplar's labels have {length} characters, OpenMetrics allows {MAX_RUNES}")
        return cls(names, values, value, time.time())
