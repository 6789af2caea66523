"""`Frame`: the series of a vector, without their values; what was found out about them once holds for the next round too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.promql.labels import METRIC_NAME, Labels, dropping

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_REMEMBERED: Final = 64
"""Results of one kind that a frame remembers: rules ask the same each time."""

_NAME: Final = frozenset({METRIC_NAME})
T = TypeVar("T")


class Remembered(Generic[T]):
    """A few results by what they are made from; when there are too many, it begins anew."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is remembered, or make it."""
        found = self._found.get(key)
        if found is None:
            found = make()
            if len(self._found) >= _REMEMBERED:
                self._found = {}
            self._found[key] = found
        return found


class Frame:
    """Series, in an order.

    Args:
        labels: Of each, with the name of the metric as it was selected.
        dropped: For each, 1 if its name is to be dropped at the end of the evaluation, else 0.
    """

    __slots__ = ("_dropping", "_final", "_subsets", "derived", "dropped", "labels")

    def __init__(self, labels: tuple[Labels, ...], dropped: bytes | None = None) -> None:
        self.labels = labels
        self.dropped = bytes(len(labels)) if dropped is None else dropped
        self.derived: Remembered[object] = Remembered()
        self._subsets: Remembered[Frame] = Remembered()
        self._dropping: Frame | None = None
        self._final: tuple[Labels, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def dropping_names(self) -> Frame:
        """Return these series, the names of all to be dropped."""
        if self._dropping is None:
            every = b"\1" * len(self.labels)
            self._dropping = self if self.dropped == every else Frame(self.labels, every)
        return self._dropping

    def subset(self, places: tuple[int, ...]) -> Frame:
        """Return some of the series, by their places, in that order."""
        if not places:
            return EMPTY
        return self._subsets.get(places, lambda: self._picked(places))

    def _picked(self, places: Sequence[int]) -> Frame:
        labels, dropped = self.labels, self.dropped
        return Frame(tuple([labels[at] for at in places]), bytes([dropped[at] for at in places]))

    def final(self) -> tuple[Labels, ...]:
        """Return the labels as they are at the end, without the names that are to be dropped.

        Raises:
            EvaluationError: if two series are the same then.
        """
        if self._final is None:
            pairs = zip(self.labels, self.dropped, strict=True)
            final = tuple([dropping(labels, _NAME) if drop else labels for labels, drop in pairs])
            if len(set(final)) < len(final):
                raise EvaluationError("vector cannot contain metrics with the same labelset")
            self._final = final
        return self._final


EMPTY: Final = Frame(())
"""No series."""


@attrs.frozen(eq=False)
class Row:
    """The values of a vector.

    Args:
        frame: Its series.
        values: As many.
    """

    frame: Frame
    values: list[float]

    def picked(self, places: tuple[int, ...]) -> Row:
        """Return some of the elements, by their places, in that order."""
        if len(places) == len(self.values) and places == tuple(range(len(places))):
            return self
        values = self.values
        return Row(self.frame.subset(places), [values[at] for at in places])


NOTHING: Final = Row(EMPTY, [])


def row_of(frame: Frame, values: Sequence[float | None]) -> Row:
    """Return a vector of those series that have a value."""
    if None not in values:
        return Row(frame, values)  # type: ignore[arg-type]  # there is no None
    places = tuple([at for at, value in enumerate(values) if value is not None])
    return Row(frame.subset(places), [value for value in values if value is not None])
