"""The contract between the kernel and its plugins: every hook there is.

A plugin is a module (or an object) with functions named as below and marked ``@hookimpl``::

    from trivet import Provider, hookimpl


    @hookimpl
    def register_health_checks(composition):
        return [Provider(name="queue", factory=QueueCheck)]

Rules for ``register_*`` hooks: called once, while the kernel composes; they take ONE argument, return an iterable of `Provider`
(or None for "nothing"), are not ``async``, and do no I/O: all work is in the providers' factories. Their order has no meaning.
A plugin that breaks a rule is set aside and named in ``kernel.broken``; ``Kernel(strict=True)`` raises instead.

A plugin may state the API versions it works with: ``trivet_api = ">=1,<2"``. It may bring hooks of its own:
``trivet_hookspecs = <module of functions marked @hookspec(kind=...)>``; others then implement these under the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pluggy

if TYPE_CHECKING:
    import click

    from trivet.admin import AdminPages
    from trivet.ciphers.contracts import CipherBackend, KeySource, PasswordHasher
    from trivet.composition import Composition
    from trivet.config.contracts import ConfigFormat, ConfigSource, Resolver
    from trivet.events import Event
    from trivet.health.check import HealthCheck
    from trivet.metrics.contracts import MetricExporter
    from trivet.provider import Provider
    from trivet.tracing.contracts import Tracer

API_VERSION: Final = 1
"""Raised when a hook changes in a way that a plugin must know of."""

PROJECT: Final = "trivet"

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as the implementation of the hook of its name."""

_mark = pluggy.HookspecMarker(PROJECT)
F = TypeVar("F", bound=Callable[..., Any])


def hookspec(*, kind: str | None = None) -> Callable[[F], F]:
    """Mark a function as a hook specification.

    Args:
        kind: The kind of the providers that its implementations return; None for a hook that returns no providers.
    """

    def mark(function: F) -> F:
        function.trivet_kind = kind  # type: ignore[attr-defined]  # read back by trivet.discovery
        return _mark(function)

    return mark


# -- configuration --------------------------------------------------------------------------------------------------------


@hookspec(kind="config_source")
def register_config_sources(composition: Composition) -> Iterable[Provider[ConfigSource]]:  # type: ignore[empty-body]
    """Offer places that configuration comes from. One without a ``config`` class is local and loads first."""


@hookspec(kind="config_format")
def register_config_formats(composition: Composition) -> Iterable[Provider[ConfigFormat]]:  # type: ignore[empty-body]
    """Offer file formats, chosen by suffix."""


@hookspec(kind="resolver")
def register_resolvers(composition: Composition) -> Iterable[Provider[Resolver]]:  # type: ignore[empty-body]
    """Offer resolvers of references in values, ``${scheme:argument}``; sealed values are one."""


# -- security -------------------------------------------------------------------------------------------------------------


@hookspec(kind="cipher")
def register_cipher_backends(composition: Composition) -> Iterable[Provider[CipherBackend]]:  # type: ignore[empty-body]
    """Offer authenticated ciphers, each with a suite number of its own."""


@hookspec(kind="password_hasher")
def register_password_hashers(composition: Composition) -> Iterable[Provider[PasswordHasher]]:  # type: ignore[empty-body]
    """Offer password hashes."""


@hookspec(kind="key_source")
def register_key_sources(composition: Composition) -> Iterable[Provider[KeySource]]:  # type: ignore[empty-body]
    """Offer places that master keys come from."""


# -- observability --------------------------------------------------------------------------------------------------------


@hookspec(kind="health_check")
def register_health_checks(composition: Composition) -> Iterable[Provider[HealthCheck]]:  # type: ignore[empty-body]
    """Offer health checks."""


@hookspec(kind="metric_exporter")
def register_metric_exporters(composition: Composition) -> Iterable[Provider[MetricExporter]]:  # type: ignore[empty-body]
    """Offer exposition formats for metrics."""


@hookspec(kind="tracer")
def register_tracers(composition: Composition) -> Iterable[Provider[Tracer]]:  # type: ignore[empty-body]
    """Offer what makes the spans of `kernel.tracing`; one is in use at a time."""


@hookspec(kind="admin_pages")
def register_admin_pages(composition: Composition) -> Iterable[Provider[AdminPages]]:  # type: ignore[empty-body]
    """Offer pages for the admin surface, which takes care of who may see them."""


# -- everything else ------------------------------------------------------------------------------------------------------


@hookspec(kind="service")
def register_services(composition: Composition) -> Iterable[Provider[Any]]:  # type: ignore[empty-body]
    """Offer long-running parts: watchers, the key ring, the web surface. `Kernel.service` finds them by ``Provider.provides``."""


@hookspec()
def register_commands(cli: click.Group) -> None:
    """Add commands to ``trivet``. Called only when a command is asked for that the built-in ones do not include, or for help."""


@hookspec()
def on_event(event: Event) -> None:
    """Observe what happens. Called in the event loop for every event: must return at once and must not raise."""
