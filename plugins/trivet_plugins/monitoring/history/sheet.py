"""`Sheet`: the newest values of one family, a row per tick and a column per series."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, Final

from trivet.metrics.history import STALE
from trivet_plugins.monitoring.history.columns import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trivet.metrics.families import AnyFamily
    from trivet_plugins.monitoring.history.breath import Breath
    from trivet_plugins.monitoring.history.columns import Columns
    from trivet_plugins.monitoring.history.shelf import Series, Shelf

CHUNK: Final = 1_000
"""Values read at a stretch: a fraction of a millisecond."""
TURNED: Final = 4_000
"""Values of several ticks that are put in another order at a stretch."""
_SPARSE: Final = 8
"""Columns that lie so much farther apart than those that are asked for are read one by one."""
BIRTHS: Final = 100
"""Series that are born, or found again, at a stretch."""

_ABSENT: Final = array("d", [STALE])
_NO_ROW: Final = array("d")
_REFUSED: Final = -1


class Sheet:
    """Columns are added as series are born, and stay for as long as this sheet; a row may be shorter than later ones.

    Args:
        shelf: Where series are known.
        before: Ticks that there were before the family.
    """

    def __init__(self, shelf: Shelf, before: int) -> None:
        self.rows: Final[list[array[float]]] = [_NO_ROW] * before
        self.index: Final[dict[Series, int]] = {}
        self.refused = 0
        self._shelf = shelf
        self._family: AnyFamily | None = None
        self._columns: Columns | None = None
        self._width = 0
        self._places: dict[object, int] = {}
        self._cells: list[Any] = []
        self._spots: list[int] = []
        self._straight = True

    @property
    def gone(self) -> int:
        """Series with a column here that were not there at the last tick."""
        if self._straight or self._columns is None:
            return 0
        return self._width - self._columns.width * (len(self._spots) - self._spots.count(_REFUSED))

    async def read(self, family: AnyFamily, breath: Breath) -> array[float]:
        """Return a row of present values.

        Args:
            family: Whose; another object of that name where it is made anew for every scrape.
            breath: Taken between chunks.
        """
        if family is not self._family:
            self._family, self._columns, self._cells = family, columns_of(family), []
        columns = self._columns
        if columns is None:
            return _NO_ROW
        cells: list[Any] = list(family.cells())
        if columns.changing or cells != self._cells:
            await self._lay_out(cells, columns, breath)
        values = array("d")
        for start in range(0, len(cells), step := max(1, CHUNK // columns.width)):
            _extend(values, columns.values(cells[start : start + step]))
            await breath.take()
        return values if self._straight else await self._scattered(values, columns.width, breath)

    async def _lay_out(self, cells: list[Any], columns: Columns, breath: Breath) -> None:
        places, spots, straight = self._places, [], True
        rest = max(1, BIRTHS // columns.width)
        for number, cell in enumerate(cells):
            key = columns.key(cell)
            spot = places.get(key)
            if spot is None:
                spot = self._add(key, cell, columns)
            straight = straight and spot == number * columns.width
            spots.append(spot)
            if number % rest == 0:
                await breath.take()
        self._cells, self._spots = cells, spots
        self._straight = straight and len(cells) * columns.width == self._width

    def _add(self, key: object, cell: Any, columns: Columns) -> int:  # noqa: ANN401 - a cell of the family
        kind, family = self._family.kind, self._family.name  # type: ignore[union-attr]  # there is one by now
        found = [self._shelf.take(identity, kind, family) for identity in columns.identities(cell)]
        series = [one for one in found if one is not None]
        if len(series) < len(found):
            self.refused += len(found)
            self._places[key] = _REFUSED
            return _REFUSED
        spot = self._places[key] = self._width
        self.index.update(zip(series, range(spot, spot + len(series)), strict=True))
        self._width += len(series)
        return spot

    async def _scattered(self, values: array[float], width: int, breath: Breath) -> array[float]:
        row = _ABSENT * self._width
        for number, spot in enumerate(self._spots):
            if spot != _REFUSED:
                row[spot : spot + width] = values[number * width : (number + 1) * width]
            if number % CHUNK == 0:
                await breath.take()
        return row

    def commit(self, row: array[float] | None) -> None:
        """Add the row of a tick; None: the family is no more."""
        self.rows.append(_NO_ROW if row is None else row)

    def column(self, series: Series, count: int) -> array[float] | None:
        """Return the values of a series at the first ``count`` ticks; None where it has none."""
        spot = self.index.get(series)
        if spot is None:
            return None
        return array("d", [row[spot] if spot < len(row) else STALE for row in self.rows[:count]])

    def columns(self, some: Sequence[Series], first: int, last: int) -> list[array[float] | None]:
        """Return the values of some series at the ticks from ``first`` to before ``last``; None where one has none."""
        found: list[array[float] | None] = [None] * len(some)
        rows = self.rows[first:last]
        spots = sorted((spot, number) for number, one in enumerate(some) if (spot := self.index.get(one)) is not None)
        step = max(1, TURNED // max(1, len(rows)))
        for start in range(0, len(spots), step):
            chunk = spots[start : start + step]
            left, right = chunk[0][0], chunk[-1][0] + 1
            if right - left > _SPARSE * len(chunk):
                for spot, number in chunk:
                    found[number] = array("d", [row[spot] if spot < len(row) else STALE for row in rows])
                continue
            flat = _flat(rows, left, right)
            for spot, number in chunk:
                found[number] = flat[spot - left :: right - left]
        return found

    def turned(self) -> Iterator[tuple[Sequence[Series], list[array[float]]]]:
        """Yield some series at a time, each with its values at all ticks."""
        series = list(self.index)
        spots = list(self.index.values())
        step = max(1, TURNED // max(1, len(self.rows)))
        for start in range(0, len(series), step):
            first, last = spots[start], spots[min(start + step, len(series)) - 1] + 1
            flat = _flat(self.rows, first, last)
            columns = [flat[spot - first :: last - first] for spot in spots[start : start + step]]
            yield series[start : start + step], columns


def _flat(rows: Iterable[array[float]], first: int, last: int) -> array[float]:
    """Return some columns of rows, row after row."""
    width = last - first
    flat = array("d")
    for row in rows:
        piece = row[first:last]
        flat.extend(piece if len(piece) == width else piece + _ABSENT * (width - len(piece)))
    return flat


def _extend(values: array[float], more: list[float]) -> None:
    try:
        values.fromlist(more)  # all of them, or none
    except OverflowError:
        values.extend([_float(value) for value in more])


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an int that is larger than all floats
        return math.inf if value > 0 else -math.inf
