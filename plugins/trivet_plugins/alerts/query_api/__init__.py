"""Answer PromQL over the kernel's own history, in Prometheus's HTTP API: ``/api/v1/query`` and its relatives.

Config (``plugins.query``): ``timeout`` of a query in seconds (10), ``concurrency``: queries that are worked on at once (2),
``max_series`` of a query (10,000) and ``max_samples`` that it reads (10,000,000). Needs the extra ``alerts``, and the plugin
``history``; where the plugin ``alerts`` records series, they can be queried too. Example::

    [plugins.query]
    timeout = 5

In code: ``await kernel.service(QueryEngine).instant("sum(rate(orders_total[1m]))")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Provider, hookimpl
from trivet_plugins.alerts.query_api.engine import QueryConfig, QueryEngine, query_engine
from trivet_plugins.alerts.query_api.pages import QueryPages

if TYPE_CHECKING:
    from trivet import AdminPages, Composition

__all__ = ("QueryConfig", "QueryEngine", "register_admin_pages", "register_services")


@hookimpl
def register_services(composition: Composition) -> list[Provider[QueryEngine | None]]:
    """Offer ``service/query``."""
    return [
        Provider(
            name="query",
            factory=query_engine,
            config=QueryConfig,
            provides=QueryEngine,
            after=("service/history",),
            critical=False,
            extra="alerts",
            modules=("promql_parser", "re2"),
        )
    ]


@hookimpl
def register_admin_pages(composition: Composition) -> list[Provider[AdminPages]]:
    """Offer ``admin_pages/query``."""
    return [Provider(name="query", factory=QueryPages)]
