"""What overrides promise: they win while they last, are validated like everything else, and leave nothing behind."""

from __future__ import annotations

import re

import anyio
import attrs
import pytest

from trivet import ConfigError, ConfigNotLoadedError, KernelStateError, Secret
from trivet.config import steering
from trivet.config.layer import DELETE
from trivet.config.veto import Veto
from trivet.events import ConfigRejected

LIMIT = 10
NO_SECRET = Secret("")


@attrs.frozen
class Database:
    url: str = "sqlite:"
    size: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    hosts: tuple[str, ...] = ()
    password: Secret[str] = NO_SECRET
    labels: dict[str, str] = attrs.field(factory=dict)


class Gate:
    """A participant that refuses while it is closed."""

    def __init__(self):
        self.closed = False

    async def prepare(self, _old, _new):
        if self.closed:
            raise Veto("closed")

    async def commit(self):
        """Nothing to do."""

    async def rollback(self):
        """Nothing to do."""


@pytest.fixture
def live(bench):
    """A section of a loaded configuration."""
    bench.memory.put("base", {"database": {"size": 4, "url": "base:"}})
    return bench.config.bind("database", Database)


async def wait_until(condition):
    with anyio.fail_after(LIMIT):
        while not condition():
            await anyio.sleep(0.01)


async def test_an_override_wins_and_says_whose_it_is(bench, live):
    bench.memory.put("arguments", {"database": {"size": 6}}, priority=800)
    await bench.config.load()
    made = await bench.config.override(
        {"database.size": 20, "database.hosts": ["a", "b"]}, actor="alice", reason="load"
    )
    assert (live.current.size, live.current.hosts, live.current.url) == (20, ("a", "b"), "base:")
    explained = bench.config.explain("database.size")
    assert str(explained.origin) == "override by alice"
    assert [str(one.origin) for one in explained.shadowed] == ["arguments:database.size", "base:database.size"]
    latest = bench.config.history()[-1]
    assert (latest.reason, latest.actor) == ("override by alice: load", "alice")
    assert bench.config.overrides() == (made,)
    assert (made.paths, made.until) == (("database.size", "database.hosts"), None)


async def test_an_override_loads_nothing_and_survives_reloads(bench, live):
    await bench.config.load()
    await bench.config.override({"database.size": 20})
    assert bench.memory.loads == 1
    bench.memory.put("base", {"database": {"size": 5, "url": "new:"}})
    await bench.config.reload()
    assert (live.current.size, live.current.url) == (20, "new:")


async def test_a_removed_override_leaves_what_it_hid(bench, live):
    await bench.config.load()
    before = live.current
    made = await bench.config.override({"database.size": 20})
    outcome = await bench.config.remove_override(made, actor="bob", reason="calm again")
    assert (outcome.applied, outcome.changed) == (True, ("database.size",))
    assert live.current == before
    assert bench.config.history()[-1].reason == "end of the override by the application by bob: calm again"
    generation = bench.config.generation
    assert (await bench.config.remove_override(made.id)).applied
    assert (bench.config.generation, bench.config.overrides()) == (generation, ())


async def test_a_refused_override_changes_nothing(bench, live):
    await bench.config.load()
    with pytest.raises(ConfigError, match=r"override by alice: error: database\.size: must be >= 1, got 0"):
        await bench.config.override({"database.size": 0}, actor="alice")
    with pytest.raises(ConfigError, match="did you mean 'size'"):
        await bench.config.override({"database.sise": 4})
    assert (live.current.size, bench.config.generation, bench.config.overrides()) == (4, 1, ())
    # The configuration itself is as the sources say: only who asked has a problem.
    assert bench.config.problems == ()
    assert bench.of(ConfigRejected)[0].actor == "alice"
    assert (await bench.config.reload()).applied


async def test_a_participant_may_refuse_an_override_and_its_end(bench, live):
    gate = Gate()
    await bench.config.load()
    bench.config.add_participant("pool", gate)
    made = await bench.config.override({"database.size": 20})
    gate.closed = True
    with pytest.raises(ConfigError, match="pool refused the reload: closed"):
        await bench.config.override({"database.size": 30})
    outcome = await bench.config.remove_override(made)
    assert (outcome.applied, live.current.size, bench.config.overrides()) == (False, 20, (made,))
    gate.closed = False
    assert (await bench.config.remove_override(made)).applied
    assert live.current.size == 4


async def test_the_later_of_two_overrides_wins(bench, live):
    await bench.config.load()
    first = await bench.config.override({"database.size": 20})
    second = await bench.config.override({"database.size": 30})
    assert live.current.size == 30
    await bench.config.remove_override(second)
    assert live.current.size == 20
    await bench.config.remove_override(first)
    assert live.current.size == 4


async def test_an_override_may_remove_a_value(bench, live):
    bench.memory.put("base", {"database": {"size": 4, "labels": {"a": "1", "b": "2"}}})
    await bench.config.load()
    await bench.config.override({"database.size": DELETE, "database.labels.a": DELETE})
    assert (live.current.size, live.current.labels) == (3, {"b": "2"})


async def test_a_secret_in_an_override_stays_one(bench, live):
    await bench.config.load()
    await bench.config.override({"database.password": Secret("hunter2"), "database.url": Secret("hunter3")})
    assert (live.current.password.reveal(), live.current.url) == ("hunter2", "hunter3")
    shown = repr((bench.config.show(), bench.config.explain("database"), bench.events, bench.config.overrides()))
    assert "hunter" not in shown


async def test_an_override_refers_to_values_and_a_secret_to_nothing(bench, live):
    """As in every layer: a generated password may hold what looks like a reference."""
    await bench.config.load()
    await bench.config.override({"database.url": "x-${database.size}", "database.labels.a": "${database.url}"})
    await bench.config.override({"database.password": Secret("${database.url}")})
    wanted = ("x-4", {"a": "x-4"}, "${database.url}")
    assert (live.current.url, live.current.labels, live.current.password.reveal()) == wanted
    await bench.config.reload()
    assert (live.current.url, live.current.labels, live.current.password.reveal()) == wanted
    await bench.config.override({"database.size": 5})
    assert (live.current.url, live.current.password.reveal()) == ("x-5", "${database.url}")


async def test_who_gave_a_value_may_change_it_afterwards(bench, live):
    await bench.config.load()
    hosts = ["a"]
    await bench.config.override({"database.hosts": hosts})
    hosts.append("b")
    await bench.config.reload()
    assert live.current.hosts == ("a",)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "at least one value"),
        ({"database.hosts[0]": "a"}, "a list is set as a whole"),
        ({"": 1}, "names no value"),
        ({"a..b": 1}, "is no path"),
        ({"database": {"size": 1}, "database.size": 2}, "database.size lies in another path"),
        ({"database.size": 2, "database": {"size": 1}}, "database.size lies in another path"),
    ],
)
async def test_what_cannot_be_set_is_refused_with_a_reason(bench, live, values, text):
    await bench.config.load()
    with pytest.raises(ValueError, match=re.escape(text)):
        await bench.config.override(values)
    assert bench.config.overrides() == ()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
async def test_the_time_of_an_override_is_a_time(bench, live, seconds):
    await bench.config.load()
    with pytest.raises(ValueError, match="expires_in"):
        await bench.config.override({"database.size": 5}, expires_in=seconds)


async def test_an_override_ends_when_its_time_is_over(bench, live):
    await bench.config.load()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.config.expire_overrides)
        lasting = await bench.config.override({"database.url": "lasting:"}, expires_in=3600)
        await bench.config.override({"database.size": 20}, expires_in=0.1, actor="alice")
        assert re.fullmatch(
            r"override by alice \(until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)",
            str(bench.config.at(3).explain("database.size").origin),
        )
        await wait_until(lambda: live.current.size == 4)
        tasks.cancel_scope.cancel()
    assert bench.config.overrides() == (lasting,)
    latest = bench.config.history()[-1]
    assert (latest.actor, latest.reason.startswith("override by alice (until ")) == (None, True)
    assert latest.reason.endswith(" expired")
    assert bench.memory.loads == 1


async def test_an_end_that_is_refused_is_tried_again(bench, live, monkeypatch):
    monkeypatch.setattr(steering, "RETRY_SECONDS", 0.01)
    gate = Gate()
    await bench.config.load()
    bench.config.add_participant("pool", gate)
    async with anyio.create_task_group() as tasks:
        await bench.config.override({"database.size": 20}, expires_in=0.05)
        gate.closed = True
        tasks.start_soon(bench.config.expire_overrides)
        await wait_until(lambda: len(bench.of(ConfigRejected)) > 1)
        assert live.current.size == 20
        gate.closed = False
        await wait_until(lambda: live.current.size == 4)
        tasks.cancel_scope.cancel()
    assert bench.config.overrides() == ()


async def test_overrides_work_on_a_pinned_generation(bench, live):
    await bench.config.load()
    await bench.config.pin(actor="alice")
    made = await bench.config.override({"database.size": 20})
    bench.memory.put("base", {"database": {"size": 5, "url": "new:"}})
    assert not (await bench.config.reload()).applied
    assert (live.current.size, live.current.url) == (20, "base:")
    await bench.config.remove_override(made)
    assert live.current.size == 4


async def test_an_override_works_while_the_sources_are_broken(bench, live):
    await bench.config.load()
    bench.memory.put("base", {"database": {"size": 0}})
    await bench.config.reload()
    await bench.config.override({"database.size": 20})
    assert live.current.size == 20
    assert bench.config.problems


async def test_a_rollback_ends_all_overrides(bench, live):
    """What it brings back of an override is then a value of that generation, which no expiry takes away."""
    await bench.config.load()
    made = await bench.config.override({"database.size": 20}, actor="alice")
    await bench.config.override({"database.url": "later:"})
    await bench.config.rollback(2)
    assert (live.current.size, live.current.url, bench.config.overrides()) == (20, "base:", ())
    assert str(bench.config.explain("database.size").origin) == "override by alice"
    await bench.config.remove_override(made)
    await bench.config.override({"database.url": "again:"})
    assert (live.current.size, live.current.url) == (20, "again:")
    await bench.config.unpin()
    assert (live.current.size, live.current.url) == (4, "again:")


async def test_a_block_overrides_for_its_length(bench, live):
    await bench.config.load()
    async with bench.config.overridden({"database.size": 1}):
        assert live.current.size == 1
        async with bench.config.overridden({"database.size": 2}):
            assert live.current.size == 2
        assert live.current.size == 1
    assert (live.current.size, bench.config.overrides()) == (4, ())


async def test_a_block_that_fails_or_is_cancelled_leaves_nothing_behind(bench, live):
    await bench.config.load()
    with pytest.raises(ZeroDivisionError):
        async with bench.config.overridden({"database.size": 1}):
            _ = 1 / 0
    with anyio.CancelScope() as scope:
        async with bench.config.overridden({"database.size": 1}):
            scope.cancel()
            await anyio.sleep_forever()
    assert (live.current.size, bench.config.overrides()) == (4, ())


async def test_a_block_whose_values_are_refused_does_not_run(bench, live):
    await bench.config.load()
    with pytest.raises(ConfigError):
        async with bench.config.overridden({"database.size": "many"}):
            raise AssertionError
    with pytest.raises(KernelStateError, match="write 'async with'"), bench.config.overridden({"database.size": 1}):
        raise AssertionError


async def test_a_plain_block_overrides_for_a_whole_life(bench, live):
    with bench.config.overridden({"database.size": 1}):
        await bench.config.load()
        assert live.current.size == 1
    await bench.config.reload()
    assert live.current.size == 4


async def test_nothing_is_overridden_before_the_load(bench, live):
    with pytest.raises(ConfigNotLoadedError):
        await bench.config.override({"database.size": 1})
    assert bench.config.overrides() == ()
