"""An aioprometheus registry whose collectors are made anew from the kernel's families at every scrape.

Importing this module imports aioprometheus, so only the factory of `trivet_plugins.monitoring.aioprometheus` does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from aioprometheus import collectors

from trivet.metrics.counter import Counter
from trivet.metrics.gauge import Gauge
from trivet.metrics.histogram import Histogram, HistogramCell
from trivet.metrics.labels import escape
from trivet_plugins.monitoring.dialect import number

if TYPE_CHECKING:
    from trivet.metrics.families import AnyFamily
    from trivet.metrics.family import Cell
    from trivet.metrics.registry import Metrics

_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class _Number(float):
    """A number that formats itself as Prometheus reads it: ``+Inf``, not ``inf``."""

    def __format__(self, spec: str) -> str:
        return number(float(self))


class FamilyRegistry(collectors.Registry):
    """The families of a `Metrics` and whatever else is registered here, as aioprometheus collectors.

    Args:
        metrics: What to show.
    """

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def get_all(self) -> list[collectors.Collector]:
        """Return all collectors; the families' ones are a snapshot of this moment."""
        families = [
            _collector(family) for family in self._metrics.families() if isinstance(family, Counter | Gauge | Histogram)
        ]
        taken = {collector.name for collector in families}
        return [*families, *(own for own in super().get_all() if own.name not in taken)]


def _collector(family: Counter | Gauge | Histogram) -> collectors.Collector:
    """Return a collector of the family's kind: aioprometheus chooses the format by class."""
    if isinstance(family, Histogram):
        rows = [(_labels(family, cell), _buckets(cell)) for cell in family.cells()]
        return _snapshot(collectors.Histogram, family, rows)
    kind = collectors.Counter if isinstance(family, Counter) else collectors.Gauge
    return _snapshot(kind, family, [(_labels(family, cell), _number(cell.value)) for cell in family.cells()])


def _snapshot(kind: type[collectors.Collector], family: AnyFamily, rows: list[Any]) -> collectors.Collector:
    # A collector registers itself on birth, in the global registry unless told otherwise.
    collector = kind(family.name, family.help.translate(_HELP_ESCAPES), registry=collectors.Registry())
    collector.get_all = lambda: rows  # type: ignore[method-assign]
    return collector


def _labels(family: AnyFamily, cell: Cell) -> dict[str, str]:
    values = (escape(value) for value in cell.labels)
    return dict(zip(family.label_names, values, strict=True))


def _number(value: float) -> float:
    return value if math.isfinite(value) else _Number(value)


def _buckets(cell: HistogramCell) -> dict[float | str, float]:
    """Return the mapping that aioprometheus writes a histogram from: bounds, then sum and count."""
    counts = cell.cumulated()
    return {**dict(zip((*cell.bounds, math.inf), counts, strict=True)), "sum": cell.sum, "count": counts[-1]}
