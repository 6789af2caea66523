from trivet.admin import AdminAnswer as AdminAnswer
from trivet.admin import AdminPage as AdminPage
from trivet.admin import AdminPages as AdminPages
from trivet.admin import AdminRequest as AdminRequest
from trivet.ciphers.actor import acting_as as acting_as
from trivet.ciphers.contracts import CipherBackend as CipherBackend
from trivet.ciphers.contracts import Key as Key
from trivet.ciphers.contracts import KeyRing as KeyRing
from trivet.ciphers.contracts import KeySource as KeySource
from trivet.ciphers.contracts import KeyStore as KeyStore
from trivet.ciphers.contracts import PasswordHasher as PasswordHasher
from trivet.ciphers.derivation import DerivedKey as DerivedKey
from trivet.ciphers.keys import KeyCounter as KeyCounter
from trivet.ciphers.keys import KeyInfo as KeyInfo
from trivet.ciphers.keys import KeyKeeper as KeyKeeper
from trivet.ciphers.keys import KeyListing as KeyListing
from trivet.ciphers.keys import KeyState as KeyState
from trivet.ciphers.keys import Passphrase as Passphrase
from trivet.ciphers.level import Argon2Cost as Argon2Cost
from trivet.ciphers.level import Leveled as Leveled
from trivet.ciphers.level import SecurityLevel as SecurityLevel
from trivet.ciphers.level import Shortfall as Shortfall
from trivet.ciphers.operation import Operation as Operation
from trivet.ciphers.passwords import PasswordError as PasswordError
from trivet.ciphers.passwords import Passwords as Passwords
from trivet.ciphers.passwords import PasswordsBusyError as PasswordsBusyError
from trivet.ciphers.recorder import AuditError as AuditError
from trivet.ciphers.recorder import Receipt as Receipt
from trivet.ciphers.recorder import Recorder as Recorder
from trivet.composition import Composition as Composition
from trivet.config.byte_size import ByteSize as ByteSize
from trivet.config.contracts import ConfigFormat as ConfigFormat
from trivet.config.contracts import ConfigSource as ConfigSource
from trivet.config.contracts import Document as Document
from trivet.config.contracts import FormatError as FormatError
from trivet.config.contracts import LoadContext as LoadContext
from trivet.config.contracts import NothingThereError as NothingThereError
from trivet.config.contracts import ReloadParticipant as ReloadParticipant
from trivet.config.contracts import ResolveContext as ResolveContext
from trivet.config.contracts import Resolved as Resolved
from trivet.config.contracts import Resolver as Resolver
from trivet.config.contracts import Span as Span
from trivet.config.explanation import Explanation as Explanation
from trivet.config.history import UnknownGenerationError as UnknownGenerationError
from trivet.config.layer import Layer as Layer
from trivet.config.live import Change as Change
from trivet.config.live import Live as Live
from trivet.config.origin import Origin as Origin
from trivet.config.override import Override as Override
from trivet.config.pin import Pin as Pin
from trivet.config.problem import Problem as Problem
from trivet.config.snapshot import Snapshot as Snapshot
from trivet.config.turns import Outcome as Outcome
from trivet.config.url import Url as Url
from trivet.config.veto import Veto as Veto
from trivet.config.writing import ExportError as ExportError
from trivet.errors import CompositionError as CompositionError
from trivet.errors import ConfigError as ConfigError
from trivet.errors import ConfigNotLoadedError as ConfigNotLoadedError
from trivet.errors import HealthError as HealthError
from trivet.errors import KernelStateError as KernelStateError
from trivet.errors import KeyRingError as KeyRingError
from trivet.errors import MetricError as MetricError
from trivet.errors import MissingExtraError as MissingExtraError
from trivet.errors import PluginError as PluginError
from trivet.errors import ProviderConflict as ProviderConflict
from trivet.errors import ProviderFailed as ProviderFailed
from trivet.errors import ProviderStartError as ProviderStartError
from trivet.errors import RequirementCycle as RequirementCycle
from trivet.errors import RequirementError as RequirementError
from trivet.errors import RetryLater as RetryLater
from trivet.errors import SealError as SealError
from trivet.errors import StartupRefused as StartupRefused
from trivet.errors import TargetError as TargetError
from trivet.errors import TrivetError as TrivetError
from trivet.errors import UnknownPathError as UnknownPathError
from trivet.errors import UnknownServiceError as UnknownServiceError
from trivet.events import Event as Event
from trivet.health.check import CheckPlan as CheckPlan
from trivet.health.check import HealthCheck as HealthCheck
from trivet.health.check import Status as Status
from trivet.health.check import Verdict as Verdict
from trivet.health.report import Report as Report
from trivet.health.result import Result as Result
from trivet.hookspecs import API_VERSION as API_VERSION
from trivet.hookspecs import hookimpl as hookimpl
from trivet.hookspecs import hookspec as hookspec
from trivet.inventory import ProviderRow as ProviderRow
from trivet.kernel import Kernel as Kernel
from trivet.launch import Launch as Launch
from trivet.metrics.contracts import MetricExporter as MetricExporter
from trivet.metrics.counter import Counter as Counter
from trivet.metrics.exemplar import Exemplar as Exemplar
from trivet.metrics.family import Family as Family
from trivet.metrics.gauge import Gauge as Gauge
from trivet.metrics.histogram import Histogram as Histogram
from trivet.metrics.history import Extremes as Extremes
from trivet.metrics.history import Matcher as Matcher
from trivet.metrics.history import MetricHistory as MetricHistory
from trivet.metrics.history import MetricSeries as MetricSeries
from trivet.metrics.history import Samples as Samples
from trivet.metrics.history import SampleTable as SampleTable
from trivet.metrics.info import Info as Info
from trivet.metrics.stateset import StateSet as StateSet
from trivet.metrics.summary import Summary as Summary
from trivet.provider import Provider as Provider
from trivet.provider import Stability as Stability
from trivet.revealed import revealed as revealed
from trivet.secret import Secret as Secret
from trivet.tracing.context import TraceContext
from trivet.tracing.contracts import SpanRecord, SpanStore, Tracer, TraceSpan

__all__ = (
    "API_VERSION",
    "AdminAnswer",
    "AdminPage",
    "AdminPages",
    "AdminRequest",
    "Argon2Cost",
    "ByteSize",
    "Change",
    "CheckPlan",
    "CipherBackend",
    "Composition",
    "CompositionError",
    "ConfigError",
    "ConfigFormat",
    "ConfigNotLoadedError",
    "ConfigSource",
    "Counter",
    "DerivedKey",
    "Document",
    "Event",
    "Explanation",
    "ExportError",
    "Extremes",
    "Family",
    "FormatError",
    "Gauge",
    "HealthCheck",
    "HealthError",
    "Histogram",
    "Kernel",
    "KernelStateError",
    "Key",
    "KeyRing",
    "KeyRingError",
    "KeySource",
    "KeyStore",
    "Launch",
    "Layer",
    "Leveled",
    "Live",
    "LoadContext",
    "Matcher",
    "MetricError",
    "MetricExporter",
    "MetricHistory",
    "MetricSeries",
    "MissingExtraError",
    "NothingThereError",
    "Origin",
    "Outcome",
    "Override",
    "PasswordError",
    "PasswordHasher",
    "Passwords",
    "PasswordsBusyError",
    "Pin",
    "PluginError",
    "Problem",
    "Provider",
    "ProviderConflict",
    "ProviderFailed",
    "ProviderRow",
    "ProviderStartError",
    "ReloadParticipant",
    "Report",
    "RequirementCycle",
    "RequirementError",
    "ResolveContext",
    "Resolved",
    "Resolver",
    "Result",
    "RetryLater",
    "SampleTable",
    "Samples",
    "SealError",
    "Secret",
    "SecurityLevel",
    "Shortfall",
    "Snapshot",
    "Span",
    "SpanRecord",
    "SpanStore",
    "Stability",
    "StartupRefused",
    "Status",
    "TargetError",
    "TraceContext",
    "TraceSpan",
    "Tracer",
    "TrivetError",
    "UnknownGenerationError",
    "UnknownPathError",
    "UnknownServiceError",
    "Url",
    "Verdict",
    "Veto",
    "hookimpl",
    "hookspec",
    "revealed",
)
