"""Where a started provider's object goes: from its kind to the registry that uses it, after a look at its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from trivet.admin import AdminPages
from trivet.ciphers.contracts import CipherBackend, KeyRing, KeySource, PasswordHasher
from trivet.ciphers.recorder import Recorder
from trivet.config.contracts import ConfigFormat, ConfigSource, Resolver
from trivet.errors import PluginError
from trivet.health.check import HealthCheck
from trivet.metrics.contracts import MetricExporter
from trivet.tracing.contracts import Tracer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet.composition import Declared
    from trivet.kernel import Kernel

CONTRACTS: dict[str, Any] = {
    "config_source": ConfigSource,
    "config_format": ConfigFormat,
    "resolver": Resolver,
    "cipher": CipherBackend,
    "password_hasher": PasswordHasher,
    "key_source": KeySource,
    "health_check": HealthCheck,
    "metric_exporter": MetricExporter,
    "tracer": Tracer,
    "admin_pages": AdminPages,
}


def attach(kernel: Kernel, declared: Declared, instance: object) -> Callable[[], None]:
    """Hand an object to the registry of its kind.

    Returns:
        What takes it out again.

    Raises:
        PluginError: if the object has not the shape that its kind demands.
    """
    _check_shape(declared, instance)
    provider = declared.provider
    if declared.kind == "service" and provider.provides is KeyRing:
        return kernel.ciphers.use_ring(cast("KeyRing", instance))
    if declared.kind == "service" and provider.provides is Recorder:
        return kernel.ciphers.recording.use(cast("Recorder", instance))
    add = _registries(kernel).get(declared.kind)
    # What has no registry is found by Kernel.service or Kernel.provided.
    return add(provider.name, instance) if add is not None else _nothing


def _registries(kernel: Kernel) -> dict[str, Callable[[str, Any], Callable[[], None]]]:
    return {
        "config_source": kernel.config.add_source,
        "config_format": kernel.config.add_format,
        "resolver": kernel.config.add_resolver,
        "cipher": kernel.ciphers.add_backend,
        "health_check": kernel.health.add,
        "metric_exporter": kernel.metrics.add_exporter,
        "tracer": kernel.tracing.use,
    }


def _check_shape(declared: Declared, instance: object) -> None:
    if instance is None and declared.kind == "service":
        return  # its section does not turn it on
    contract = CONTRACTS.get(declared.kind, declared.provider.provides)
    if contract is not None and not isinstance(instance, contract):
        lacking = sorted(name for name in _members(contract) if not hasattr(instance, name))
        what = f"it lacks {', '.join(lacking)}" if lacking else f"that is no {contract.__name__}"
        raise PluginError(declared.plugin.name, f"{declared.id} gave a {type(instance).__name__}: {what}")


def _members(contract: type) -> set[str]:
    return {
        name
        for base in contract.__mro__
        for name in (*vars(base), *getattr(base, "__annotations__", ()))
        if name[0] != "_"
    }


def _nothing() -> None:
    """Take out what went nowhere."""
