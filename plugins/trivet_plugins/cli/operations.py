"""`operations`: what a service spends its time on, by its exposition: ``kernel.metrics.timed`` and `MetricsMiddleware`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from trivet.openmetrics.sample import ParsedFamily, Sample

HTTP: Final = "http_server_request_duration_seconds"
_OUTCOMES: Final = frozenset({"outcome", "error_type", "http_response_status_code", "le"})
"""Labels that say how an operation ended, not which one it is."""

_Key = tuple[str, tuple[tuple[str, str], ...]]


@attrs.define
class Operation:
    """An operation with all its outcomes.

    Args:
        name: Of the timer, or the method and route of a request.
        labels: Further labels of the timer.
        errors: Calls that ended in an error; cancelled ones are none.
        seconds: All of them together.
        buckets: Calls that took up to so many seconds, by the bound; the last is infinite.
        in_flight: Running now; None where nobody says.
        slowest: Seconds of the slowest call that has a trace.
        trace_id: Of that one, empty where there is none.
    """

    name: str
    labels: Mapping[str, str]
    errors: float = 0
    seconds: float = 0
    buckets: dict[float, float] = attrs.field(factory=dict)
    in_flight: float | None = None
    slowest: float = 0
    trace_id: str = ""

    @property
    def count(self) -> float:
        """All calls."""
        return self.buckets.get(math.inf, 0)

    def quantile(self, share: float) -> float:
        """Return the seconds that a share of the calls took at most, as PromQL's ``histogram_quantile`` does.

        Within a bucket the calls are taken to be spread evenly, so this is as exact as the buckets are narrow. NaN without calls;
        the highest bound where it lies above that.
        """
        rank, bounds = share * self.count, sorted(self.buckets)
        if not self.count:
            return math.nan
        for low, high in pairwise([0.0, *bounds]):
            before, here = self.buckets.get(low, 0.0), self.buckets[high]
            if here >= rank:
                if high == math.inf:
                    return low
                return low if here == before else low + (high - low) * (rank - before) / (here - before)
        return math.nan

    @property
    def highest_bound(self) -> float:
        """The highest bound that is finite: no quantile is seen to lie above it."""
        return max((bound for bound in self.buckets if bound < math.inf), default=0.0)


def operations(families: Iterable[ParsedFamily], *, before: Iterable[ParsedFamily] = ()) -> list[Operation]:
    """Return all operations of an exposition, those that took most time together first.

    Args:
        families: The exposition.
        before: An earlier one, whose figures are subtracted: what is left is of the time between.
    """
    found = _read(families)
    for key, earlier in _read(before).items():
        if key in found and earlier.count <= found[key].count:  # else it was restarted: all of it is new
            _subtract(found[key], earlier)
    return sorted(found.values(), key=lambda one: one.seconds, reverse=True)


def _subtract(operation: Operation, earlier: Operation) -> None:
    operation.errors -= earlier.errors
    operation.seconds -= earlier.seconds
    operation.buckets = {bound: count - earlier.buckets.get(bound, 0) for bound, count in operation.buckets.items()}


def _read(families: Iterable[ParsedFamily]) -> dict[_Key, Operation]:
    every = list(families)
    found: dict[_Key, Operation] = {}
    for family in every:
        if family.kind == "histogram" and family.name.endswith("_seconds") and _is_timed(family):
            for sample in family.samples:
                _add(found.setdefault(_key(family.name, sample), _operation(family.name, sample)), family.name, sample)
    gauges = {family.name: family for family in every if family.kind == "gauge" and family.name.endswith("_in_flight")}
    for family in gauges.values():
        for sample in family.samples:
            operation = found.get(_key(f"{family.name.removesuffix('_in_flight')}_seconds", sample))
            if operation is not None:
                operation.in_flight = sample.value
    return found


def _is_timed(family: ParsedFamily) -> bool:
    return family.name == HTTP or any("outcome" in sample.labels for sample in family.samples)


def _key(name: str, sample: Sample) -> _Key:
    return name, tuple(sorted((label, value) for label, value in sample.labels.items() if label not in _OUTCOMES))


def _operation(name: str, sample: Sample) -> Operation:
    labels = {label: value for label, value in sample.labels.items() if label not in _OUTCOMES}
    if name != HTTP:
        return Operation(name.removesuffix("_seconds"), labels)
    method, route = labels.pop("http_request_method", ""), labels.pop("http_route", "")
    return Operation(f"{method} {route}", labels)


def _add(operation: Operation, name: str, sample: Sample) -> None:
    suffix = sample.name.removeprefix(name)
    if suffix == "_sum":
        operation.seconds += sample.value
    elif suffix == "_count":
        failed = sample.labels.get("outcome") == "error" or sample.labels.get("error_type")
        operation.errors += sample.value if failed else 0
    elif suffix == "_bucket":
        bound = float(sample.labels.get("le", "inf"))
        operation.buckets[bound] = operation.buckets.get(bound, 0) + sample.value
        exemplar = sample.exemplar
        if exemplar is not None and exemplar.value >= operation.slowest and "trace_id" in exemplar.labels:
            operation.slowest, operation.trace_id = exemplar.value, exemplar.labels["trace_id"]


def start_of(families: Sequence[ParsedFamily]) -> float | None:
    """Return when the service's process started, in seconds since the epoch, if it says so."""
    starts = [one.samples for one in families if one.name == "process_start_time_seconds"]
    return min((sample.value for samples in starts for sample in samples), default=None)
