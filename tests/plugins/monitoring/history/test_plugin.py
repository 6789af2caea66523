"""The plugin in a running kernel."""

from __future__ import annotations

import anyio
import pytest

from trivet import Matcher, MetricHistory
from trivet_plugins.monitoring import history as plugin
from trivet_plugins.monitoring.history import HistoryConfig
from trivet_plugins.monitoring.history.tiers import Tier


async def test_it_ticks_and_packs_while_the_service_runs(kernel_factory):
    """Samples of one interval after the other, over more blocks than one."""
    kernel = await kernel_factory({"plugins": {"history": {"interval": 0.01, "block": 5}}}, plugins=[plugin])
    history = kernel.service(MetricHistory)
    assert isinstance(history, MetricHistory)
    counter = kernel.metrics.counter("jobs", "Jobs.")
    found = None
    with anyio.fail_after(20):
        while found is None or len(found.times) < 12:
            counter.inc()
            await anyio.sleep(0.002)
            (series,) = history.select([Matcher("__name__", "=", "jobs_total")]) or (None,)
            found = history.samples(series, 0, history.now()) if series else None
    assert list(found.times) == sorted(set(found.times))
    assert list(found.values) == sorted(found.values)
    assert kernel.metrics.get("trivet_history_bytes")[()].value > 0


async def test_its_section_sets_the_tiers(kernel_factory):
    tiers = [{"step": 0, "keep": 60}, {"step": 30, "keep": 3600}]
    kernel = await kernel_factory({"plugins": {"history": {"tiers": tiers, "budget": "2MiB"}}}, plugins=[plugin])
    assert isinstance(kernel.service(MetricHistory), MetricHistory)


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ({"tiers": []}, "first tier has step = 0"),
        ({"tiers": [{"step": 0, "keep": 60}, {"step": 0, "keep": 60}]}, "coarser than the one before"),
        ({"tiers": [{"step": 0, "keep": 0}]}, "more than 0"),
        ({"budget": 1000}, "at least 1 MiB"),
        ({"interval": 0}, "interval"),
        ({"block": 1}, "block"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(section, why):
    tiers = {"tiers": tuple(Tier(**tier) for tier in section["tiers"])} if "tiers" in section else {}
    with pytest.raises(ValueError, match=why):
        HistoryConfig(**{**section, **tiers})


async def test_matchers_choose_as_in_promql(kernel_factory):
    kernel = await kernel_factory({"plugins": {"history": {"interval": 0.01}}}, plugins=[plugin])
    gauge = kernel.metrics.gauge("g", "G.", labels=("x", "y"))
    for x in ("a", "b", "ab"):
        gauge.labels(x, "").set(1)
    history = kernel.service(MetricHistory)

    def chosen(*matchers):
        return sorted(series.labels["x"] for series in history.select([Matcher("__name__", "=~", "g"), *matchers]))

    with anyio.fail_after(20):
        while len(chosen()) < 3:
            await anyio.sleep(0.01)
    assert chosen(Matcher("x", "=", "a")) == ["a"]
    assert chosen(Matcher("x", "!=", "a")) == ["ab", "b"]
    assert chosen(Matcher("x", "=~", "a|b")) == ["a", "b"]
    assert chosen(Matcher("x", "!~", "a.*")) == ["b"]
    assert chosen(Matcher("y", "=", ""), Matcher("z", "=", "")) == ["a", "ab", "b"]
    with pytest.raises(ValueError, match="no regular expression"):
        Matcher("x", "=~", "(")
    with pytest.raises(ValueError, match="1,000 characters"):
        Matcher("x", "=~", "a" * 1_001)
