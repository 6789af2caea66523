"""`Family`: a metric with all its series; a dict of cells keyed by label values, so that the hot path is one look-up in C."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final, Generic, Protocol, TypeVar, cast

import attrs

from trivet.errors import MetricError
from trivet.metrics.labels import LabelValues, label_text, plain_text, positional
from trivet.metrics.watch import Watch

if TYPE_CHECKING:
    from trivet.metrics.exemplar import ExemplarSource
    from trivet.metrics.watch import Watched

GIL: Final = getattr(sys, "_is_gil_enabled", lambda: True)()
"""True where ``+=`` on a slot is atomic: CPython with a GIL switches threads only at calls, jumps and function entries."""

OVERFLOW: Final = "_overflow"
"""The value of every label of the series that takes what is over a family's limit."""


class Cell(Protocol):
    """One series. Its class adds the values: `CounterCell`, `GaugeCell`, `HistogramCell`, ..."""

    labels: LabelValues
    text: str
    created: float
    """When it was born, in seconds since the epoch."""


C = TypeVar("C", bound=Cell)
OnOverflow = Callable[["Family[Cell]", str], None]


@attrs.frozen(eq=False, kw_only=True)
class Description:
    """What a family is, apart from its kind.

    Args:
        name: The name that its samples start with.
        help: What is measured, one sentence.
        label_names: In the order of the keys.
        unit: The name's last part, where it is one that OpenMetrics should be told of.
        limit: The most series.
        watch: Asked at every update.
        on_overflow: Told about every look-up that went to the overflow series, with the guilty label.
    """

    name: str
    help: str = attrs.field(converter=plain_text)
    label_names: tuple[str, ...] = ()
    unit: str = ""
    limit: int = attrs.field(validator=attrs.validators.ge(1))
    on_overflow: OnOverflow
    watch: Watch = attrs.field(factory=Watch)


class Family(dict[LabelValues, C], Generic[C]):
    """A metric and its series, keyed by label values: ``family["eu", "card"].inc()`` or ``family.labels("eu", "card").inc()``.

    A series is born at the first look-up and lives until `remove`, or until it expires where the family was made with ``expire``.
    A family without labels has exactly one series, and its methods work on the family itself. Reading while other threads write
    is safe through `cells`, which is one atomic copy.

    The number of series is limited: what comes later shares one series whose label values are all ``_overflow``, the label with
    the most different values is named in `overflow`, and ``trivet_metric_overflow_total`` counts.

    Args:
        description: Its name, help, labels and limit.
    """

    kind: ClassVar[str]
    """The type as the exposition formats call it."""
    takes_exemplars: ClassVar[bool] = False

    def __init__(self, description: Description) -> None:
        super().__init__()
        self.name: Final = description.name
        self.help: Final = description.help
        self.label_names: Final = description.label_names
        self.unit: Final = description.unit
        self.watch: Final = description.watch
        self.limit: Final = description.limit
        self.overflow: str | None = None
        """The label that used up the limit, or None."""
        self._on_overflow = description.on_overflow
        if not self.label_names:
            self._make(())

    def labels(self, *values: object, **named: object) -> C:
        """Return the series of these label values, by position or by name. Keep it where the values are fixed: it is a handle.

        Raises:
            MetricError: if the number of values or a name does not fit.
        """
        if named:
            if values:
                raise MetricError(f"{self.name}: give label values by position or by name, not both")
            values = positional(self.name, self.label_names, named)
        return self[values]  # type: ignore[index]  # __missing__ takes what is no string yet

    def cells(self) -> list[C]:
        """Return all series of this moment: one atomic copy that births and removals cannot disturb."""
        return list(self.values())

    def text_of(self, cell: Cell) -> str:
        """Return the labels of a series as text, ``region="eu"``; written once and kept in ``cell.text``."""
        text = cell.text
        if not text and self.label_names:
            text = cell.text = label_text(self.label_names, cell.labels)
        return text

    def remove(self, *values: object, **named: object) -> None:
        """Forget a series; a handle to it counts into the void from now on. No error where there is none.

        Raises:
            MetricError: if the family has no labels, or the values do not fit.
        """
        self._demand_labels()
        if named:
            values = positional(self.name, self.label_names, named)
        cell = self.pop(self._key(values), None)
        if cell is not None:
            self.watch.forget(cell)

    def clear(self) -> None:
        """Forget all series.

        Raises:
            MetricError: if the family has no labels.
        """
        self._demand_labels()
        for cell in self.cells():
            self.watch.forget(cell)
        super().clear()
        self.overflow = None

    @property
    def cells_watch(self) -> Watch | None:
        """What a cell that is born now holds: the watch, where it has anything to do."""
        wanted = self.watch.active if self.takes_exemplars else self.watch.expire is not None
        return self.watch if wanted else None

    def take_exemplars(self, source: ExemplarSource | None) -> None:
        """Ask ``source`` for an exemplar at every update, where the kind has exemplars. `Metrics.take_exemplars` calls it."""
        self.watch.take_exemplars(source)
        for cell in self.cells():
            if self.takes_exemplars:
                cast("Watched", cell).watch = self.cells_watch

    def sweep(self) -> None:
        """Remove series that have expired. The registry calls it before a scrape."""
        for cell in self.watch.stale():
            self.watch.forget(cell)
            if self.label_names and self.get(cell.labels) is cell:
                del self[cell.labels]

    def __missing__(self, values: LabelValues) -> C:
        key = self._key(values)
        if key in self:
            return self[key]
        if len(self) < self.limit:
            return self._make(key)
        return self._overflowing(key)

    def _overflowing(self, key: LabelValues) -> C:
        if self.overflow is None:
            series = list(self)
            spread = [len({values[index] for values in series}) for index in range(len(key))]
            self.overflow = self.label_names[spread.index(max(spread))]
        self._on_overflow(self, self.overflow)  # type: ignore[arg-type]  # read only
        shared = (OVERFLOW,) * len(key)
        return self[shared] if shared in self else self._make(shared)

    def _key(self, values: object) -> LabelValues:
        if not isinstance(values, tuple) or len(values) != len(self.label_names):
            wanted = ", ".join(self.label_names)
            raise MetricError(f"{self.name} has the labels ({wanted}), got {values!r}; call .labels({wanted})")
        return tuple(plain_text(value) for value in values)

    def _make(self, key: LabelValues) -> C:
        # setdefault is atomic: two threads that meet here get the same cell.
        cell = self.setdefault(key, self._cell(key))
        self.watch.touch(cell)
        return cell

    def _cell(self, key: LabelValues) -> C:
        raise NotImplementedError

    def _demand_labels(self) -> None:
        if not self.label_names:
            raise MetricError(f"{self.name} has no labels: its one series stays")

    def definition(self) -> tuple[object, ...]:
        """Return what makes two registrations the same."""
        return (self.kind, self.name, self.help, self.label_names, self.unit)

    def sample_names(self) -> set[str]:
        """Return all names that its samples have in any exposition format; no two families may share one."""
        return {self.name}

    # A family is itself, not the sum of its series; and it is there even while it has none.
    __hash__ = object.__hash__  # type: ignore[assignment]  # dict has none

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}({', '.join(self.label_names)}), {len(self)} series>"
