"""`Hot`: the newest ticks of all families, not packed yet."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from trivet_plugins.monitoring.history.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trivet_plugins.monitoring.history.shelf import Series, Shelf

ROW_BYTES = 72
"""What a row takes besides its values."""


class Hot:
    """Sheets by the names of their families, with the times of their rows.

    Threads may read while the event loop writes: ``times`` grows last.
    """

    def __init__(self) -> None:
        self.times: array[float] = array("d")
        self.sheets: dict[str, Sheet] = {}
        self.size = 0

    @property
    def gone(self) -> int:
        """Series with a column here that were not there at the last tick."""
        return sum(sheet.gone for sheet in self.sheets.values())

    def sheet(self, name: str, shelf: Shelf) -> Sheet:
        """Return the sheet of a family, which may be a new one."""
        found = self.sheets.get(name)
        if found is None:
            found = self.sheets[name] = Sheet(shelf, len(self.times))
        return found

    def commit(self, time: float, rows: Mapping[str, array[float]]) -> None:
        """Add a tick."""
        for name, sheet in self.sheets.items():
            row = rows.get(name)
            sheet.commit(row)
            self.size += 8 if row is None else 8 * len(row) + ROW_BYTES
        self.times.append(time)

    def series(self) -> Iterator[Series]:
        """Yield all series with a column here."""
        for sheet in self.sheets.values():
            yield from sheet.index

    def holds(self, series: Series) -> bool:
        """Tell whether a series has a column here."""
        sheet = self.sheets.get(series.family)
        return sheet is not None and series in sheet.index

    def values(self, series: Series, count: int) -> array[float] | None:
        """Return the values of a series at the first ``count`` ticks; None where it has none."""
        sheet = self.sheets.get(series.family)
        return None if sheet is None else sheet.column(series, count)

    def columns(self, series: Sequence[Series | None], first: int, last: int) -> list[array[float] | None]:
        """Return the values of some series at the ticks from ``first`` to before ``last``; None where one has none."""
        found: list[array[float] | None] = [None] * len(series)
        asked: dict[str, list[tuple[int, Series]]] = {}
        for number, one in enumerate(series):
            if one is not None:
                asked.setdefault(one.family, []).append((number, one))
        for name, some in asked.items():
            sheet = self.sheets.get(name)
            if sheet is not None:
                columns = sheet.columns([one for _, one in some], first, last)
                for (number, _), column in zip(some, columns, strict=True):
                    found[number] = column
        return found

    def turned(self) -> Iterator[tuple[Sequence[Series], list[array[float]]]]:
        """Yield some series at a time, each with its values at all ticks."""
        for sheet in self.sheets.values():
            yield from sheet.turned()
