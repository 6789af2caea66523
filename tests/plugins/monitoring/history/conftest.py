"""A history whose clock the test turns."""

from __future__ import annotations

import pytest

from trivet import Matcher
from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.history import TIERS
from trivet_plugins.monitoring.history.clock import RisingClock
from trivet_plugins.monitoring.history.reader import RecordedHistory
from trivet_plugins.monitoring.history.recorder import Recorder

FOR_EVER = (0.0, 1e12)


class Scene:
    """Metrics, what records them, and a clock that `tick` moves."""

    def __init__(self, *, tiers=TIERS, budget=64 << 20, block=300, limit=10_000, start=1_000.0):
        self.wall = self.monotonic = start
        self.metrics = Metrics(limit=limit)
        self.recorder = Recorder(
            self.metrics,
            RisingClock(wall=lambda: self.wall, monotonic=lambda: self.monotonic),
            tiers=tiers,
            budget=budget,
            block=block,
            collect=5,
        )
        self.history = RecordedHistory(self.recorder, self.metrics)

    def pass_by(self, seconds):
        self.wall += seconds
        self.monotonic += seconds

    async def tick(self, seconds=1.0):
        self.pass_by(seconds)
        await self.recorder.tick()
        if self.recorder.is_full:
            await self.recorder.seal()

    def find(self, name, **labels):
        matchers = [Matcher("__name__", "=", name), *(Matcher(label, "=", value) for label, value in labels.items())]
        (series,) = self.history.select(matchers)
        return series

    def samples(self, name, start=FOR_EVER[0], end=FOR_EVER[1], **labels):
        found = self.history.samples(self.find(name, **labels), start, end)
        return list(zip(found.times, found.values, strict=True))

    def value(self, metric, *labels):
        return self.metrics.get(metric)[labels].value


@pytest.fixture
def scene():
    """The class, to be made with what the test wants."""
    return Scene
