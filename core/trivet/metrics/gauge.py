"""`Gauge`: a number that goes up and down."""

from __future__ import annotations

import inspect
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from trivet.errors import MetricError
from trivet.metrics.family import GIL, Description, Family

if TYPE_CHECKING:
    from trivet.metrics.labels import LabelValues
    from trivet.metrics.watch import OnError, Watch

Reading = Callable[[], float]


class GaugeCell:
    """One series of a gauge. Exact under threads without a lock: see `trivet.metrics.family.GIL`."""

    __slots__ = ("_readings", "created", "labels", "text", "value", "watch")

    def __init__(self, labels: LabelValues, watch: Watch | None, readings: dict[GaugeCell, Reading]) -> None:
        self.labels = labels
        self.watch = watch
        self.text = ""
        self.value: float = 0
        self.created = time.time()
        self._readings = readings

    def set(self, value: float) -> None:
        """Take ``value`` as the present one."""
        if value.__class__ is not float and value.__class__ is not int:
            value = float(value)
        self.value = value
        if self.watch is not None:
            self.watch.touch(self)

    def inc(self, amount: float = 1) -> None:
        """Add ``amount``."""
        if amount.__class__ is not int and amount.__class__ is not float:
            amount = float(amount)  # no call inside the +=: threads switch there
        self.value += amount
        if self.watch is not None:
            self.watch.touch(self)

    def dec(self, amount: float = 1) -> None:
        """Subtract ``amount``."""
        if amount.__class__ is not int and amount.__class__ is not float:
            amount = float(amount)
        self.value -= amount
        if self.watch is not None:
            self.watch.touch(self)

    def set_function(self, function: Reading | None) -> None:
        """Ask ``function`` for the value at every scrape, in the scraping thread; it must return at once. None ends that.

        Where it raises, the value is NaN and ``trivet_metric_collect_errors_total`` counts.

        Raises:
            MetricError: if the function is a coroutine function.
        """
        if inspect.iscoroutinefunction(function):
            raise MetricError(
                "a gauge's function is called at scrape and cannot wait: set the value from a task instead"
            )
        if function is None:
            self._readings.pop(self, None)
        else:
            self._readings[self] = function


class LockedGaugeCell(GaugeCell):
    """A series of a gauge for interpreters without a GIL."""

    __slots__ = ("_lock",)

    def __init__(self, labels: LabelValues, watch: Watch | None, readings: dict[GaugeCell, Reading]) -> None:
        super().__init__(labels, watch, readings)
        self._lock = threading.Lock()

    def inc(self, amount: float = 1) -> None:
        """As `GaugeCell.inc`."""
        with self._lock:
            super().inc(amount)

    def dec(self, amount: float = 1) -> None:
        """As `GaugeCell.dec`."""
        with self._lock:
            super().dec(amount)


class Gauge(Family[GaugeCell]):
    """A metric that goes up and down: a queue's length, free memory.

    Args:
        description: Its name, help, labels and limit.
        on_error: Told about every function of a series that raised.
    """

    kind = "gauge"
    cell: ClassVar[type[GaugeCell]] = GaugeCell if GIL else LockedGaugeCell

    def __init__(self, description: Description, *, on_error: OnError) -> None:
        self._readings: dict[GaugeCell, Reading] = {}
        self._on_error = on_error
        super().__init__(description)

    def collect(self) -> None:
        """Read the functions of all series that have one. The registry calls it before a scrape."""
        for cell, function in list(self._readings.items()):
            if self.get(cell.labels) is not cell:
                self._readings.pop(cell, None)
                continue
            try:
                cell.set(function())
            except Exception as exc:  # noqa: BLE001 - one broken reading must not take the whole scrape with it
                cell.value = math.nan
                self._on_error(self.name, exc)

    def _cell(self, key: LabelValues) -> GaugeCell:
        cell = self.cell(key, self.cells_watch, self._readings)
        if not key:
            self.__dict__.update(set=cell.set, inc=cell.inc, dec=cell.dec, set_function=cell.set_function)
        return cell

    def set(self, value: float) -> None:
        """Set the one series of a gauge without labels; with labels: MetricError."""
        self[()].set(value)

    def inc(self, amount: float = 1) -> None:
        """Add to the one series of a gauge without labels; with labels: MetricError."""
        self[()].inc(amount)

    def dec(self, amount: float = 1) -> None:
        """Subtract from the one series of a gauge without labels; with labels: MetricError."""
        self[()].dec(amount)

    def set_function(self, function: Reading | None) -> None:
        """Give the one series of a gauge without labels its function; with labels: MetricError."""
        self[()].set_function(function)
