"""`Sample` and `ParsedFamily`: what an exposition says; and `ExpositionError`, where it says nothing."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trivet.errors import MetricError


class ExpositionError(MetricError):
    """A text is no exposition, or is too large.

    Args:
        line: The number of the line, from 1.
        problem: What is wrong there.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


@attrs.frozen
class ParsedExemplar:
    """An exemplar: the labels that lead to one event, its value, and when it was (seconds), if that was said."""

    labels: Mapping[str, str]
    value: float
    timestamp: float | None = None


@attrs.frozen
class Sample:
    """One line: a name, its labels, a value; a timestamp in seconds and an exemplar, if there are any."""

    name: str
    labels: Mapping[str, str]
    value: float
    timestamp: float | None = None
    exemplar: ParsedExemplar | None = None


@attrs.define
class ParsedFamily:
    """A metric with its samples.

    Args:
        name: As the format says it: OpenMetrics leaves ``_total`` and ``_info`` away.
        kind: ``counter``, ``gauge``, ``histogram``, ``gaugehistogram``, ``summary``, ``info``, ``stateset`` or ``unknown``.
        help: The help text, empty where there is none.
        unit: The unit, empty where there is none.
        samples: In their order.
    """

    name: str
    kind: str = "unknown"
    help: str = ""
    unit: str = ""
    samples: list[Sample] = attrs.field(factory=list)
