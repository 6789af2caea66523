"""trivet: a stand on three legs for an async Python service: configuration, security and observability.

This module holds the public names; everything else may change without notice.
"""

from __future__ import annotations

from trivet.ciphers.contracts import CipherBackend, Key, KeyRing, KeySource, PasswordHasher
from trivet.composition import Composition
from trivet.config.contracts import (
    ConfigFormat,
    ConfigSource,
    Document,
    FormatError,
    LoadContext,
    ReloadParticipant,
    ResolveContext,
    Resolved,
    Resolver,
    Span,
)
from trivet.config.layer import Layer
from trivet.config.live import Change, Live
from trivet.config.origin import Origin
from trivet.config.problem import Problem
from trivet.errors import (
    CompositionError,
    ConfigError,
    ConfigNotLoadedError,
    KernelStateError,
    KeyRingError,
    MetricError,
    MissingExtraError,
    PluginError,
    ProviderConflict,
    ProviderFailed,
    ProviderStartError,
    RequirementCycle,
    RequirementError,
    RetryLater,
    SealError,
    StartupRefused,
    TargetError,
    TrivetError,
    UnknownPathError,
    UnknownServiceError,
)
from trivet.events import Event
from trivet.health.check import CheckPlan, HealthCheck, Status, Verdict
from trivet.hookspecs import API_VERSION, hookimpl, hookspec
from trivet.inventory import ProviderRow
from trivet.kernel import Kernel
from trivet.launch import Launch
from trivet.metrics.contracts import MetricExporter
from trivet.provider import Provider, Stability
from trivet.secret import Secret

__all__ = (
    "API_VERSION",
    "Change",
    "CheckPlan",
    "CipherBackend",
    "Composition",
    "CompositionError",
    "ConfigError",
    "ConfigFormat",
    "ConfigNotLoadedError",
    "ConfigSource",
    "Document",
    "Event",
    "FormatError",
    "HealthCheck",
    "Kernel",
    "KernelStateError",
    "Key",
    "KeyRing",
    "KeyRingError",
    "KeySource",
    "Launch",
    "Layer",
    "Live",
    "LoadContext",
    "MetricError",
    "MetricExporter",
    "MissingExtraError",
    "Origin",
    "PasswordHasher",
    "PluginError",
    "Problem",
    "Provider",
    "ProviderConflict",
    "ProviderFailed",
    "ProviderRow",
    "ProviderStartError",
    "ReloadParticipant",
    "RequirementCycle",
    "RequirementError",
    "ResolveContext",
    "Resolved",
    "Resolver",
    "RetryLater",
    "SealError",
    "Secret",
    "Span",
    "Stability",
    "StartupRefused",
    "Status",
    "TargetError",
    "TrivetError",
    "UnknownPathError",
    "UnknownServiceError",
    "Verdict",
    "hookimpl",
    "hookspec",
)
