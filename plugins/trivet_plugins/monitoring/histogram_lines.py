"""`HistogramLines`: write histograms by filling a template of a whole block in one go."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from trivet_plugins.monitoring.dialect import Dialect, bound_text, number

if TYPE_CHECKING:
    from trivet.metrics.histogram import Histogram, HistogramCell


class HistogramLines:
    """The lines of a family of histograms; in every one the label text comes first, then a number.

    Args:
        family: The histograms.
        dialect: The format.
    """

    def __init__(self, family: Histogram, dialect: Dialect) -> None:
        self._dialect = dialect
        self._kept = dialect.keeps_text(family)
        self._text_of = dialect.labels_of(family)
        slot = "%s," if family.label_names else "%s"
        start, end = map(_raw, dialect.line_start(family.name, "_bucket", braces=True))
        bounds = (*family.bounds, math.inf)
        buckets = [f'{start}{slot}le="{bound_text(bound)}"{end} %d\n' for bound in bounds]
        # OpenMetrics: with buckets for values below zero the sum is no counter, and must be left out, and the count with it.
        self._complete = not (dialect.openmetrics and bounds[0] < 0)
        ends = [self._end(family, "sum", "%s"), self._end(family, "count", "%d")] if self._complete else []
        self._lines = [*buckets, *ends]
        self._template = "".join(self._lines)
        self._size = 2 * len(bounds)
        self.each: Final = len(self._lines)

    def write(self, block: list[HistogramCell]) -> str:
        """Write some series."""
        if not self._complete:
            return self._template * len(block) % tuple([one for cell in block for one in self._arguments(cell)])
        # As `_arguments`, without the price of a call: most of a scrape is spent here.
        kept, text_of, size, width = self._kept, self._text_of, self._size, 2 * self.each
        arguments: list[object] = []
        for cell in block:
            series: list[object] = [(kept and cell.text) or text_of(cell)] * width
            series[1:size:2] = counts = [*accumulate(cell.counts)]
            series[size + 1] = total if (total := cell.sum) - total == 0 else number(total)
            series[size + 3] = counts[-1]
            arguments += series
        return self._template * len(block) % (*arguments,)

    def write_exemplars(self, block: list[HistogramCell]) -> str:
        """Write some series with their exemplars."""
        if not any(cell.exemplars or cell.sum < 0 for cell in block):
            return self.write(block)
        return "".join([self._write_one(cell) for cell in block])

    def _write_one(self, cell: HistogramCell) -> str:
        arguments = self._arguments(cell)
        pairs = zip(arguments[::2], arguments[1::2], strict=True)
        written = [line % pair for line, pair in zip(self._lines, pairs, strict=True)]
        for index, exemplar in list((cell.exemplars or {}).items()):
            written[index] = f"{written[index][:-1]}{self._dialect.exemplar(exemplar)}\n"
        # A sum below zero: there were such values, though no bucket is for them.
        return "".join(written[: len(cell.bounds) + 1] if cell.sum < 0 else written)

    def _arguments(self, cell: HistogramCell) -> list[object]:
        size = self._size
        series: list[object] = [(self._kept and cell.text) or self._text_of(cell)] * (2 * self.each)
        series[1:size:2] = counts = list(accumulate(cell.counts))
        if self._complete:
            series[size + 1] = total if (total := cell.sum) - total == 0 else number(total)
            series[size + 3] = counts[-1]
        return series

    def _end(self, family: Histogram, suffix: str, value: str) -> str:
        start, end = map(_raw, self._dialect.line_start(family.name, f"_{suffix}", braces=bool(family.label_names)))
        return f"{start}%s{end} {value}\n"


def _raw(text: str) -> str:
    """Return text as it stands in a template."""
    return text.replace("%", "%%")
