"""Exact sums, means, deviations and quantiles, with what IEEE 754 says of infinities and NaN."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import attrs


def total(values: Sequence[float]) -> float:
    """Return the sum, rounded once."""
    try:
        return math.fsum(values)
    except ValueError:  # infinities of both signs
        return math.nan
    except OverflowError:
        return sum(values)


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean of one value or more, even where their sum is too large for a float."""
    count = len(values)
    try:
        return math.fsum(values) / count
    except ValueError:
        return math.nan
    except OverflowError:
        return total([value / count for value in values])


def variance(values: Sequence[float]) -> float:
    """Return the population variance of one value or more; exactly 0 where all are the same."""
    origin = values[0]
    distances = [value - origin for value in values]
    middle = mean(distances)
    return mean([_square(distance - middle) for distance in distances])


def deviation(values: Sequence[float]) -> float:
    """Return the population standard deviation of one value or more."""
    return math.sqrt(variance(values))


def _square(value: float) -> float:
    return value * value


def quantile(rank: float, values: Sequence[float]) -> float:
    """Return a quantile, interpolated, NaN being the least value.

    Args:
        rank: 0 to 1; below it is -Inf, above +Inf.
        values: In any order.
    """
    if not values or math.isnan(rank):
        return math.nan
    if rank < 0 or rank > 1:
        return math.copysign(math.inf, rank)
    ordered = sorted(values)
    if math.isnan(sum(ordered)):
        ordered = sorted(values, key=lambda value: -math.inf if math.isnan(value) else value)
        ordered.sort(key=math.isnan, reverse=True)
    place = rank * (len(ordered) - 1)
    lower = max(0, math.floor(place))
    upper = min(len(ordered) - 1, lower + 1)
    weight = place - math.floor(place)
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def greatest(values: Sequence[float]) -> float:
    """Return the greatest of one value or more; NaN only where there is no number."""
    found = max(values)  # a NaN is never greater, so it stays only where it is the first
    if math.isnan(found):
        return max((value for value in values if not math.isnan(value)), default=math.nan)
    return found


def least(values: Sequence[float]) -> float:
    """Return the least of one value or more; NaN only where there is no number."""
    found = min(values)
    if math.isnan(found):
        return min((value for value in values if not math.isnan(value)), default=math.nan)
    return found


@attrs.frozen(eq=False)
class Abscissa:
    """Times of samples, in seconds from an origin, and what a regression needs of them.

    Args:
        seconds: The times.
        sum: Their sum.
        squares: The sum of their squares.
    """

    seconds: Sequence[float]
    sum: float
    squares: float

    @classmethod
    def of(cls, times: Sequence[int], origin: int) -> Abscissa:
        """Make one of times in milliseconds."""
        seconds = [(time - origin) / 1000 for time in times]
        return cls(seconds, total(seconds), total([second * second for second in seconds]))


def line(times: Abscissa, values: Sequence[float]) -> tuple[float, float]:
    """Return slope per second, and value at the origin, of the line that fits best.

    Args:
        times: At least two.
        values: As many.
    """
    first = values[0]
    if all(map(first.__eq__, values)):
        return (math.nan, math.nan) if math.isinf(first) else (0.0, first)
    count = len(values)
    sum_y = total(values)
    covariance = total([*map(operator.mul, times.seconds, values)]) - times.sum * sum_y / count
    spread = times.squares - times.sum * times.sum / count
    if spread == 0:
        return math.nan, math.nan
    slope = covariance / spread
    return slope, sum_y / count - slope * times.sum / count
