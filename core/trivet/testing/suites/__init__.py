"""Conformance suites, one per kind: what every provider of the kind promises, as tests.

Subclass the suite of your kind, name the class ``Test...``, override its one fixture; pytest does the rest, under asyncio and
(where it is installed) trio. The built-in plugins run the same suites.
"""

from __future__ import annotations

from trivet.testing.suites.admin_pages import AdminPagesSuite
from trivet.testing.suites.cipher import CipherBackendSuite
from trivet.testing.suites.config_format import ConfigFormatSuite
from trivet.testing.suites.config_source import ConfigSourceSuite
from trivet.testing.suites.health_check import HealthCheckSuite
from trivet.testing.suites.key_source import KeySourceCase, KeySourceSuite
from trivet.testing.suites.metric_exporter import MetricExporterSuite
from trivet.testing.suites.password_hasher import PasswordHasherSuite
from trivet.testing.suites.resolver import ResolverCase, ResolverSuite
from trivet.testing.suites.suite import Suite
from trivet.testing.suites.tracer import TracerSuite

__all__ = (
    "AdminPagesSuite",
    "CipherBackendSuite",
    "ConfigFormatSuite",
    "ConfigSourceSuite",
    "HealthCheckSuite",
    "KeySourceCase",
    "KeySourceSuite",
    "MetricExporterSuite",
    "PasswordHasherSuite",
    "ResolverCase",
    "ResolverSuite",
    "Suite",
    "TracerSuite",
)
