"""`Columns`: the series that a family is made of, as Prometheus has them, and their present values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import attrs

from trivet.metrics.histogram import Histogram
from trivet.metrics.history import STALE
from trivet.metrics.info import Info
from trivet.metrics.stateset import StateSet
from trivet.metrics.summary import Summary
from trivet_plugins.monitoring.dialect import bound_text, number

if TYPE_CHECKING:
    from trivet.metrics.families import AnyFamily

Identity = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Name, label names and label values of a series."""

PLAIN: Final = frozenset({"counter", "gauge"})


@attrs.frozen
class Columns:
    """How the cells of a family are read.

    Args:
        width: Series per cell.
        key: What tells a cell from others, whatever object it is.
        identities: The series of a cell, in the order of their values.
        values: Of some cells, one after the other.
        changing: Whether a cell may come to be another series.
    """

    width: int
    key: Callable[[Any], object]
    identities: Callable[[Any], Iterator[Identity]]
    values: Callable[[list[Any]], list[float]]
    changing: bool = False


def columns_of(family: AnyFamily) -> Columns | None:
    """Return how a family is read; None for a kind that is not known."""
    match family:
        case Histogram():
            return _histogram(family)
        case Summary():
            return _summary(family)
        case Info():
            return _info(family)
        case StateSet():
            return _states(family)
        case _ if family.kind in PLAIN:
            name, names = family.name, family.label_names
            return Columns(
                1,
                _labels,
                lambda cell: iter([(name, names, cell.labels)]),
                lambda cells: [cell.value for cell in cells],
            )
    return None


def _labels(cell: Any) -> object:  # noqa: ANN401 - a cell of the family
    return cell.labels


def _histogram(family: Histogram) -> Columns:
    name, names = family.name, family.label_names
    bounds = [*map(bound_text, family.bounds), "+Inf"]

    def identities(cell: Any) -> Iterator[Identity]:  # noqa: ANN401 - as above
        for bound in bounds:
            yield f"{name}_bucket", (*names, "le"), (*cell.labels, bound)
        yield f"{name}_sum", names, cell.labels
        yield f"{name}_count", names, cell.labels

    def values(cells: list[Any]) -> list[float]:
        found: list[float] = []
        for cell in cells:
            total = cell.sum
            counts = [*accumulate(list(cell.counts))]
            found += counts
            found += total, counts[-1]
        return found

    return Columns(len(bounds) + 2, _labels, identities, values)


def _summary(family: Summary) -> Columns:
    name, names = family.name, family.label_names
    # Only those of other libraries have quantiles, and they are made anew for every scrape.
    quantiles = sorted({quantile for cell in family.cells() for quantile in cell.quantiles or ()})
    labelled = [(number(quantile),) for quantile in quantiles]

    def identities(cell: Any) -> Iterator[Identity]:  # noqa: ANN401 - as above
        for quantile in labelled:
            yield name, (*names, "quantile"), (*cell.labels, *quantile)
        yield f"{name}_sum", names, cell.labels
        yield f"{name}_count", names, cell.labels

    def values(cells: list[Any]) -> list[float]:
        found: list[float] = []
        for cell in cells:
            found += [(cell.quantiles or {}).get(quantile, STALE) for quantile in quantiles]
            found += cell.sum, cell.count
        return found

    key = _labels if not quantiles else lambda cell: (cell.labels, *quantiles)
    return Columns(len(quantiles) + 2, key, identities, values)


def _info(family: Info) -> Columns:
    def identities(cell: Any) -> Iterator[Identity]:  # noqa: ANN401 - as above
        facts = cell.value or {}
        yield family.name, (*family.label_names, *facts), (*cell.labels, *facts.values())

    def key(cell: Any) -> object:  # noqa: ANN401 - as above
        return (cell.labels, *(cell.value or {}).items())

    def values(cells: list[Any]) -> list[float]:
        return [STALE if cell.value is None else 1.0 for cell in cells]

    return Columns(1, key, identities, values, changing=True)


def _states(family: StateSet) -> Columns:
    names, states = (*family.label_names, family.name), family.states
    return Columns(
        len(states),
        _labels,
        lambda cell: ((family.name, names, (*cell.labels, state)) for state in states),
        lambda cells: [float(state in cell.value) for cell in cells for state in states],
    )
