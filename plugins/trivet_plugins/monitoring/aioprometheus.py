"""Show the kernel's metrics through aioprometheus, for services that expose or push with it already.

Config: none. The bridge gives an aioprometheus registry with all families of ``kernel.metrics``::

    from aioprometheus.service import Service
    from trivet_plugins.monitoring.aioprometheus import AioprometheusBridge

    bridge = kernel.service(AioprometheusBridge)
    await Service(registry=bridge.registry).start(addr="127.0.0.1", port=8000)

What the application registers there itself is exposed too. aioprometheus escapes nothing; the bridge does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Composition, Kernel, Provider, hookimpl

if TYPE_CHECKING:
    from aioprometheus.collectors import Registry


class AioprometheusBridge:
    """Holds the registry to hand to aioprometheus's ``Service``, ``Pusher``, ``render`` and middleware."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry


def aioprometheus_bridge(kernel: Kernel) -> AioprometheusBridge:
    """Make the bridge; aioprometheus is imported only here."""
    from trivet_plugins.monitoring.aioprometheus_registry import FamilyRegistry

    return AioprometheusBridge(FamilyRegistry(kernel.metrics))


@hookimpl
def register_services(composition: Composition) -> list[Provider[AioprometheusBridge]]:
    """Offer ``service/aioprometheus_bridge``."""
    return [
        Provider(
            name="aioprometheus_bridge",
            factory=aioprometheus_bridge,
            provides=AioprometheusBridge,
            critical=False,
        )
    ]
