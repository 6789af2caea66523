"""Write metrics as Prometheus's protocol buffers: the one format that carries native histograms.

A Prometheus that takes native histograms asks for it first (``--enable-feature=native-histograms``, in version 3 the setting
``scrape_native_histograms``); others never do. Histograms made with ``schema=`` come with their exponential buckets beside
the classic ones.

Config: none.

Source: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto, one delimited
``MetricFamily`` for each family.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from trivet import Provider, hookimpl
from trivet.metrics.exponential import ExponentialHistogram, ExponentialHistogramCell
from trivet.metrics.histogram import HistogramCell
from trivet.metrics.info import Info
from trivet.metrics.names import Escaping, escape_name
from trivet.metrics.stateset import StateSet
from trivet_plugins.monitoring import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from trivet import Composition, MetricExporter
    from trivet.metrics.exemplar import Exemplar
    from trivet.metrics.families import AnyFamily

SERIES: Final = 200
"""Series per step: less than a millisecond of work. All of a family are one message, which is put together before it is sent."""

_TYPES: Final = {"counter": 0, "gauge": 1, "summary": 2, "histogram": 4, "info": 1, "stateset": 1}


class PrometheusProtobuf:
    """Prometheus's protocol buffers.

    Args:
        escaping: How names are written that legacy readers do not know.
    """

    def __init__(self, escaping: Escaping | None = None) -> None:
        said = f"; escaping={escaping.value}" if escaping else ""
        kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
        self.media_type = f"{kind}{said}"
        self._escaping = escaping or Escaping.UNDERSCORES

    @property
    def variants(self) -> Sequence[MetricExporter]:
        """The same metrics under other escapings, for clients that ask for one."""
        return [PrometheusProtobuf(one) for one in Escaping if one is not Escaping.UNDERSCORES]

    def encode(self, families: Iterable[AnyFamily]) -> Iterator[bytes]:
        """Yield the exposition in chunks of bounded size; empty ones while a family is put together."""
        for family in families:
            if family.kind not in _TYPES:
                continue
            message = [wire.text(1, self._name(family.name)), wire.text(2, family.help)]
            message.append(wire.integer(3, _TYPES[family.kind]))
            message.append(wire.text(5, family.unit) if family.unit else b"")
            write, cells = self._writer(family), family.cells()
            if not cells:
                continue  # a family without a metric is an error to some readers
            for start in range(0, len(cells), SERIES):
                message.append(
                    b"".join([wire.packed(4, one) for cell in cells[start : start + SERIES] for one in write(cell)])
                )
                yield b""
            yield wire.varint(sum(map(len, message)))
            yield from message

    def _writer(self, family: AnyFamily) -> Callable[[Any], list[bytes]]:
        """Return a function that writes the metrics of a cell: one, but of a state set several."""
        names = [self._label(name) for name in family.label_names]

        def labels(cell: Any) -> bytes:  # noqa: ANN401 - a cell of any kind
            return b"".join(map(_pair, names, cell.labels))

        if isinstance(family, StateSet):
            own = self._label(family.name)
            return lambda cell: [
                labels(cell) + _pair(own, state) + _gauge(float(state in cell.value)) for state in family.states
            ]
        if isinstance(family, Info):
            return lambda cell: (
                [labels(cell) + b"".join(_pair(self._label(n), v) for n, v in cell.value.items()) + _gauge(1)]
                if cell.value is not None
                else []
            )
        body = self._body(family)
        return lambda cell: [labels(cell) + body(cell)]

    def _body(self, family: AnyFamily) -> Callable[[Any], bytes]:
        match family.kind:
            case "counter":
                return lambda cell: wire.packed(3, wire.double(1, cell.value) + self._exemplar(2, cell.exemplar))
            case "summary":
                return _summary
            case "histogram":
                threshold = family.zero_threshold if isinstance(family, ExponentialHistogram) else 0.0
                return lambda cell: wire.packed(7, self._histogram(cell, threshold))
            case _:
                return lambda cell: _gauge(cell.value)

    def _histogram(self, cell: HistogramCell, threshold: float) -> bytes:
        counts, exemplars = list(accumulate(list(cell.counts))), cell.exemplars or {}
        native = b""
        count, total = counts[-1], cell.sum
        if isinstance(cell, ExponentialHistogramCell):
            schema, zero, positive, negative, count, total = cell.native()
            native = wire.signed(5, schema) + wire.double(6, threshold) + wire.integer(7, zero)
            native += _spans(9, 10, negative) + _spans(12, 13, positive)
            if not positive and not negative and not zero:
                native += wire.packed(12, wire.signed(1, 0) + wire.integer(2, 0))  # says that it is native though empty
        buckets = (
            wire.packed(3, wire.integer(1, many) + wire.double(2, bound) + self._exemplar(3, exemplars.get(index)))
            for index, (bound, many) in enumerate(zip((*cell.bounds, math.inf), counts, strict=True))
        )
        return wire.integer(1, count) + wire.double(2, total) + b"".join(buckets) + native

    def _exemplar(self, field: int, exemplar: Exemplar | None) -> bytes:
        if exemplar is None:
            return b""
        pairs = b"".join(_pair(self._label(n), v) for n, v in zip(exemplar.names, exemplar.values, strict=True))
        seconds = math.floor(exemplar.at)
        stamp = wire.integer(1, seconds) + wire.integer(2, int((exemplar.at - seconds) * 1e9))
        return wire.packed(field, pairs + wire.double(2, exemplar.value) + wire.packed(3, stamp))

    def _name(self, name: str) -> str:
        return escape_name(name, self._escaping)

    def _label(self, name: str) -> str:
        return escape_name(name, self._escaping, label=True)


def _pair(name: str, value: str) -> bytes:
    return wire.packed(1, wire.text(1, name) + wire.text(2, value))


def _gauge(value: float) -> bytes:
    return wire.packed(2, wire.double(1, value))


def _summary(cell: Any) -> bytes:  # noqa: ANN401 - a cell of a summary
    quantiles = (cell.quantiles or {}).items()
    points = b"".join(wire.packed(3, wire.double(1, at) + wire.double(2, value)) for at, value in quantiles)
    return wire.packed(4, wire.integer(1, cell.count) + wire.double(2, cell.sum) + points)


def _spans(span_field: int, delta_field: int, buckets: dict[int, int]) -> bytes:
    """Write buckets as spans of neighbours, and each count as the difference from the one before."""
    if not buckets:
        return b""
    spans: list[tuple[int, int]] = []
    deltas: list[int] = []
    end, before = 0, 0
    for index in sorted(buckets):
        if spans and index == end:
            spans[-1] = (spans[-1][0], spans[-1][1] + 1)
        else:
            spans.append((index - end, 1))
        deltas.append(buckets[index] - before)
        end, before = index + 1, buckets[index]
    written = (wire.packed(span_field, wire.signed(1, offset) + wire.integer(2, length)) for offset, length in spans)
    return b"".join(written) + wire.zigzags(delta_field, deltas)


@hookimpl
def register_metric_exporters(composition: Composition) -> list[Provider[MetricExporter]]:
    """Offer ``metric_exporter/protobuf``."""
    return [Provider(name="protobuf", factory=PrometheusProtobuf)]
