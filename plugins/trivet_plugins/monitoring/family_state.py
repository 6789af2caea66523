"""What families hold, as plain data that one process writes and another merges.

Counters, histograms and summaries of all processes add up. Of a gauge, ``all`` keeps one series per process, told apart by
the label ``pid``; ``sum``, ``min`` and ``max`` make one of them. A state holds where it holds in any process; of infos the
first counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from trivet.metrics.counter import Counter
from trivet.metrics.family import Description
from trivet.metrics.gauge import Gauge
from trivet.metrics.histogram import Histogram
from trivet.metrics.info import Info
from trivet.metrics.labels import LabelValues
from trivet.metrics.stateset import StateSet
from trivet.metrics.summary import Summary

if TYPE_CHECKING:
    from trivet.metrics.families import AnyFamily

State = list[dict[str, Any]]
"""A family each, as JSON can hold it."""

GAUGES: Final = ("all", "sum", "min", "max")
LASTING: Final = frozenset({"counter", "histogram", "summary"})
"""What a process leaves behind when it ends; the rest is of the living."""

_UNLIMITED: Final = 2**62


def dump(families: Iterable[AnyFamily]) -> State:
    """Return what families hold."""
    return [_dump(family) for family in families]


def _dump(family: AnyFamily) -> dict[str, Any]:
    extra: dict[str, object] = {"bounds": family.bounds} if isinstance(family, Histogram) else {}
    extra |= {"states": family.states} if isinstance(family, StateSet) else {}
    return {
        "kind": family.kind,
        "name": family.name,
        "help": family.help,
        "labels": family.label_names,
        "unit": family.unit,
        "cells": [(cell.labels, _held(cell), cell.created) for cell in family.cells()],
        **extra,
    }


def _held(cell: Any) -> Any:  # noqa: ANN401 - what a cell of any kind holds
    if hasattr(cell, "counts"):
        return (list(cell.counts), cell.sum)
    if hasattr(cell, "count"):
        return (cell.count, cell.sum)
    held = cell.value
    return dict(held) if isinstance(held, Mapping) else sorted(held) if isinstance(held, frozenset) else held


class Merge:
    """Puts the states of processes together.

    Args:
        gauges: How to merge gauges, by name.
        default: How to merge the others.
    """

    def __init__(self, gauges: Mapping[str, str], default: str) -> None:
        self._gauges = gauges
        self._default = default
        self._families: dict[str, AnyFamily] = {}
        self._seen: set[tuple[str, LabelValues]] = set()

    def add(self, state: State, pid: str) -> None:
        """Add what a process holds; what does not fit what another one holds under that name is left out."""
        for held in state:
            family = self._family(held)
            if family is None:
                continue
            for labels, value, created in held["cells"]:
                key = (*labels, pid) if self._by_pid(held) else tuple(labels)
                cell: Any = family[key]
                first = (family.name, key) not in self._seen
                self._seen.add((family.name, key))
                cell.created = created if first else min(created, cell.created)
                self._put(family, cell, value, first=first)

    def families(self) -> tuple[AnyFamily, ...]:
        """Return what all hold together."""
        return tuple(self._families.values())

    def _family(self, held: dict[str, Any]) -> AnyFamily | None:
        names = tuple(held["labels"])
        if self._by_pid(held):
            names = (*names, "worker_pid" if "pid" in names else "pid")
        known = self._families.get(held["name"])
        if known is None:
            known = self._families[held["name"]] = _make(held, names)
        same = known.kind == held["kind"] and known.label_names == names
        bounds = not isinstance(known, Histogram) or known.bounds == tuple(held["bounds"])
        return known if same and bounds else None

    def _by_pid(self, held: dict[str, Any]) -> bool:
        return held["kind"] == "gauge" and self._mode(held["name"]) == "all"

    def _mode(self, name: str) -> str:
        return self._gauges.get(name, self._default)

    def _put(self, family: AnyFamily, cell: Any, value: Any, *, first: bool) -> None:  # noqa: ANN401 - a cell of any kind
        match family:
            case Histogram():
                cell.counts = [mine + other for mine, other in zip(cell.counts, value[0], strict=True)]
                cell.sum += value[1]
            case Summary():
                cell.count += value[0]
                cell.sum += value[1]
            case Counter():
                cell.value += value
            case Gauge():
                cell.value = value if first else _merged(self._mode(family.name), cell.value, value)
            case StateSet():
                cell.value |= frozenset(value)
            case Info():
                cell.value = value if cell.value is None else cell.value


def _merged(mode: str, mine: float, other: float) -> float:
    return min(mine, other) if mode == "min" else max(mine, other) if mode == "max" else mine + other


def _make(held: dict[str, Any], names: tuple[str, ...]) -> AnyFamily:
    described = Description(
        name=held["name"],
        help=held["help"],
        label_names=names,
        unit=held["unit"],
        limit=_UNLIMITED,
        on_overflow=_ignore,
    )
    match held["kind"]:
        case "counter":
            return Counter(described)
        case "gauge":
            return Gauge(described, on_error=_ignore)
        case "histogram":
            return Histogram(described, bounds=tuple(held["bounds"]))
        case "summary":
            return Summary(described)
        case "info":
            return Info(described, utf8=True)
        case _:
            return StateSet(described, states=tuple(held["states"]))


def _ignore(*_arguments: object) -> None:
    """Be told, and do nothing."""
