"""`MetricHistory`: what metrics were, second by second: the contract between those who record and those who ask."""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol, runtime_checkable

import attrs

_STALE_BITS: Final = struct.pack("<Q", 0x7FF0000000000002)
STALE: Final[float] = struct.unpack("<d", _STALE_BITS)[0]
"""The value of a series at the moment it was first absent: a NaN of its own, as Prometheus has it."""

MAX_PATTERN: Final = 1_000
"""The longest pattern of a matcher, in characters."""


def is_stale(value: float) -> bool:
    """Tell `STALE` from every number, and from NaN."""
    return value != value and struct.pack("<d", value) == _STALE_BITS  # noqa: PLR0124 - the fast test for NaN


@attrs.define(eq=False)
class MetricSeries:
    """A series as Prometheus has it: a histogram is one per bucket (``x_bucket``, label ``le``), ``x_sum`` and ``x_count``.

    A history gives the same object for a series as long as it knows it.

    Args:
        name: Of its samples.
        kind: Of its family: ``counter``, ``gauge``, ``histogram``, ``summary``, ``info`` or ``stateset``.
        label_names: Without the name.
        label_values: In their order.
    """

    name: str
    kind: str
    label_names: tuple[str, ...]
    label_values: tuple[str, ...]

    @property
    def labels(self) -> dict[str, str]:
        """Its labels, without its name."""
        return dict(zip(self.label_names, self.label_values, strict=True))


def _compiled(matcher: Matcher) -> re.Pattern[str] | None:
    if matcher.op not in ("=~", "!~"):
        return None
    if len(matcher.value) > MAX_PATTERN:
        raise ValueError(f"a pattern has at most {MAX_PATTERN:,} characters, this has {len(matcher.value):,}")
    try:
        return re.compile(matcher.value, re.DOTALL)
    except re.error as exc:
        raise ValueError(f"{matcher.value!r} is no regular expression: {exc}") from None


@attrs.frozen
class Matcher:
    """A condition on a label; on the name of a series as the label ``__name__``. A label that is not there has an empty value.

    Args:
        name: Of the label.
        op: As in PromQL. Patterns fit whole values; they are Python's, so let no stranger write them.
        value: The value or pattern.

    Raises:
        ValueError: if the pattern is none, or too long.
    """

    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str
    _pattern: re.Pattern[str] | None = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_compiled, takes_self=True)
    )

    def fits(self, series: MetricSeries) -> bool:
        """Tell whether a series meets the condition."""
        if self.name == "__name__":
            value = series.name
        elif self.name in series.label_names:
            value = series.label_values[series.label_names.index(self.name)]
        else:
            value = ""
        same = value == self.value if self._pattern is None else self._pattern.fullmatch(value) is not None
        return same is not self.op.startswith("!")


@attrs.frozen
class Samples:
    """What a series was at some times.

    Args:
        times: Seconds since the epoch, rising.
        values: As many. `STALE` at the time when the series was first absent; while it is absent there are none.
    """

    times: array[float]
    values: array[float]


@attrs.frozen
class SampleTable:
    """What several series were at the same times.

    Args:
        times: Seconds since the epoch, rising: all at which anything was recorded.
        columns: For each series, in the order of the question, as many values as times; `STALE` wherever it was absent.
    """

    times: array[float]
    columns: Sequence[array[float]]


@attrs.frozen
class Extremes:
    """Between which values a series was, in the time since the sample before.

    Args:
        times: Seconds since the epoch, rising.
        lows: The lowest values.
        highs: The highest values.
    """

    times: array[float]
    lows: array[float]
    highs: array[float]


@runtime_checkable
class MetricHistory(Protocol):
    """The recent past of `kernel.metrics`: ``kernel.service(MetricHistory)``. Every method may be called from any thread.

    Times are seconds since the epoch that never go back; `now` is the present in them, which may be ahead of `time.time` where
    the machine's clock was set back.
    """

    def now(self) -> float:
        """Return the present time, in which samples are told apart."""
        ...

    def series(self) -> Sequence[MetricSeries]:
        """Return all series that there are samples of."""
        ...

    def select(self, matchers: Iterable[Matcher]) -> Sequence[MetricSeries]:
        """Return the series that meet all conditions. Being selected counts as being queried, which keeps a series longer."""
        ...

    def samples(self, series: MetricSeries, start: float, end: float) -> Samples:
        """Return the samples from ``start`` to ``end``, both included, each at the finest resolution that is left of its time.

        Args:
            series: One that this history has given; of one that it has forgotten there are no samples.
            start: Seconds since the epoch.
            end: Seconds since the epoch.
        """
        ...

    def table(self, series: Sequence[MetricSeries], start: float, end: float) -> SampleTable:
        """Return what several series were from ``start`` to ``end``, both included, for less work than `samples` of each.

        Args:
            series: As for `samples`.
            start: Seconds since the epoch.
            end: Seconds since the epoch.
        """
        ...

    def extremes(self, series: MetricSeries, start: float, end: float) -> Extremes:
        """Return the lowest and highest values from ``start`` to ``end``; of all but gauges these are the samples' own."""
        ...

    def help(self) -> Mapping[str, tuple[str, str]]:
        """Return kind and help of every family that is recorded, by name."""
        ...
