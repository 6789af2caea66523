"""`Recorder`: reads all metrics at every tick, packs what it has read, and stays within its budget."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import anyio

from trivet_plugins.monitoring.history.breath import Breath
from trivet_plugins.monitoring.history.generation import Generation, sealed
from trivet_plugins.monitoring.history.hot import Hot
from trivet_plugins.monitoring.history.past import Past
from trivet_plugins.monitoring.history.shelf import SERIES_BYTES, Shelf
from trivet_plugins.monitoring.history.tiers import Tier, Tiers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trivet.metrics.families import AnyFamily
    from trivet.metrics.registry import Metrics
    from trivet_plugins.monitoring.history.clock import RisingClock
    from trivet_plugins.monitoring.history.shelf import Series

HOT_SHARE: Final = 4
"""Unpacked rows are packed early at this part of the budget; twice that is taken while this is going on."""
EVICTED_SHARE: Final = 8
"""The part of all series that is kept free for births."""
SERIES_SHARE: Final = 3
"""The part of the budget that the series themselves may take."""


class Recorder:
    """Records the metrics of a kernel. Only the event loop may call its methods; ``past`` may be read by any thread.

    Args:
        metrics: What is recorded.
        clock: Gives the times of the ticks.
        tiers: How fine and how long, the finest first.
        budget: Bytes.
        block: Ticks that are packed together.
        collect: Seconds between two runs of collectors and gauge functions.
    """

    def __init__(
        self, metrics: Metrics, clock: RisingClock, *, tiers: Iterable[Tier], budget: int, block: int, collect: float
    ) -> None:
        self.clock = clock
        self.shelf = Shelf(max(1, budget // SERIES_SHARE // SERIES_BYTES))
        self.tiers = Tiers(tiers, budget, self._forget)
        self.hot = Hot()
        self.past = Past((), (self.hot,))
        self._metrics = metrics
        self._budget, self._block, self._collect = budget, block, collect
        self._collected: dict[str, AnyFamily] = {}
        self._collect_at = float("-inf")
        self._sealing: Hot | None = None
        self._room = anyio.Lock()
        self._selections = itertools.count(1)
        gauge = metrics.gauge
        self._bytes = gauge("trivet_history_bytes", "Memory that the history of metrics takes, about.")
        self._count = gauge("trivet_history_series", "Series that there is a history of.")
        self._evicted = metrics.counter(
            "trivet_history_evicted_total",
            "What the history had no room for: blocks and series that were dropped, births that were not recorded.",
            labels=("what",),
        )

    @property
    def size(self) -> int:
        """Bytes that all takes, about."""
        return self.tiers.size + self._besides

    @property
    def _besides(self) -> int:
        return sum(hot.size for hot in self.past.hots) + self.shelf.count * SERIES_BYTES

    def selected(self) -> int:
        """Return the number of a selection, greater than those before it."""
        return next(self._selections)

    async def tick(self) -> None:
        """Record the present values."""
        hot, now, breath = self.hot, self.clock.now(), Breath()
        if hot.times and now <= hot.times[-1]:
            return  # a clock of its own gives no time twice, but one that is injected may
        rows = {}
        for family in self._families(now):
            rows[family.name] = await hot.sheet(family.name, self.shelf).read(family, breath)
        hot.commit(now, rows)
        if not self._room.locked():  # else room is being made
            await self._make_room(breath)
        self._bytes.set(self.size)
        self._count.set(self.shelf.count)

    @property
    def is_full(self) -> bool:
        """Whether the newest rows are to be packed."""
        full = len(self.hot.times) >= self._block or self.hot.size >= self._budget // HOT_SHARE
        # What is no more can be forgotten only once it is packed.
        return full or (self._is_crowded and self.hot.gone > self.shelf.limit // EVICTED_SHARE)

    @property
    def _is_crowded(self) -> bool:
        return self.shelf.count > self.shelf.limit - self.shelf.limit // EVICTED_SHARE

    def _families(self, now: float) -> list[AnyFamily]:
        # Collectors run as seldom as for a scrape; what they and views made of other libraries' metrics stands meanwhile.
        if not 0 <= now - self._collect_at < self._collect:
            self._collected = {family.name: family for family in self._metrics.families()}
            self._collect_at = now
        return [*{**{one.name: one for one in self._metrics.registered()}, **self._collected}.values()]

    async def seal(self) -> None:
        """Pack the newest rows; ticks go on meanwhile. One that was cancelled is made up for by the next."""
        breath = Breath()
        if self._sealing is None:
            self._sealing, self.hot = self.hot, Hot()
            self._publish()
            self._count_refused(self._sealing)
        hot = self._sealing
        made = await sealed(hot, breath) if hot.times else None
        async with self._room:
            if made is not None:
                self.tiers.add(made)
            self._sealing = None
            self._publish()
            await self._forget_unheld(hot.series(), breath)
            await self.tiers.tidy(self._publish, breath)
            if self._is_crowded:
                await self._evict(breath)
        await self._make_room(breath)

    async def restore(self, generations: Iterable[Generation]) -> None:
        """Take what an earlier process has recorded, in the order of its times, before the first tick."""
        breath = Breath()
        for one in generations:
            if self.tiers.add(one):
                self.clock.pass_by(one.times[-1])
            else:
                await self._forget(one, False, breath)  # noqa: FBT003 - as declared
        self._publish()
        await self._make_room(breath)

    def _publish(self) -> None:
        hots = (self.hot,) if self._sealing is None else (self._sealing, self.hot)
        self.past = Past(self.tiers.all(), hots)

    async def _make_room(self, breath: Breath) -> None:
        async with self._room:
            await self.tiers.shrink(self._besides, self._publish, breath)

    async def _evict(self, breath: Breath) -> None:
        """Forget series that are no more, those first that nobody has asked for the longest, before births are refused."""
        gone = []
        for number, series in enumerate(self.shelf.all(), 1):
            if not self._is_hot(series):
                gone.append(series)
            if number % 100 == 0:
                await breath.take()
        gone.sort(key=lambda series: series.queried)
        spare = self.shelf.count - self.shelf.limit + 2 * (self.shelf.limit // EVICTED_SHARE)
        for series in gone[:spare]:
            for one in self.past.generations:
                one.take_out(series)
            self.shelf.forget(series)
            self._evicted["series",].inc()
            await breath.take()

    def _is_hot(self, series: Series) -> bool:
        return any(hot.holds(series) for hot in self.past.hots)

    def _count_refused(self, hot: Hot) -> None:
        refused = sum(sheet.refused for sheet in hot.sheets.values())
        if refused:
            self._evicted["birth",].inc(refused)

    async def _forget(self, dropped: Generation, scarce: bool, breath: Breath) -> None:  # noqa: FBT001 - as `Tiers` calls it
        if scarce:
            self._evicted["block",].inc(len(dropped.payloads))
        for series in dropped.payloads:
            series.held -= 1
        await self._forget_unheld(dropped.payloads, breath)

    async def _forget_unheld(self, some: Iterable[Series], breath: Breath) -> None:
        for number, series in enumerate(some, 1):
            if not series.held and not self._is_hot(series):
                self.shelf.forget(series)
            if number % 100 == 0:
                await breath.take()
