"""What `kernel.config` promises of the past: the last snapshots are there to look at, to compare, and to go back to."""

from __future__ import annotations

import attrs
import pytest

from trivet import ConfigError, ConfigNotLoadedError, Secret, UnknownPathError
from trivet.config.history import HISTORY_SIZE, UnknownGenerationError
from trivet.config.veto import Veto
from trivet.events import ConfigPinned, ConfigRejected, ConfigReloaded, ConfigWarning

NO_SECRET = Secret("")


@attrs.frozen
class Database:
    url: str = "sqlite:"
    size: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    password: Secret[str] = NO_SECRET


@attrs.frozen
class Other:
    value: int = 0


class Participant:
    """Refuses what it is told to refuse, and notes what it is asked."""

    def __init__(self, refuse=lambda _old, _new: False):
        self.refuse = refuse
        self.calls = []

    async def prepare(self, old, new):
        self.calls.append(("prepare", old.generation, new.generation))
        if self.refuse(old, new):
            raise Veto("not now")

    async def commit(self):
        self.calls.append("commit")

    async def rollback(self):
        self.calls.append("rollback")


async def advance(bench, **database):
    """Set the section and reload."""
    bench.memory.put("base", {"database": database})
    return await bench.config.reload("file changed: base")


@pytest.fixture
def live(bench):
    """A section whose layer ``base`` the tests set."""
    bench.config.bind("other", Other)
    return bench.config.bind("database", Database)


async def test_the_history_says_when_why_and_by_whom(bench, live):
    await bench.config.load()
    await advance(bench, size=5)
    bench.memory.put("base", {"database": {"size": 6}})
    await bench.config.reload("asked over HTTP", actor="alice")
    assert [(one.generation, one.reason, one.actor, one.changed) for one in bench.config.history()] == [
        (1, "start", None, ()),
        (2, "file changed: base", None, ("database.size",)),
        (3, "asked over HTTP", "alice", ("database.size",)),
    ]
    created = [one.created for one in bench.config.history()]
    assert created == sorted(created)
    assert bench.config.history()[-1] is bench.config.snapshot
    assert [one.of(live).size for one in bench.config.history()] == [3, 5, 6]
    assert bench.of(ConfigReloaded)[-1].actor == "alice"


async def test_what_changes_nothing_makes_no_generation(bench, live):
    await bench.config.load()
    await bench.config.reload()
    await advance(bench, size=3)
    assert [one.generation for one in bench.config.history()] == [1, 2]
    bench.memory.put("stronger", {"database": {"size": 3}}, priority=200)
    await bench.config.reload()
    assert [one.generation for one in bench.config.history()] == [1, 2]
    assert bench.config.history()[-1] is bench.config.snapshot
    assert str(bench.config.explain("database.size", at=2).origin) == "stronger:database.size"


async def test_the_history_is_bounded(bench, live):
    await bench.config.load()
    for size in range(10, 10 + HISTORY_SIZE):
        await advance(bench, size=size)
    assert [one.generation for one in bench.config.history()] == [*range(2, HISTORY_SIZE + 2)]
    with pytest.raises(UnknownGenerationError, match=r"generation 1 is not in the history; 2 to 21 are there"):
        bench.config.at(1)


async def test_a_late_binding_is_part_of_the_present_generation(bench, live):
    await bench.config.load()
    late = bench.config.bind("late", Other)
    assert bench.config.history()[-1].of(late) == Other()


async def test_what_is_bound_during_a_reload_that_changes_nothing_stays(bench, live):
    class Binding:
        async def load(self, _context):
            if bench.config.generation:
                self.late = bench.config.bind("late", Other)
            return []

    source = Binding()
    bench.config.add_source("binding", source)
    await bench.config.load()
    assert (await bench.config.reload()).generation == 1
    assert bench.config.snapshot.of(source.late) == Other()


async def test_explain_works_on_any_generation(bench, live):
    await bench.config.load()
    await advance(bench, size=5)
    bench.memory.put("stronger", {"database": {"size": 7}}, priority=200)
    await bench.config.reload()
    then = bench.config.explain("database.size", at=2)
    assert (then.value, str(then.origin), then.shadowed) == (5, "base:database.size", ())
    now = bench.config.explain("database.size")
    assert (now.value, str(now.origin), len(now.shadowed)) == (7, "stronger:database.size", 1)
    assert bench.config.explain("database.size", at=1).value == 3
    with pytest.raises(UnknownPathError):
        bench.config.explain("database.sise", at=1)
    with pytest.raises(UnknownGenerationError):
        bench.config.explain("database.size", at=9)


async def test_a_difference_has_both_values_and_their_places(bench, live):
    await bench.config.load()
    await advance(bench, size=5, password="hunter2", url="postgres://u:pw-one@db/x")
    await advance(bench, size=5, password="hunter3", url="postgres://u:pw-one@db/x")
    first, second = bench.config.diff(1, 2), bench.config.diff(2)
    assert {one.path: (one.before.value, one.after.value) for one in first} == {
        ("database", "url"): ("sqlite:", "postgres://u:***@db/x"),
        ("database", "size"): (3, 5),
        ("database", "password"): ("***", "***"),
    }
    sizes = next(one for one in first if one.path[-1] == "size")
    assert "default of" in str(sizes.before.origin)
    assert str(sizes.after.origin) == "base:database.size"
    assert [one.path for one in second] == [("database", "password")]
    assert bench.config.diff(3, 3) == ()
    shown = repr((first, second, bench.config.history(), bench.config.at(2).show()))
    assert not [secret for secret in ("hunter2", "hunter3", "pw-one") if secret in shown]


async def test_a_rollback_is_a_new_generation_with_the_old_values(bench, live):
    await bench.config.load()
    await advance(bench, size=5)
    five = live.current
    await advance(bench, size=6, url="new:")
    participant = Participant()
    bench.config.add_participant("pool", participant)
    outcome = await bench.config.rollback(2, actor="alice", reason="too many connections")
    assert (outcome.applied, outcome.generation) == (True, 4)
    assert set(outcome.changed) == {"database.size", "database.url"}
    assert live.current is five
    assert participant.calls == [("prepare", 3, 4), "commit"]
    latest = bench.config.history()[-1]
    assert (latest.reason, latest.actor) == ("rollback to 2 by alice: too many connections", "alice")
    assert latest.fingerprint == bench.config.history()[1].fingerprint
    assert str(bench.config.explain("database.size").origin) == "base:database.size"


async def test_a_rollback_loads_nothing_and_holds_back_reloads(bench, live):
    """What was rolled back must not return with the next change of any file; `unpin` loads anew."""
    await bench.config.load()
    await advance(bench, size=5)
    loads = bench.memory.loads
    await bench.config.rollback(1, actor="alice")
    outcome = await advance(bench, size=8)
    assert bench.memory.loads == loads
    assert (outcome.applied, outcome.generation, live.current.size) == (False, 3, 3)
    assert "generation 3 is pinned by alice" in str(outcome.problems[0])
    pin = bench.config.pinned
    assert (pin.generation, pin.actor, pin.held, pin.last) == (3, "alice", 1, "file changed: base")
    assert "unpin to reload" in bench.of(ConfigWarning)[-1].message
    assert bench.config.problems == ()
    outcome = await bench.config.unpin(actor="bob")
    assert (outcome.applied, outcome.generation, live.current.size) == (True, 4, 8)
    assert bench.config.pinned is None
    assert bench.config.history()[-1].reason == "unpin by bob"
    assert [(one.pinned, one.actor) for one in bench.of(ConfigPinned)] == [(True, "alice"), (False, "bob")]


async def test_whoever_asks_again_and_again_is_told_once(bench, live):
    """A source that polls asks every few seconds as long as the pin holds."""
    await bench.config.load()
    await bench.config.pin(actor="alice")
    for reason in ("poll", "poll", "SIGHUP", "poll"):
        assert not (await bench.config.reload(reason)).applied
    assert bench.config.pinned.held == 4
    assert len(bench.of(ConfigWarning)) == 3


async def test_a_vetoed_rollback_changes_nothing(bench, live):
    await bench.config.load()
    await advance(bench, size=5)
    bench.config.add_participant("pool", Participant(lambda _old, _new: True))
    outcome = await bench.config.rollback(1, actor="alice")
    assert not outcome.applied
    assert "pool refused the reload: not now" in str(outcome.problems[0])
    assert (live.current.size, bench.config.pinned, bench.config.generation) == (5, None, 2)
    # What the sources say is in force, so nothing is wrong with the configuration.
    assert bench.config.problems == ()
    assert bench.of(ConfigRejected)[-1].actor == "alice"


async def test_a_rollback_gives_sections_bound_since_what_they_would_have_had(bench, live):
    bench.memory.put("base", {"database": {"size": 4}})
    await bench.config.load()
    late = bench.config.bind("late", Other)
    bench.memory.put("late", {"late": {"value": 7}})
    await advance(bench, size=5)
    assert late.current.value == 7
    await bench.config.rollback(1)
    assert (late.current.value, live.current.size) == (0, 4)


async def test_a_rollback_to_what_is_in_force_only_pins(bench, live):
    await bench.config.load()
    outcome = await bench.config.rollback(1, actor="alice")
    assert (outcome.applied, outcome.generation, bench.config.pinned.generation) == (True, 1, 1)


async def test_a_rollback_works_while_the_sources_are_broken(bench, live):
    """That is when it is needed; that the sources are broken is still said."""
    await bench.config.load()
    await advance(bench, size=5)
    await advance(bench, size=0)
    assert bench.config.problems
    assert (await bench.config.rollback(1)).applied
    assert live.current.size == 3
    assert bench.config.problems
    assert not (await bench.config.unpin()).applied
    assert bench.config.pinned is None
    await advance(bench, size=9)
    assert (live.current.size, bench.config.problems) == (9, ())


async def test_going_back_is_possible_from_a_rollback_too(bench, live):
    await bench.config.load()
    await advance(bench, size=5)
    await bench.config.rollback(1)
    await bench.config.rollback(2)
    assert (live.current.size, bench.config.generation) == (5, 4)


async def test_an_unknown_generation_is_refused_by_name(bench, live):
    await bench.config.load()
    with pytest.raises(UnknownGenerationError, match=r"generation 7 .* 1 to 1 are there"):
        await bench.config.rollback(7)
    assert bench.config.pinned is None


@pytest.mark.parametrize("actor", ["", "  ", "two\nlines", "\x1b[31m", "a" * 201])
async def test_who_acts_is_one_printable_line(bench, live, actor):
    """It is written to logs and shown on pages."""
    await bench.config.load()
    with pytest.raises(ValueError, match="actor must"):
        await bench.config.pin(actor=actor)
    with pytest.raises(ValueError, match="reason must"):
        await bench.config.rollback(1, actor="alice", reason="two\nlines")


async def test_nothing_is_steered_before_the_load(bench, live):
    for call in (bench.config.pin, bench.config.unpin, lambda: bench.config.rollback(1)):
        with pytest.raises(ConfigNotLoadedError):
            await call()
    assert (bench.config.history(), bench.config.pinned) == ((), None)


async def test_a_new_life_begins_unpinned_and_remembers(bench, live):
    await bench.config.load()
    await bench.config.pin(actor="alice")
    bench.memory.put("base", {"database": {"size": 9}})
    await bench.config.load()
    assert (bench.config.pinned, live.current.size) == (None, 9)
    assert [one.generation for one in bench.config.history()] == [1, 2]


async def test_a_load_that_is_rejected_leaves_no_trace(bench, live):
    bench.memory.put("base", {"database": {"size": 0}})
    with pytest.raises(ConfigError):
        await bench.config.load()
    assert bench.config.history() == ()
