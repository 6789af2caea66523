"""Write metrics in OpenMetrics 1.0, with units, exemplars, infos and state sets, in chunks.

Config (``plugins.openmetrics``): ``created`` (default false): say of counters, histograms and summaries when each series was
born. That is one more series for each of them on the server, so it is off unless asked for. Example::

    [plugins.openmetrics]
    created = true

The exponential buckets of histograms are left out, OpenMetrics 1.0 has no place for them; the plugin ``protobuf`` writes them.

Source: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trivet import Provider, hookimpl
from trivet.metrics.names import Escaping
from trivet_plugins.monitoring.dialect import Dialect
from trivet_plugins.monitoring.exposition import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trivet import Composition, MetricExporter
    from trivet.metrics.families import AnyFamily


@attrs.frozen
class OpenMetricsConfig:
    """Whether to say when each series was born."""

    created: bool = False


class OpenMetricsText:
    """OpenMetrics 1.0.

    Args:
        config: The options.
        escaping: How names are written that legacy readers do not know.
    """

    def __init__(self, config: OpenMetricsConfig | None = None, *, escaping: Escaping | None = None) -> None:
        said = f"; escaping={escaping.value}" if escaping else ""
        self.media_type = f"application/openmetrics-text; version=1.0.0; charset=utf-8{said}"
        self._config = config or OpenMetricsConfig()
        self._dialect = Dialect(
            openmetrics=True, escaping=escaping or Escaping.UNDERSCORES, created=self._config.created
        )

    @property
    def variants(self) -> Sequence[MetricExporter]:
        """The same metrics under other escapings, for clients that ask for one."""
        others = (one for one in Escaping if one is not Escaping.UNDERSCORES)
        return [OpenMetricsText(self._config, escaping=one) for one in others]

    def encode(self, families: Iterable[AnyFamily]) -> Iterator[bytes]:
        """Yield the exposition in chunks of bounded size."""
        return encode(families, self._dialect)


@hookimpl
def register_metric_exporters(composition: Composition) -> list[Provider[MetricExporter]]:
    """Offer ``metric_exporter/openmetrics``."""
    return [Provider(name="openmetrics", factory=OpenMetricsText, config=OpenMetricsConfig)]
