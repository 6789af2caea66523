"""Write metrics in the Prometheus text format 0.0.4, in chunks.

Config: none. The web plugin serves it under ``/metrics``; in code::

    exposition = b"".join(kernel.metrics.exporters["prometheus"].encode(kernel.metrics.families()))

Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from trivet import Provider, hookimpl
from trivet.metrics.counter import Counter
from trivet.metrics.gauge import Gauge
from trivet.metrics.histogram import Histogram

if TYPE_CHECKING:
    from trivet import Composition, MetricExporter
    from trivet.metrics.histogram import HistogramCell
    from trivet.metrics.registry import AnyFamily

LINES: Final = 1000
"""Lines per chunk: about 0.3 ms of work."""

_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class PrometheusText:
    """The text format 0.0.4 that every Prometheus server reads."""

    media_type = "text/plain; version=0.0.4; charset=utf-8"

    def encode(self, families: Iterable[AnyFamily]) -> Iterator[bytes]:
        """Yield the exposition in chunks of about `LINES` lines; small families share one."""
        pending: list[str] = []
        lines = 0
        for family in families:
            pending.append(f"# HELP {family.name} {family.help.translate(_HELP_ESCAPES)}\n")
            pending.append(f"# TYPE {family.name} {family.kind}\n")
            each = len(family.bounds) + 3 if isinstance(family, Histogram) else 1
            lines += 2
            for series in _series(family, max(1, LINES // each)):
                pending += series
                lines += each * len(series)
                if lines >= LINES:
                    yield "".join(pending).encode()
                    pending, lines = [], 0
        if pending:
            yield "".join(pending).encode()


def _series(family: AnyFamily, step: int) -> Iterator[list[str]]:
    """Yield the texts of all series, ``step`` at a time."""
    if isinstance(family, Histogram):
        return _histograms(family, step)
    return _values(family, step)


def _values(family: Counter | Gauge, step: int) -> Iterator[list[str]]:
    name, text_of = family.name, family.text_of
    cells = family.cells()
    if not family.label_names:
        yield [f"{name} {number(cell.value)}\n" for cell in cells]
        return
    for start in range(0, len(cells), step):
        yield [
            # value - value is 0 for all finite numbers, which are written as Python does; text is kept from scrape to scrape.
            f"{name}{{{cell.text or text_of(cell)}}} {value if (value := cell.value) - value == 0 else number(value)}\n"
            for cell in cells[start : start + step]
        ]


def _histograms(family: Histogram, step: int) -> Iterator[list[str]]:
    write = _histogram_writer(family)
    cells = family.cells()
    for start in range(0, len(cells), step):
        yield [write(cell) for cell in cells[start : start + step]]


def _histogram_writer(family: Histogram) -> Callable[[HistogramCell], str]:
    """Return a function that writes one series by filling a template made once: the label text and a number in turn."""
    name, text_of = family.name, family.text_of
    slot, alone = ("%s,", "{%s}") if family.label_names else ("%s", "%s")
    buckets = [f'{name}_bucket{{{slot}le="{bound_text(bound)}"}} %d\n' for bound in (*family.bounds, math.inf)]
    template = "".join([*buckets, f"{name}_sum{alone} %s\n", f"{name}_count{alone} %d\n"])
    size = 2 * len(buckets)

    def write(cell: HistogramCell) -> str:
        counts = list(accumulate(cell.counts.copy()))
        arguments: list[Any] = [cell.text or text_of(cell)] * (size + 4)
        arguments[1:size:2] = counts
        arguments[size + 1] = number(cell.sum)
        arguments[size + 3] = counts[-1]
        return template % tuple(arguments)

    return write


def number(value: float) -> str:
    """Write a number: +Inf, -Inf and NaN are spelt as Go reads them."""
    if value - value == 0:
        return repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def bound_text(bound: float) -> str:
    """Write a bucket's bound as Go and prometheus_client do, so that series stay the same when one replaces the other."""
    text = number(bound)
    dot = text.find(".")
    if bound > 0 and dot > 6:
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02}"
    return text


@hookimpl
def register_metric_exporters(composition: Composition) -> list[Provider[MetricExporter]]:
    """Offer ``metric_exporter/prometheus``."""
    return [Provider(name="prometheus", factory=PrometheusText)]
