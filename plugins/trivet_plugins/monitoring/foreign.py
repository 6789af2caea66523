"""`foreign_families`: what an aioprometheus registry holds, as families of ours: escaped, streamed, in every format.

Importing this module imports aioprometheus.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import orjson
from aioprometheus import collectors
from aioprometheus.metricdict import MetricDict

from trivet.errors import MetricError
from trivet.metrics.counter import SUFFIX, Counter
from trivet.metrics.family import Description
from trivet.metrics.gauge import Gauge
from trivet.metrics.histogram import Histogram
from trivet.metrics.names import check_label_names, check_metric_name
from trivet.metrics.summary import Summary

if TYPE_CHECKING:
    from trivet.metrics.families import AnyFamily

Rows = list[tuple[Mapping[str, object], Any]]

UNLIMITED: Final = 2**62
"""No limit of series: they are there already."""


def ignore(*_arguments: object) -> None:
    """Be told, and do nothing."""


def foreign_families(registry: collectors.Registry, taken: Iterable[AnyFamily]) -> Iterator[AnyFamily]:
    """Yield the collectors of a registry as families; a family's label names are all that its series have.

    A counter without ``_total`` gets it. One whose name or labels no format allows, or that clashes with a family that is there,
    is left out: it would spoil the whole exposition.

    Args:
        registry: Of aioprometheus.
        taken: The families that are there.
    """
    names = {name for family in taken for name in family.sample_names()}
    for collector in list(registry.get_all()):
        family = _family(collector)
        if family is not None and not names & family.sample_names():
            names |= family.sample_names()
            yield family


def _family(collector: collectors.Collector) -> AnyFamily | None:
    rows = _rows(collector)
    labels = tuple(sorted({str(name) for row, _ in rows for name in row}))
    name = collector.name
    if isinstance(collector, collectors.Counter):
        name = name.removesuffix(SUFFIX) + SUFFIX
    try:
        described = Description(
            name=check_metric_name(name),
            help=collector.doc,
            label_names=check_label_names(name, labels),
            limit=UNLIMITED,
            on_overflow=ignore,
        )
    except MetricError:
        return None
    keyed = [(tuple(str(row.get(label, "")) for label in labels), value) for row, value in rows]
    match collector:
        case collectors.Counter() | collectors.Gauge():
            return _values(described, keyed, counter=isinstance(collector, collectors.Counter))
        case collectors.Histogram():
            return _histogram(described, keyed)
        case collectors.Summary():
            return _summary(described, keyed)
    return None


def _rows(collector: collectors.Collector) -> Rows:
    """Return labels and value of every series. The collector's own ``get_all`` walks a dict that may grow meanwhile."""
    rows: Rows = []
    for key in list(collector.values.store):
        labels = {} if key == MetricDict.EMPTY_KEY else orjson.loads(key)
        try:
            rows.append(({**collector.const_labels, **labels}, collector.get(labels)))
        except KeyError:
            continue  # removed meanwhile
    return rows


def _values(described: Description, rows: list[tuple[tuple[str, ...], Any]], *, counter: bool) -> AnyFamily:
    family = Counter(described) if counter else Gauge(described, on_error=ignore)
    for key, value in rows:
        family[key].value = value
    return family


def _histogram(described: Description, rows: list[tuple[tuple[str, ...], Any]]) -> AnyFamily:
    bounds = tuple(bound for bound in (rows[0][1] if rows else ()) if isinstance(bound, int | float))
    family = Histogram(described, bounds=tuple(bound for bound in bounds if bound != math.inf))
    for key, value in rows:
        cell = family[key]
        cumulated = [0, *(int(value[bound]) for bound in family.bounds), int(value["count"])]
        cell.counts = [after - before for before, after in pairwise(cumulated)]
        cell.sum = value["sum"]
    return family


def _summary(described: Description, rows: list[tuple[tuple[str, ...], Any]]) -> AnyFamily:
    family = Summary(described)
    for key, value in rows:
        cell = family[key]
        cell.count, cell.sum = int(value["count"]), value["sum"]
        cell.quantiles = {at: estimate for at, estimate in value.items() if isinstance(at, float)}
    return family
