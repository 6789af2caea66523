"""Write metrics in the Prometheus text formats, in chunks.

The format is 0.0.4, which every Prometheus reads; version 1.0.0, which has UTF-8 names in quotes, goes to those who ask for it.
Infos and state sets are gauges there, exemplars and the exponential buckets of histograms are left out: OpenMetrics has the
former, and neither text format the latter.

Config: none. The web plugin serves it under ``/metrics``; in code::

    exposition = b"".join(kernel.metrics.exporters["prometheus"].encode(kernel.metrics.families()))

Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Provider, hookimpl
from trivet.metrics.names import Escaping
from trivet_plugins.monitoring.dialect import Dialect
from trivet_plugins.monitoring.exposition import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trivet import Composition, MetricExporter
    from trivet.metrics.families import AnyFamily


class PrometheusText:
    """A text format of Prometheus.

    Args:
        escaping: How names are written that legacy readers do not know.
        version: ``0.0.4``, or ``1.0.0``, which allows UTF-8 names.
    """

    def __init__(self, escaping: Escaping | None = None, version: str = "0.0.4") -> None:
        said = f"; escaping={escaping.value}" if escaping else ""
        self.media_type = f"text/plain; version={version}; charset=utf-8{said}"
        self._dialect = Dialect(escaping=escaping or Escaping.UNDERSCORES)

    @property
    def variants(self) -> Sequence[MetricExporter]:
        """The same metrics under other escapings, for clients that ask for one."""
        old = [PrometheusText(escaping) for escaping in (Escaping.DOTS, Escaping.VALUES)]
        return [*old, *(PrometheusText(escaping, "1.0.0") for escaping in Escaping)]

    def encode(self, families: Iterable[AnyFamily]) -> Iterator[bytes]:
        """Yield the exposition in chunks of bounded size."""
        return encode(families, self._dialect)


@hookimpl
def register_metric_exporters(composition: Composition) -> list[Provider[MetricExporter]]:
    """Offer ``metric_exporter/prometheus``."""
    return [Provider(name="prometheus", factory=PrometheusText)]
