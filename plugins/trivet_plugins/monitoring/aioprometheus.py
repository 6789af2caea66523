"""Show the kernel's metrics through aioprometheus, for services that expose or push with it already; and the other way round.

Config (``plugins.aioprometheus_bridge``): ``include`` (default false): expose what the application counts in
aioprometheus's global registry with the kernel's metrics, escaped and streamed, in every format that the kernel has.

The bridge gives an aioprometheus registry with all families of ``kernel.metrics``::

    from aioprometheus.service import Service
    from trivet_plugins.monitoring.aioprometheus import AioprometheusBridge

    bridge = kernel.service(AioprometheusBridge)
    await Service(registry=bridge.registry).start(addr="127.0.0.1", port=8000)

What the application registers there itself is exposed too. aioprometheus escapes nothing; the bridge does. The other way
round, ``bridge.include(registry)`` exposes any registry of aioprometheus with the kernel's metrics.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from trivet import Composition, Kernel, Provider, hookimpl

if TYPE_CHECKING:
    from aioprometheus.collectors import Registry

    from trivet.metrics.registry import Metrics


@attrs.frozen
class BridgeConfig:
    """Whether to expose what aioprometheus's global registry holds."""

    include: bool = False


class AioprometheusBridge:
    """Holds the registry to hand to aioprometheus's ``Service``, ``Pusher``, ``render`` and middleware."""

    def __init__(self, registry: Registry, metrics: Metrics) -> None:
        self.registry = registry
        self._metrics = metrics

    def include(self, registry: Registry) -> Callable[[], None]:
        """Expose what an aioprometheus registry holds with the kernel's metrics; where names clash, the kernel's stay.

        Returns:
            A function that ends it.

        Raises:
            ValueError: if it is the bridge's own registry, which shows the kernel's metrics.
        """
        from trivet_plugins.monitoring.foreign import foreign_families

        if registry is self.registry:
            raise ValueError("the bridge's own registry shows the kernel's metrics: include another one")
        return self._metrics.add_view(lambda families: (*families, *foreign_families(registry, families)))


@asynccontextmanager
async def aioprometheus_bridge(config: BridgeConfig, kernel: Kernel) -> AsyncIterator[AioprometheusBridge]:
    """Make the bridge; aioprometheus is imported only here."""
    from aioprometheus.collectors import get_registry

    from trivet_plugins.monitoring.aioprometheus_registry import FamilyRegistry

    bridge = AioprometheusBridge(FamilyRegistry(kernel.metrics), kernel.metrics)
    end = bridge.include(get_registry()) if config.include else None
    try:
        yield bridge
    finally:
        if end is not None:
            end()


@hookimpl
def register_services(composition: Composition) -> list[Provider[AioprometheusBridge]]:
    """Offer ``service/aioprometheus_bridge``."""
    return [
        Provider(
            name="aioprometheus_bridge",
            factory=aioprometheus_bridge,
            config=BridgeConfig,
            provides=AioprometheusBridge,
            critical=False,
        )
    ]
