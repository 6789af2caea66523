"""Evaluate Prometheus rule files over the kernel's own history, and tell receivers of alerts. Needs the extra ``alerts``.

Config (``plugins.alerts``): ``rule_files``, patterns of paths from the working directory (none: nothing is evaluated);
``evaluation_interval`` in seconds (15); ``external_labels``; ``external_url``; ``state``, a directory in which pending and firing
alerts, silences and what is not delivered yet outlive the process (none); ``keep``, seconds for which recorded series can be
queried (3600); ``notify``: routes, grouping, repeating, inhibition (see the page on alerts). Example::

    [plugins.alerts]
    rule_files = ["rules/*.yml"]
    state = "/var/lib/orders/alerts"

    [plugins.alerts.notify.timing]
    group_by = ["alertname", "job"]

The plugin ``history`` keeps what queries read. A bad rule file refuses the start; later it vetoes the reload of a configuration
that names it, or, where a file changes by itself, health warns and the rules before go on. ``/api/v1/rules``, ``/api/v1/alerts``
and ``/alerts`` show how it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Provider, hookimpl
from trivet_plugins.alerts.service.alerts import Alerts
from trivet_plugins.alerts.service.config import AlertsConfig
from trivet_plugins.alerts.service.pages import AlertsPages
from trivet_plugins.alerts.service.running import run_alerts

if TYPE_CHECKING:
    from trivet import AdminPages, Composition

__all__ = ("Alerts", "AlertsConfig", "register_admin_pages", "register_services")


@hookimpl
def register_services(composition: Composition) -> list[Provider[Alerts | None]]:
    """Offer ``service/alerts``."""
    return [
        Provider(
            name="alerts",
            factory=run_alerts,
            config=AlertsConfig,
            provides=Alerts,
            after=("service/history", "alert_receiver/*"),
            start_timeout=30.0,
            extra="alerts",
            modules=("promql_parser", "re2"),
        )
    ]


@hookimpl
def register_admin_pages(composition: Composition) -> list[Provider[AdminPages]]:
    """Offer ``admin_pages/alerts``."""
    return [Provider(name="alerts", factory=AlertsPages)]
