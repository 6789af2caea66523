"""`Generation`: some minutes of all series, packed; and how fine ones are folded into one that is coarser."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from trivet.metrics.history import STALE
from trivet_plugins.monitoring.history.payload import WIDTH, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from trivet_plugins.monitoring.history.breath import Breath
    from trivet_plugins.monitoring.history.hot import Hot
    from trivet_plugins.monitoring.history.shelf import Series

ENTRY_BYTES: Final = 150
"""What a payload takes besides its bytes: itself as an object, and its place in the table."""

_ABSENT: Final = array("d", [STALE])
_NEVER: Final = _ABSENT.tobytes()


@attrs.define(eq=False)
class Generation:
    """The payloads of some series at the same times.

    Args:
        step: Seconds that a sample stands for; 0 where it is one tick.
        times: Seconds since the epoch, rising.
        payloads: By series. That of a gauge has all values, then all lows, then all highs, where a sample stands for more ticks.
        size: Bytes that all takes, about.
    """

    step: float
    times: array[float]
    payloads: dict[Series, bytes] = attrs.field(factory=dict)
    size: int = 0

    def tracks(self, series: Series) -> int:
        """Return how many values a sample of this series has here."""
        return 3 if self.step and series.kind == "gauge" else 1

    def put(self, series: Series, payload: bytes) -> None:
        """Add a payload, unless the series is absent all the time."""
        if payload == _NEVER:
            return
        self.payloads[series] = payload
        self.size += ENTRY_BYTES + len(payload)
        series.held += 1

    def take_out(self, series: Series) -> None:
        """Remove a payload, if there is one."""
        payload = self.payloads.pop(series, None)
        if payload is not None:
            self.size -= ENTRY_BYTES + len(payload)
            series.held -= 1

    def values(self, series: Series) -> array[float] | None:
        """Return all values of a series, lows and highs too; None where it has none."""
        payload = self.payloads.get(series)
        return None if payload is None else decode(payload, self.tracks(series) * len(self.times))


async def sealed(hot: Hot, breath: Breath) -> Generation:
    """Pack the rows of a block."""
    made = Generation(0.0, hot.times)
    same: dict[bytes, bytes] = {}  # most series that stand still are 0 or 1
    for some, columns in hot.turned():
        for series, values in zip(some, columns, strict=True):
            payload = encode(values)
            made.put(series, same.setdefault(payload, payload) if len(payload) == WIDTH else payload)
            await breath.take()
    return made


async def folded(fine: Sequence[Generation], step: float, breath: Breath) -> Generation:
    """Make one generation of several.

    Args:
        fine: In the order of their times.
        step: Seconds that a sample is to stand for.
        breath: Taken between series.
    """
    times = array("d", [time for one in fine for time in one.times])
    slots = [int(time // step) for time in times]
    borders = [0, *(at for at, (one, other) in enumerate(pairwise(slots), 1) if one != other), len(times)]
    made = Generation(step, array("d", [times[end - 1] for end in borders[1:]]))
    every: dict[Series, None] = {}
    for one in fine:
        every |= dict.fromkeys(one.payloads)
        await breath.take()
    for series in every:
        made.put(series, _folded(fine, series, borders))
        await breath.take()
    return made


def _folded(fine: Sequence[Generation], series: Series, borders: list[int]) -> bytes:
    payloads = {one.payloads.get(series) for one in fine}
    first = next(iter(payloads))
    if len(payloads) == 1 and first is not None and len(first) == WIDTH:
        return first  # it stood still
    values, lows, highs = array("d"), array("d"), array("d")
    for one in fine:
        count = len(one.times)
        found = one.values(series)
        found = _ABSENT * count if found is None else found
        values += found[:count]
        lows += found[-2 * count : -count] or found
        highs += found[-count:]
    packed = array("d", [values[end - 1] for end in borders[1:]])
    if series.kind == "gauge":
        packed.extend(_extremes(lows, borders, min))
        packed.extend(_extremes(highs, borders, max))
    return encode(packed)


def _extremes(values: array[float], borders: list[int], choose: Callable[[Iterable[float]], float]) -> Iterator[float]:
    for start, end in pairwise(borders):
        some: Iterable[float] = values[start:end]
        if (total := sum(some)) != total:
            some = [value for value in some if value == value] or [values[end - 1]]  # noqa: PLR0124 - as above
        yield choose(some)
