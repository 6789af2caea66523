"""trivet: a stand on three legs for an async Python service: configuration, security and observability.

This module holds the public names. Public too: `trivet.events` (the event classes), `trivet.config.layer` (priorities of layers)
and `trivet.testing`; everything else may change without notice.

A name is imported when it is first used (PEP 562), so that a plugin that needs `Provider` and ``hookimpl`` does not load the
kernel. Type checkers read ``__init__.pyi``.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "trivet.admin": (
        "AdminAnswer",
        "AdminPage",
        "AdminPages",
        "AdminRequest",
    ),
    "trivet.ciphers.actor": ("acting_as",),
    "trivet.ciphers.contracts": (
        "CipherBackend",
        "Key",
        "KeyRing",
        "KeySource",
        "KeyStore",
        "PasswordHasher",
    ),
    "trivet.ciphers.derivation": ("DerivedKey",),
    "trivet.ciphers.keys": (
        "KeyCounter",
        "KeyInfo",
        "KeyKeeper",
        "KeyListing",
        "KeyState",
        "Passphrase",
    ),
    "trivet.ciphers.level": (
        "Argon2Cost",
        "Leveled",
        "SecurityLevel",
        "Shortfall",
    ),
    "trivet.ciphers.operation": ("Operation",),
    "trivet.ciphers.recorder": (
        "AuditError",
        "Receipt",
        "Recorder",
    ),
    "trivet.ciphers.passwords": (
        "PasswordError",
        "Passwords",
        "PasswordsBusyError",
    ),
    "trivet.composition": ("Composition",),
    "trivet.config.byte_size": ("ByteSize",),
    "trivet.config.contracts": (
        "ConfigFormat",
        "ConfigSource",
        "Document",
        "FormatError",
        "LoadContext",
        "NothingThereError",
        "ReloadParticipant",
        "ResolveContext",
        "Resolved",
        "Resolver",
        "Span",
    ),
    "trivet.config.explanation": ("Explanation",),
    "trivet.config.history": ("UnknownGenerationError",),
    "trivet.config.layer": ("Layer",),
    "trivet.config.live": (
        "Change",
        "Live",
    ),
    "trivet.config.origin": ("Origin",),
    "trivet.config.override": ("Override",),
    "trivet.config.pin": ("Pin",),
    "trivet.config.problem": ("Problem",),
    "trivet.config.snapshot": ("Snapshot",),
    "trivet.config.turns": ("Outcome",),
    "trivet.config.url": ("Url",),
    "trivet.config.veto": ("Veto",),
    "trivet.config.writing": ("ExportError",),
    "trivet.errors": (
        "CompositionError",
        "ConfigError",
        "ConfigNotLoadedError",
        "HealthError",
        "KernelStateError",
        "KeyRingError",
        "MetricError",
        "MissingExtraError",
        "PluginError",
        "ProviderConflict",
        "ProviderFailed",
        "ProviderStartError",
        "RequirementCycle",
        "RequirementError",
        "RetryLater",
        "SealError",
        "StartupRefused",
        "TargetError",
        "TrivetError",
        "UnknownPathError",
        "UnknownServiceError",
    ),
    "trivet.events": ("Event",),
    "trivet.health.check": (
        "CheckPlan",
        "HealthCheck",
        "Status",
        "Verdict",
    ),
    "trivet.health.report": ("Report",),
    "trivet.health.result": ("Result",),
    "trivet.hookspecs": (
        "API_VERSION",
        "hookimpl",
        "hookspec",
    ),
    "trivet.inventory": ("ProviderRow",),
    "trivet.kernel": ("Kernel",),
    "trivet.launch": ("Launch",),
    "trivet.metrics.contracts": ("MetricExporter",),
    "trivet.metrics.counter": ("Counter",),
    "trivet.metrics.exemplar": ("Exemplar",),
    "trivet.metrics.family": ("Family",),
    "trivet.metrics.gauge": ("Gauge",),
    "trivet.metrics.histogram": ("Histogram",),
    "trivet.metrics.history": (
        "Extremes",
        "Matcher",
        "MetricHistory",
        "MetricSeries",
        "SampleTable",
        "Samples",
    ),
    "trivet.metrics.info": ("Info",),
    "trivet.metrics.stateset": ("StateSet",),
    "trivet.metrics.summary": ("Summary",),
    "trivet.provider": (
        "Provider",
        "Stability",
    ),
    "trivet.revealed": ("revealed",),
    "trivet.secret": ("Secret",),
    "trivet.tracing.context": ("TraceContext",),
    "trivet.tracing.contracts": (
        "SpanRecord",
        "SpanStore",
        "TraceSpan",
        "Tracer",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = tuple(sorted(_HOME_OF))


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'trivet' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
