"""The functions of dates: parts of a time in UTC, given in seconds since the epoch, of any year."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import attrs

DAY: Final = 86_400
_ERA: Final = 146_097
"""Days of 400 years, after which the calendar repeats itself."""
_MONTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@attrs.frozen
class Day:
    """A day of the proleptic Gregorian calendar.

    Args:
        number: Days since 1 January 1970.
        year: As written.
        month: 1 to 12.
        day: 1 to 31.
    """

    number: int
    year: int
    month: int
    day: int

    @property
    def leap(self) -> bool:
        """Whether its year has 366 days."""
        return self.year % 4 == 0 and (self.year % 100 != 0 or self.year % 400 == 0)


def _day(value: float) -> Day:
    """Return the day of a time: "chrono-Compatible Low-Level Date Algorithms", H. Hinnant, ``civil_from_days``."""
    number = int(value) // DAY
    era, day_of_era = divmod(number + 719_468, _ERA)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    rest = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * rest + 2) // 153  # 0 is March
    month = shifted + 3 if shifted < 10 else shifted - 9
    return Day(number, year_of_era + era * 400 + (month <= 2), month, rest - (153 * shifted + 2) // 5 + 1)


def _days_in_month(value: float) -> int:
    day = _day(value)
    return _MONTHS[day.month - 1] + (day.month == 2 and day.leap)


def _day_of_year(value: float) -> int:
    day = _day(value)
    return sum(_MONTHS[: day.month - 1]) + (day.month > 2 and day.leap) + day.day


def _dated(function: Callable[[float], int]) -> Callable[[float], float]:
    def of(value: float) -> float:
        return float(function(value)) if math.isfinite(value) else math.nan

    return of


DATE_FUNCTIONS: Final[dict[str, Callable[[float], float]]] = {
    "year": _dated(lambda value: _day(value).year),
    "month": _dated(lambda value: _day(value).month),
    "day_of_month": _dated(lambda value: _day(value).day),
    "day_of_week": _dated(lambda value: (int(value) // DAY + 4) % 7),
    "day_of_year": _dated(_day_of_year),
    "days_in_month": _dated(_days_in_month),
    "hour": _dated(lambda value: int(value) % DAY // 3_600),
    "minute": _dated(lambda value: int(value) % 3_600 // 60),
}
