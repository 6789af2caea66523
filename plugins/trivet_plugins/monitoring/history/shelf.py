"""`Shelf`: all series that a history knows, by name and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from trivet import MetricSeries

if TYPE_CHECKING:
    from trivet_plugins.monitoring.history.columns import Identity

SERIES_BYTES: Final = 800
"""What a series costs before its first sample: itself, and its places in the tables of this shelf and of the hot rows."""


@attrs.define(eq=False)
class Series(MetricSeries):
    """A series, and what decides how long it is known.

    Args:
        family: The name of its family.
        queried: When it was selected last, as a count of selections.
        held: Sealed blocks that hold samples of it.
    """

    family: str
    queried: int = 0
    held: int = 0


class Shelf:
    """Makes each series once.

    Args:
        limit: The most series.
    """

    def __init__(self, limit: int) -> None:
        self.limit: Final = limit
        self.count = 0
        self._by_name: dict[str, dict[tuple[tuple[str, ...], tuple[str, ...]], Series]] = {}

    def take(self, identity: Identity, kind: str, family: str) -> Series | None:
        """Return the series of this identity; None where it is new and one too many."""
        name, names, values = identity
        labelled = self._by_name.get(name)
        found = labelled.get((names, values)) if labelled else None
        if found is not None or self.count >= self.limit:
            return found
        made = Series(name, kind, names, values, family)
        self._by_name.setdefault(name, {})[names, values] = made
        self.count += 1
        return made

    def forget(self, series: Series) -> None:
        """Forget a series that nothing holds samples of."""
        labelled = self._by_name.get(series.name, {})
        if labelled.pop((series.label_names, series.label_values), None) is not None:
            self.count -= 1
            if not labelled:
                del self._by_name[series.name]

    def all(self) -> list[Series]:
        """Return all series."""
        return [series for labelled in list(self._by_name.values()) for series in list(labelled.values())]

    def named(self, name: str) -> list[Series]:
        """Return the series of this name."""
        return list(self._by_name.get(name, {}).values())

    def knows(self, series: MetricSeries) -> bool:
        """Tell whether this very series is one of these."""
        labelled = self._by_name.get(series.name, {})
        return labelled.get((series.label_names, series.label_values)) is series
