"""Acme's plugin: a cipher in place of trivet's, values from an INI file, a check of the scratch directory, metrics as JSON.

Nothing of it runs unless a service names it: ``Kernel(..., plugins=["acme"])``, ``[plugins] enable = ["acme"]`` or
``--set plugins.enable=acme``.
"""

from __future__ import annotations

from acme_trivet.cipher import AcmeGcm
from acme_trivet.ini import Ini, IniConfig
from acme_trivet.json_metrics import JsonMetrics
from acme_trivet.scratch import Scratch, ScratchConfig
from trivet import CipherBackend, Composition, ConfigSource, HealthCheck, MetricExporter, Provider, hookimpl

trivet_api = ">=1,<2"


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/acme_ini``."""
    return [Provider(name="acme_ini", factory=Ini, config=IniConfig)]


@hookimpl
def register_cipher_backends(composition: Composition) -> list[Provider[CipherBackend]]:
    """Offer ``cipher/acme_gcm`` in place of ``cipher/aes_256_gcm``."""
    return [Provider(name="acme_gcm", factory=AcmeGcm, replaces="cipher/aes_256_gcm")]


@hookimpl
def register_health_checks(composition: Composition) -> list[Provider[HealthCheck]]:
    """Offer ``health_check/acme_scratch``."""
    return [Provider(name="acme_scratch", factory=Scratch, config=ScratchConfig)]


@hookimpl
def register_metric_exporters(composition: Composition) -> list[Provider[MetricExporter]]:
    """Offer ``metric_exporter/acme_json``."""
    return [Provider(name="acme_json", factory=JsonMetrics)]
