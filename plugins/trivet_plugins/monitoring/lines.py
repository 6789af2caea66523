"""`Lines`: write blocks of series of one family; which way is best depends on its kind and on the dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from trivet.metrics.counter import Counter
from trivet.metrics.gauge import Gauge
from trivet.metrics.histogram import Histogram
from trivet.metrics.info import Info
from trivet.metrics.stateset import StateSet
from trivet.metrics.summary import Summary
from trivet_plugins.monitoring.dialect import Dialect, number
from trivet_plugins.monitoring.histogram_lines import HistogramLines

if TYPE_CHECKING:
    from trivet.metrics.counter import CounterCell
    from trivet.metrics.families import AnyFamily

Write = Callable[[list[Any]], str]


@attrs.frozen
class Lines:
    """How the series of a family are written.

    Args:
        each: Lines per series, about.
        write: Writes a block of series.
    """

    each: int
    write: Write


def lines_of(family: AnyFamily, dialect: Dialect) -> Lines | None:
    """Return how to write a family; None for a kind that is not known."""
    if family.kind not in _KINDS:
        return None
    lines = _lines(family, dialect)
    if not (dialect.openmetrics and dialect.created) or isinstance(family, Gauge | Info | StateSet):
        return lines
    born = _created(family, dialect)
    # OpenMetrics wants all samples of one series together.
    return Lines(lines.each + 1, lambda block: "".join(lines.write([cell]) + born(cell) for cell in block))


_KINDS = frozenset({"counter", "gauge", "histogram", "info", "stateset", "summary"})


def _lines(family: AnyFamily, dialect: Dialect) -> Lines:
    match family:
        case Counter() | Gauge():
            return _values(family, dialect)
        case Histogram():
            histogram = HistogramLines(family, dialect)
            return Lines(histogram.each, histogram.write_exemplars if dialect.openmetrics else histogram.write)
        case Summary():
            return _summaries(family, dialect)
        case Info():
            return _infos(family, dialect)
        case StateSet():
            return _states(family, dialect)


def _values(family: Counter | Gauge, dialect: Dialect) -> Lines:
    start, end = dialect.line_start(*dialect.parts(family), braces=bool(family.label_names))
    kept, text_of = dialect.keeps_text(family), dialect.labels_of(family)

    def write(block: list[Any]) -> str:
        return "".join(
            [
                # value - value is 0 for all finite numbers, which Prometheus reads as Python writes them.
                f"{start}{(kept and cell.text) or text_of(cell)}{end} {value!r}\n"
                if (value := cell.value) - value == 0
                else f"{start}{text_of(cell)}{end} {number(value)}\n"
                for cell in block
            ]
        )

    def write_exemplars(block: list[CounterCell]) -> str:
        exemplar = dialect.exemplar
        return "".join(
            [
                f"{start}{(kept and cell.text) or text_of(cell)}{end} {number(cell.value)}"
                f"{'' if cell.exemplar is None else exemplar(cell.exemplar)}\n"
                for cell in block
            ]
        )

    return Lines(1, write_exemplars if isinstance(family, Counter) and dialect.openmetrics else write)


def _summaries(family: Summary, dialect: Dialect) -> Lines:
    labelled, text_of = bool(family.label_names), dialect.labels_of(family)
    count, count_end = dialect.line_start(family.name, "_count", braces=labelled)
    total, total_end = dialect.line_start(family.name, "_sum", braces=labelled)

    start, end = dialect.line_start(family.name, "", braces=True)

    def write(block: list[Any]) -> str:
        lines: list[str] = []
        for cell in block:
            text = text_of(cell)
            for quantile, value in (cell.quantiles or {}).items():
                labels = ",".join(filter(None, (text, f'quantile="{number(quantile)}"')))
                lines.append(f"{start}{labels}{end} {number(value)}\n")
            lines.append(f"{total}{text}{total_end} {number(cell.sum)}\n{count}{text}{count_end} {cell.count}\n")
        return "".join(lines)

    return Lines(2, write)


def _infos(family: Info, dialect: Dialect) -> Lines:
    text_of = dialect.labels_of(family)

    def line(cell: Any) -> str:  # noqa: ANN401 - a cell of the family
        facts = [dialect.label(name, value) for name, value in cell.value.items()]
        labels = ",".join(filter(None, (text_of(cell), *facts)))
        start, end = dialect.line_start(*dialect.parts(family), braces=bool(labels))
        return f"{start}{labels}{end} 1\n"

    return Lines(1, lambda block: "".join([line(cell) for cell in block if cell.value is not None]))


def _states(family: StateSet, dialect: Dialect) -> Lines:
    text_of = dialect.labels_of(family)
    start, end = dialect.line_start(family.name, "", braces=True)
    comma = "," if family.label_names else ""
    tails = [(state, f"{comma}{dialect.label(family.name, state)}{end}") for state in family.states]

    def write(block: list[Any]) -> str:
        return "".join(
            [f"{start}{text_of(cell)}{tail} {int(state in cell.value)}\n" for cell in block for state, tail in tails]
        )

    return Lines(len(tails), write)


def _created(family: AnyFamily, dialect: Dialect) -> Callable[[Any], str]:
    text_of = dialect.labels_of(family)
    start, end = dialect.line_start(dialect.parts(family)[0], "_created", braces=bool(family.label_names))
    return lambda cell: f"{start}{text_of(cell)}{end} {cell.created:.3f}\n"
