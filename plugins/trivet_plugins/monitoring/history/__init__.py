"""Keep the recent past of all metrics in memory: every second of the last hour, coarser before, within a budget.

Config (``plugins.history``): ``interval`` in seconds (1), ``collect``: seconds between two runs of collectors and gauge functions
(5), ``budget`` of memory ("64MiB"), ``block``: ticks that are packed together (300), ``tiers``: how long which resolution is kept
(every tick for 1 h, then 10 s for 6 h, then 60 s for 48 h), ``path``: a file in which the past outlives the process (none),
``save``: seconds between two times that it is written (300); it is written at the end too. Example::

    [plugins.history]
    budget = "32MiB"
    path = "/var/lib/orders/metrics.history"

    [[plugins.history.tiers]]
    step = 0  # every tick
    keep = 3600

    [[plugins.history.tiers]]
    step = 30
    keep = 86400

Ask it by ``kernel.service(MetricHistory)``, or on the page ``/history``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import attrs

from trivet import ByteSize, Composition, Kernel, MetricHistory, Provider, hookimpl
from trivet_plugins.monitoring.history.clock import RisingClock
from trivet_plugins.monitoring.history.keeper import Keeper
from trivet_plugins.monitoring.history.reader import RecordedHistory
from trivet_plugins.monitoring.history.recorder import Recorder
from trivet_plugins.monitoring.history.store import Store
from trivet_plugins.monitoring.history.tiers import Tier
from trivet_plugins.monitoring.periodic import Periodic

TIERS: Final = (Tier(0.0, 3_600.0), Tier(10.0, 6 * 3_600.0), Tier(60.0, 48 * 3_600.0))
MIN_BUDGET: Final = 1 << 20
MAX_FILE: Final = 4
"""The largest file that is read, in budgets: the budget may have been larger when it was written."""


def _coarser(_instance: object, _attribute: attrs.Attribute[Any], value: tuple[Tier, ...]) -> None:
    if not value or value[0].step != 0:
        raise ValueError("the first tier has step = 0: every tick is a sample there")
    for fine, coarse in pairwise(value):
        if coarse.step <= fine.step:
            raise ValueError(f"a tier is coarser than the one before it, got step = {coarse.step} after {fine.step}")
    if any(tier.keep <= 0 for tier in value):
        raise ValueError("a tier keeps samples for some seconds, more than 0")


def _some_room(_instance: object, _attribute: attrs.Attribute[Any], value: int) -> None:
    if value < MIN_BUDGET:
        raise ValueError(f"a budget has at least 1 MiB, got {value} bytes")


@attrs.frozen
class HistoryConfig:
    """The section ``plugins.history``: how fine, how long, in how much memory, and where over a restart."""

    interval: float = attrs.field(default=1.0, validator=attrs.validators.ge(0.01))
    collect: float = attrs.field(default=5.0, validator=attrs.validators.ge(0))
    budget: ByteSize = attrs.field(default=ByteSize(64 << 20), validator=_some_room)
    block: int = attrs.field(default=300, validator=[attrs.validators.ge(2), attrs.validators.le(3_600)])
    tiers: tuple[Tier, ...] = attrs.field(default=TIERS, validator=_coarser)
    path: Path | None = None
    save: float = attrs.field(default=300.0, validator=attrs.validators.gt(0))


@asynccontextmanager
async def record(config: HistoryConfig, kernel: Kernel) -> AsyncIterator[RecordedHistory]:
    """Record while the service runs."""
    recorder = Recorder(
        kernel.metrics,
        RisingClock(),
        tiers=config.tiers,
        budget=config.budget,
        block=config.block,
        collect=config.collect,
    )
    async with _kept(config, kernel, recorder), Keeper(recorder, config.interval).running():
        yield RecordedHistory(recorder, kernel.metrics)


@asynccontextmanager
async def _kept(config: HistoryConfig, kernel: Kernel, recorder: Recorder) -> AsyncIterator[None]:
    """Read the file, if there is to be one; write it in its rhythm, and at the end of the block with the newest rows."""
    if config.path is None:
        yield
        return
    store = Store(config.path, kernel=kernel.name, limit=MAX_FILE * config.budget)
    await recorder.restore(await store.load(recorder.shelf, recorder.clock.now()))

    async def save() -> None:
        await store.save(recorder.past.generations, recorder.clock.now())

    async def save_all() -> None:
        await recorder.seal()
        await save()

    async with Periodic("history", kernel, config.save).running(save, save_all):
        yield


@hookimpl
def register_services(composition: Composition) -> list[Provider[RecordedHistory]]:
    """Offer ``service/history``."""
    return [
        Provider(
            name="history",
            factory=record,
            config=HistoryConfig,
            provides=MetricHistory,
            critical=False,
            restart=3,
            start_timeout=60.0,
            stop_timeout=30.0,
        )
    ]
