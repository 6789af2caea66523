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
    from trivet.metrics.counter import CounterCell
    from trivet.metrics.families import AnyFamily
    from trivet.metrics.gauge import GaugeCell
    from trivet.metrics.histogram import HistogramCell

KINDS: Final = frozenset({"counter", "gauge", "histogram"})
"""What can be written; other kinds of metrics are left out."""

LINES: Final = 1000
"""Lines per chunk: about 0.3 ms of work."""

_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class PrometheusText:
    """The text format 0.0.4 that every Prometheus server reads."""

    media_type = "text/plain; version=0.0.4; charset=utf-8"

    def encode(self, families: Iterable[AnyFamily]) -> Iterator[bytes]:
        """Yield the exposition in chunks of about `LINES` lines; small families share one."""
        pending, lines = "", 0
        for family in families:
            if family.kind not in KINDS or not isinstance(family, Counter | Gauge | Histogram):
                continue
            pending += f"# HELP {family.name} {family.help.translate(_HELP_ESCAPES)}\n"
            pending += f"# TYPE {family.name} {family.kind}\n"
            each, write = _histogram_writer(family) if isinstance(family, Histogram) else _value_writer(family)
            lines += 2
            cells, step = family.cells(), max(1, LINES // each)
            for start in range(0, len(cells), step):
                block = cells[start : start + step]
                pending += write(block)
                lines += each * len(block)
                if lines >= LINES:
                    yield pending.encode()
                    pending, lines = "", 0
        if pending:
            yield pending.encode()


def _value_writer(family: Counter | Gauge) -> tuple[int, Callable[[list[Any]], str]]:
    """Return the lines per series, and a function that writes a block of series."""
    name, text_of = family.name, family.text_of

    def write(block: list[CounterCell | GaugeCell]) -> str:
        return "".join(
            # value - value is 0 for all finite numbers, which Prometheus reads as Python writes them.
            f"{name}{{{cell.text or text_of(cell)}}} {value!r}\n"
            if (value := cell.value) - value == 0
            else f"{name}{{{text_of(cell)}}} {number(value)}\n"
            for cell in block
        )

    def write_plain(block: list[CounterCell | GaugeCell]) -> str:
        return "".join(f"{name} {number(cell.value)}\n" for cell in block)

    return 1, write if family.label_names else write_plain


def _histogram_writer(family: Histogram) -> tuple[int, Callable[[list[Any]], str]]:
    """Return the lines per series, and a function that writes a block: it fills a template of them all in one go."""
    name, text_of = family.name, family.text_of
    slot, alone = ("%s,", "{%s}") if family.label_names else ("%s", "%s")
    buckets = [f'{name}_bucket{{{slot}le="{bound_text(bound)}"}} %d\n' for bound in (*family.bounds, math.inf)]
    template = "".join([*buckets, f"{name}_sum{alone} %s\n", f"{name}_count{alone} %d\n"])
    size = 2 * len(buckets)

    def write(block: list[HistogramCell]) -> str:
        arguments: list[object] = []
        for cell in block:
            # In every line the label text, then a number.
            series: list[object] = [cell.text or text_of(cell)] * (size + 4)
            series[1:size:2] = counts = list(accumulate(cell.counts))
            series[size + 1] = total if (total := cell.sum) - total == 0 else number(total)
            series[size + 3] = counts[-1]
            arguments += series
        return template * len(block) % tuple(arguments)

    return len(buckets) + 2, write


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
