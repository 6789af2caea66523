"""What plugins give to `kernel.metrics`: exporters; and what they read: families of series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from trivet.metrics.families import AnyFamily


@runtime_checkable
class MetricExporter(Protocol):
    """Writes metric families in one exposition format. `AdminApp` serves each under ``/metrics`` by content negotiation.

    It may have an attribute ``variants``: more exporters for further media types of the same format, such as
    ``...; escaping=allow-utf-8``. A media type without ``escaping`` stands for ``escaping=underscores``.
    """

    media_type: str
    """The full Content-Type, e.g. ``text/plain; version=0.0.4; charset=utf-8``."""

    def encode(self, families: Iterable[AnyFamily]) -> Iterator[bytes]:
        """Yield the exposition in chunks of bounded size, so that a large scrape never stalls the event loop.

        Args:
            families: Of `Metrics.families`. One of a ``kind`` that the format does not know is left out.
        """
        ...
