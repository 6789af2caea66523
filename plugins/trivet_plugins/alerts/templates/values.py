"""What templates work with: texts, numbers, truth values, `Sequence`, `Table`, `Record`: nothing that has Python attributes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import attrs

from trivet_plugins.alerts.promql.labels import Labels


class Table(dict[str, "Value"]):
    """Values by name; a name that is not there has an empty text where all are texts, as labels are, else nothing."""


class Record(dict[str, "Value"]):
    """The fields of something: to ask for another is a mistake."""


class Sequence(list["Value"]):
    """Values one after the other: what a query gives is a sequence of records."""


@attrs.frozen
class Moment:
    """A time.

    Args:
        seconds: Since the epoch.
    """

    seconds: float


@attrs.frozen
class Span:
    """A duration.

    Args:
        nanoseconds: An integer, as Go has it.
    """

    nanoseconds: int


Value: TypeAlias = "str | bool | int | float | Table | Record | Sequence | Moment | Span | None"


def sample_of(labels: Labels, value: float) -> Record:
    """Return a sample of a query as templates see it."""
    return Record(Labels=Table(labels), Value=value)


def samples_of(found: Iterable[tuple[Labels, float]]) -> Sequence:
    """Return what a query gave as templates see it."""
    return Sequence(sample_of(labels, value) for labels, value in found)


def is_true(value: Value) -> bool:
    """Tell whether a value is something: what is empty, zero, false or nothing is not."""
    if isinstance(value, (Record, Moment)):
        return True
    return value.nanoseconds != 0 if isinstance(value, Span) else bool(value)


def kind_of(value: Value) -> str:
    """Return the name that Go has for the type of a value."""
    names = {
        str: "string",
        bool: "bool",
        int: "int",
        float: "float64",
        type(None): "nil",
        Table: "map[string]string",
        Record: "*template.sample",
        Sequence: "template.queryResult",
        Moment: "time.Time",
        Span: "time.Duration",
    }
    return names[type(value)]
