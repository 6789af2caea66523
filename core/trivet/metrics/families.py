"""`Families`: all metrics of a registry by name; no two may write a sample of one name."""

from __future__ import annotations

import threading
from typing import TypeVar, cast

from trivet.errors import MetricError
from trivet.metrics.counter import Counter
from trivet.metrics.gauge import Gauge
from trivet.metrics.histogram import Histogram
from trivet.metrics.info import Info
from trivet.metrics.names import Escaping, escape_name
from trivet.metrics.stateset import StateSet
from trivet.metrics.summary import Summary

AnyFamily = Counter | Gauge | Histogram | Info | StateSet | Summary
T = TypeVar("T", Counter, Gauge, Histogram, Info, StateSet, Summary)


class Families:
    """Metrics by their names, and by all names of their samples, which OpenMetrics and text readers must not confuse."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._families: dict[str, AnyFamily] = {}
        self._names: dict[str, AnyFamily] = {}

    def register(self, new: T) -> T:
        """Add a metric; one of the same definition that is there already is returned instead.

        Raises:
            MetricError: if a name of its samples is another's, also once UTF-8 names are escaped.
        """
        names = _names_of(new)
        with self._lock:
            for name in sorted(names):
                old = self._names.get(name)
                if old is None:
                    continue
                if old.definition() == new.definition():
                    return cast("T", old)
                raise MetricError(f"{new!r} clashes with {old!r} over {name}: give both one definition, or rename one")
            self._names.update(dict.fromkeys(names, new))
            self._families[new.name] = new
        return new

    def unregister(self, name: str) -> None:
        """Forget a metric. No error where there is none."""
        with self._lock:
            family = self._families.pop(name, None)
            for sample in _names_of(family) if family is not None else ():
                del self._names[sample]

    def get(self, name: str) -> AnyFamily | None:
        """Return the metric of that name, or None."""
        return self._families.get(name)

    def all(self) -> tuple[AnyFamily, ...]:
        """Return all metrics in the order of their making."""
        return tuple(self._families.values())


def _names_of(family: AnyFamily) -> set[str]:
    return {escape_name(name, Escaping.UNDERSCORES) for name in family.sample_names()}
