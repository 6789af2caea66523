"""What `kernel.config` promises: typed sections, one report of all problems, reloads that never leave a half-way state."""

from __future__ import annotations

import threading

import anyio
import attrs
import pytest

from trivet import (
    ConfigError,
    ConfigNotLoadedError,
    Origin,
    Problem,
    Resolved,
    Secret,
    UnknownPathError,
)
from trivet.config import loading, participants, resolution
from trivet.config.veto import Veto
from trivet.events import ConfigRejected, ConfigReloaded, ConfigWarning

LIMIT = 10


NO_SECRET = Secret("")


@attrs.frozen
class Pool:
    size: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    debug: bool = False


@attrs.frozen
class Database:
    url: str = "sqlite:"
    password: Secret[str] = NO_SECRET
    pool: Pool = Pool()
    hosts: tuple[str, ...] = ()
    labels: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Required:
    url: str
    port: int = attrs.field(validator=attrs.validators.in_(range(1, 65536)))


@attrs.frozen
class Other:
    value: int = 0


@attrs.frozen
class Span:
    low: int = 0
    high: int = attrs.field(default=1)

    @high.validator
    def _above(self, _attribute, value):
        if value < self.low:
            msg = "high must not be below low"
            raise ValueError(msg)


# -- binding ------------------------------------------------------------------------------------------------------------------


async def test_a_read_before_the_load_says_what_to_do(bench):
    live = bench.config.bind("database", Database)
    with pytest.raises(ConfigNotLoadedError, match=r"'database' was read before .* inside 'async with kernel'"):
        _ = live.current
    with pytest.raises(AttributeError):
        _ = live.no_such_thing
    for read in (lambda: bench.config.snapshot, bench.config.show, lambda: bench.config.explain("database")):
        with pytest.raises(ConfigNotLoadedError):
            read()
    with pytest.raises(ConfigNotLoadedError):
        await bench.config.reload()
    assert (bench.config.generation, bench.config.fingerprint) == (0, "")


async def test_a_section_that_nobody_sets_has_its_defaults(bench):
    live = bench.config.bind("database", Database)
    await bench.config.load()
    assert live.current == Database()


def test_binding_reads_nothing(bench):
    bench.config.bind("database", Database)
    assert bench.memory.loads == 0


def test_the_same_binding_again_is_the_same_handle(bench):
    assert bench.config.bind("database", Database) is bench.config.bind("database", Database)


@pytest.mark.parametrize("section", ["database", "database.pool"])
def test_a_section_belongs_to_one_class(bench, section):
    bench.config.bind(section, Database)
    with pytest.raises(ValueError, match=r"clashes with 'database.*', bound to Database"):
        bench.config.bind("database", Pool)


@pytest.mark.parametrize("name", ["", "a..b", ".a"])
def test_a_section_has_a_proper_name(bench, name):
    with pytest.raises(ValueError, match="a section is named like"):
        bench.config.bind(name, Database)


def test_only_attrs_classes_are_bound(bench):
    with pytest.raises(TypeError, match="takes an attrs class"):
        bench.config.bind("database", dict)


async def test_a_late_binding_is_structured_at_once(bench):
    bench.config.bind("database", Database)
    await bench.config.load()
    assert bench.config.bind("late", Other).current == Other(0)
    with pytest.raises(ConfigError, match=r"error: later\.url: required, set nowhere"):
        bench.config.bind("later", Required)
    assert (await bench.config.reload()).applied
    assert bench.config.show()["late"] == {"value": 0}


# -- the report ---------------------------------------------------------------------------------------------------------------


NO_BOOLEAN = "expected a boolean (true/false/yes/no/on/off/1/0)"
NO_PLUGIN = "unknown key: no plugin that is loaded has a section of this name"


async def problems_of(bench):
    with pytest.raises(ConfigError) as caught:
        await bench.config.load()
    assert bench.config.problems == caught.value.problems
    return [str(problem) for problem in caught.value.problems]


async def test_all_problems_of_all_layers_come_in_one_report(bench):
    """Wrong types, refused values, unknown keys and what is missing, of files and text alike, in the order of layers."""
    bench.config.bind("database", Database)
    bench.config.bind("api", Required)
    bench.memory.put("base", {"database": {"pool": {"size": 0, "siez": 1}, "url": 5}, "api": {"port": 0}})
    bench.memory.put("drop-in", {"database": {"hosts": ["a", 2]}, "databse": {"url": "x"}}, priority=200)
    bench.memory.put("env", {"database": {"pool": {"debug": "maybe"}}}, priority=700, text=True)
    assert await problems_of(bench) == [
        "base:api: error: api.url: required, set nowhere; set it in a file or as ORDERS_API__URL",
        "base:api.port: error: api.port: must be in range(1, 65536) (got 0)",
        "base:database.pool.siez: error: database.pool.siez: unknown key; did you mean 'size'?",
        "base:database.pool.size: error: database.pool.size: must be >= 1, got 0",
        "base:database.url: error: database.url: expected a string, not an integer, got 5; put it in quotes",
        "drop-in:database.hosts.1: error: database.hosts[1]: expected a string, not an integer, got 2; put it in quotes",
        "drop-in:databse: error: databse: unknown key: nothing binds a section of this name; did you mean 'database'?",
        f"env:database.pool.debug: error: database.pool.debug: {NO_BOOLEAN}, got 'maybe'",
    ]
    assert bench.config.generation == 0


async def test_a_problem_names_the_other_places_that_set_the_value(bench):
    bench.config.bind("other", Other)
    bench.memory.put("base", {"other": {"value": 1}})
    bench.memory.put("profile", {"other": {"value": "x"}}, priority=300)
    assert await problems_of(bench) == [
        "profile:other.value: error: other.value: expected an integer, not a string, got 'x' (also set at base:other.value)"
    ]


async def test_what_is_missing_without_any_place_names_the_variable(bench):
    bench.config.bind("api", Required)
    assert await problems_of(bench) == [
        "error: api.url: required, set nowhere; set it in a file or as ORDERS_API__URL",
        "error: api.port: required, set nowhere; set it in a file or as ORDERS_API__PORT",
    ]


async def test_a_document_that_does_not_parse_is_not_reported_as_missing_keys(bench):
    bench.config.bind("api", Required)
    bench.config.bind("other", Other)
    broken = Problem("not valid TOML", Origin("base", "base.toml", 3, 1))
    bench.memory.put("base", {}, problems=(broken,))
    bench.memory.put("env", {"other": {"value": "x"}}, priority=700, text=True)
    assert await problems_of(bench) == [
        "base.toml:3:1: error: not valid TOML",
        "env:other.value: error: other.value: expected an integer, got 'x'",
    ]


async def test_validators_over_several_fields_speak_once_the_fields_are_right(bench):
    bench.config.bind("span", Span)
    bench.memory.put("base", {"span": {"low": 5, "high": 2}})
    assert await problems_of(bench) == ["base:span: error: span: high must not be below low"]


async def test_a_source_that_fails_is_a_problem_among_the_others(bench):
    bench.config.bind("other", Other)
    bench.memory.put("base", {"other": {"value": "x"}})

    class Unreachable:
        async def load(self, context):
            msg = "no route to host"
            raise OSError(msg)

    remove = bench.config.add_source("remote", Unreachable())
    found = await problems_of(bench)
    assert "config_source/remote: error: the source could not be loaded: OSError: no route to host" in found
    assert any("other.value" in problem for problem in found)
    remove()
    bench.memory.put("base", {"other": {"value": 1}})
    await bench.config.load()


async def test_a_source_that_hangs_is_given_up(bench, monkeypatch):
    monkeypatch.setattr(loading, "SOURCE_SECONDS", 0.05)

    class Hanging:
        async def load(self, context):
            await anyio.sleep_forever()

    bench.config.add_source("remote", Hanging())
    assert await problems_of(bench) == ["config_source/remote: error: the source did not answer within 0.05 s"]


async def test_plugins_take_enable_block_and_bound_sections_only(bench):
    bench.config.bind("plugins.watcher", Other)
    bench.memory.put(
        "base", {"plugins": {"enable": ["etcd"], "block": "x", "watcher": {"value": 1}, "watchr": {"value": 1}}}
    )
    assert await problems_of(bench) == [
        "base:plugins.block: error: plugins.block: expected a list, not a string, got 'x'",
        f"base:plugins.watchr: error: plugins.watchr: {NO_PLUGIN}; did you mean 'watcher'?",
    ]


async def test_a_scalar_where_sections_lie_is_refused(bench):
    bench.config.bind("plugins.watcher", Other)
    bench.memory.put("base", {"plugins": 5})
    assert "plugins: expected a table, not an integer, got 5" in (await problems_of(bench))[0]


async def test_a_removal_of_what_is_not_there_is_a_problem(bench):
    from trivet.config.layer import DELETE

    bench.config.bind("other", Other)
    bench.memory.put("set", {"other": {"valeu": DELETE}}, priority=800, text=True)
    assert await problems_of(bench) == ["set:other.valeu: error: other.valeu: unknown key; did you mean other.value?"]


async def test_a_removal_brings_the_default_back(bench):
    from trivet.config.layer import DELETE

    live = bench.config.bind("other", Other)
    bench.memory.put("base", {"other": {"value": 5}})
    bench.memory.put("set", {"other": {"value": DELETE}}, priority=800, text=True)
    await bench.config.load()
    assert live.current == Other(0)


# -- text layers --------------------------------------------------------------------------------------------------------------


async def test_json_text_merges_into_tables_and_replaces_lists(bench):
    live = bench.config.bind("database", Database)
    bench.memory.put("base", {"database": {"pool": {"size": 2, "debug": True}, "hosts": ["a"], "labels": {"a": "1"}}})
    text = {"database": {"pool": '{"size": 9}', "hosts": "b, c", "labels": '{"b": "2"}'}}
    bench.memory.put("env", text, priority=700, text=True)
    await bench.config.load()
    assert live.current == Database(pool=Pool(9, debug=True), hosts=("b", "c"), labels={"a": "1", "b": "2"})
    assert str(bench.config.explain("database.pool.size").origin) == "env:database.pool"


async def test_a_problem_inside_json_text_is_placed_at_the_variable(bench):
    bench.config.bind("database", Database)
    bench.memory.put("env", {"database": {"pool": '{"size": "9"}'}}, priority=700, text=True)
    assert await problems_of(bench) == [
        "env:database.pool: error: database.pool.size: expected an integer, not a string, got '9'; remove the quotes"
    ]


# -- reload -------------------------------------------------------------------------------------------------------------------


async def test_a_reload_swaps_what_changed_and_keeps_the_rest(bench):
    database, other = bench.config.bind("database", Database), bench.config.bind("other", Other)
    bench.memory.put("base", {"database": {"url": "a"}, "other": {"value": 1}})
    await bench.config.load()
    before = (database.current, other.current)
    bench.memory.put("base", {"database": {"url": "a"}, "other": {"value": 2}})
    outcome = await bench.config.reload("edited")
    assert (outcome.applied, outcome.generation, outcome.changed) == (True, 2, ("other.value",))
    assert database.current is before[0]
    assert other.current == Other(2)
    assert before[1] == Other(1)
    event = bench.of(ConfigReloaded)[-1]
    assert (event.generation, event.reason, event.changed) == (2, "edited", ("other.value",))
    assert event.fingerprint == bench.config.fingerprint


async def test_a_reload_that_changes_nothing_publishes_nothing(bench):
    live = bench.config.bind("other", Other)
    bench.memory.put("base", {"other": {"value": 1}})
    await bench.config.load()
    seen, before, count = [], live.current, len(bench.events)
    live.subscribe(seen.append)
    bench.memory.put("base", {})
    bench.memory.put("drop-in", {"other": {"value": 1}}, priority=200)
    outcome = await bench.config.reload()
    assert (outcome.applied, outcome.generation, outcome.changed) == (True, 1, ())
    assert (live.current is before, seen, len(bench.events)) == (True, [], count)
    assert str(bench.config.explain("other.value").origin) == "drop-in:other.value"


async def test_a_change_of_type_alone_is_a_change(bench):
    """1 and true are equal to Python: the second must be refused all the same."""
    bench.config.bind("other", Other)
    bench.memory.put("base", {"other": {"value": 1}})
    await bench.config.load()
    bench.memory.put("base", {"other": {"value": True}})
    assert not (await bench.config.reload()).applied


async def test_a_bad_reload_keeps_everything_and_says_why(bench):
    live = bench.config.bind("other", Other)
    bench.memory.put("base", {"other": {"value": 1}})
    await bench.config.load()
    snapshot = bench.config.snapshot
    bench.memory.put("base", {"other": {"value": "x"}})
    outcome = await bench.config.reload("edited")
    assert not outcome.applied
    assert outcome.problems == bench.config.problems != ()
    assert bench.config.snapshot is snapshot
    assert live.current == Other(1)
    (event,) = bench.of(ConfigRejected)
    assert bench.config.rejected is event
    assert (event.generation, event.reason) == (1, "edited")
    assert event.problems[0].startswith("base:other.value: error: ")
    bench.memory.put("base", {"other": {"value": 1}})
    assert (await bench.config.reload()).applied
    assert (bench.config.problems, bench.config.rejected) == ((), None)


async def test_requests_that_come_together_share_one_reload(bench):
    """Ten requests while one runs are served by one more, which begins after all of them."""
    bench.config.bind("other", Other)
    await bench.config.load()
    bench.memory.loads = 0
    entered, go_on = anyio.Event(), anyio.Event()

    class Gate:
        async def load(self, context):
            entered.set()
            await go_on.wait()
            return []

    bench.config.add_source("gate", Gate())
    outcomes = []

    async def ask():
        outcomes.append(await bench.config.reload())

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await entered.wait()
        for number in range(10):
            group.start_soon(ask)
            bench.memory.put("base", {"other": {"value": number}})
        await anyio.sleep(0.05)
        go_on.set()
    assert len(outcomes) == 11
    assert bench.memory.loads == 2
    assert bench.config.snapshot.tree == {"other": {"value": 9}}


async def test_a_cancelled_request_leaves_the_others_their_reload(bench):
    live = bench.config.bind("other", Other)
    await bench.config.load()
    go_on = anyio.Event()

    class Gate:
        async def load(self, context):
            await go_on.wait()
            return []

    bench.config.add_source("gate", Gate())
    async with anyio.create_task_group() as group:
        group.start_soon(bench.config.reload)
        await anyio.sleep(0.02)
        async with anyio.create_task_group() as second:
            second.start_soon(bench.config.reload)
            await anyio.sleep(0.02)
            group.start_soon(bench.config.reload)
            await anyio.sleep(0.02)
            bench.memory.put("base", {"other": {"value": 7}})
            second.cancel_scope.cancel()
        go_on.set()
    assert live.current == Other(7)


# -- changes ------------------------------------------------------------------------------------------------------------------


async def test_subscribers_hear_of_their_section_only(bench):
    database, other = bench.config.bind("database", Database), bench.config.bind("other", Other)
    await bench.config.load()
    heard = []
    unsubscribe = other.subscribe(heard.append)
    database.subscribe(lambda change: heard.append("wrong"))
    bench.memory.put("base", {"other": {"value": 2}})
    await bench.config.reload()
    (change,) = heard
    assert (change.section, change.old, change.new, change.generation) == ("other", Other(0), Other(2), 2)
    assert change.new is other.current
    unsubscribe()
    unsubscribe()
    bench.memory.put("base", {"other": {"value": 3}})
    await bench.config.reload()
    assert len(heard) == 1


async def test_a_value_may_be_followed_by_its_path(bench):
    """Of all changes of a section, those of one value: in a class, a table or a list, whether it is there or not."""
    live = bench.config.bind("database", Database)
    await bench.config.load()
    sizes = live.changes("pool.size")
    heard = {path: [] for path in ("pool.size", "labels.zone", "hosts[1]", "password")}
    ends = [live.subscribe(heard[path].append, path) for path in heard]
    zones = live.changes("labels.zone")
    for data in (
        {"url": "x", "pool": {"size": 3}},
        {"url": "x", "pool": {"size": 4}, "labels": {"zone": "a"}, "hosts": ["h"]},
        {"url": "y", "pool": {"size": 4, "debug": True}, "labels": {"zone": "a", "rack": "7"}, "hosts": ["h", "i"]},
        {"url": "y", "pool": {"size": 5}, "labels": {"rack": "7"}, "hosts": [], "password": "swordfish"},
    ):
        bench.memory.put("base", {"database": data})
        assert (await bench.config.reload()).applied
    seen = {path: [(one.section, one.old, one.new, one.generation) for one in found] for path, found in heard.items()}
    assert seen == {
        "pool.size": [("database.pool.size", 3, 4, 3), ("database.pool.size", 4, 5, 5)],
        "labels.zone": [("database.labels.zone", None, "a", 3), ("database.labels.zone", "a", None, 5)],
        "hosts[1]": [("database.hosts[1]", None, "i", 4), ("database.hosts[1]", "i", None, 5)],
        "password": [("database.password", Secret(""), Secret("swordfish"), 5)],
    }
    assert "swordfish" not in repr(heard)
    for end in ends:
        end()
    with anyio.fail_after(LIMIT):
        change = await anext(sizes)
    assert (change.section, change.old, change.new, change.generation) == ("database.pool.size", 3, 5, 5)
    with anyio.move_on_after(0.02) as nothing:  # there and gone again: what this reader saw last is what is there
        await anext(zones)
    assert nothing.cancelled_caught
    bench.memory.put("base", {"database": {"pool": {"size": 6}}})
    await bench.config.reload()
    assert [len(found) for found in heard.values()] == [2, 2, 2, 1]


async def test_a_path_that_leads_nowhere_cannot_be_followed(bench):
    live = bench.config.bind("database", Database)
    with pytest.raises(UnknownPathError, match=r"section 'database' has no pool\.sice; did you mean pool\.size\?"):
        live.changes("pool.sice")
    with pytest.raises(UnknownPathError, match=r"has no url\.x"):
        live.subscribe(print, "url.x")
    with pytest.raises(ValueError, match="is no path"):
        live.changes("pool..size")


async def test_a_subscriber_that_raises_disturbs_nobody(bench):
    live = bench.config.bind("other", Other)
    await bench.config.load()
    heard = []

    def broken(change):
        msg = "oops"
        raise RuntimeError(msg)

    live.subscribe(broken)
    live.subscribe(heard.append)
    bench.memory.put("base", {"other": {"value": 2}})
    assert (await bench.config.reload()).applied
    assert len(heard) == 1
    assert "RuntimeError: oops" in bench.of(ConfigWarning)[0].message


async def test_a_subscriber_sees_all_sections_of_the_new_snapshot(bench):
    """Callbacks run after the whole swap."""
    one, two = bench.config.bind("one", Other), bench.config.bind("two", Other)
    await bench.config.load()
    seen = []
    one.subscribe(lambda change: seen.append(two.current.value))
    bench.memory.put("base", {"one": {"value": 1}, "two": {"value": 2}})
    await bench.config.reload()
    assert seen == [2]


async def test_a_slow_reader_of_changes_gets_the_latest_and_delays_nobody(bench):
    live = bench.config.bind("other", Other)
    await bench.config.load()
    changes = live.changes()
    for value in (1, 2, 3):
        bench.memory.put("base", {"other": {"value": value}})
        await bench.config.reload()
    with anyio.fail_after(LIMIT):
        change = await anext(changes)
    assert (change.old, change.new, change.generation) == (Other(0), Other(3), 4)
    with anyio.move_on_after(0.02) as nothing_more:
        await anext(changes)
    assert nothing_more.cancelled_caught


async def test_changes_wake_a_reader_that_waits(bench):
    live = bench.config.bind("other", Other)
    seen = []

    async def read(*, task_status=anyio.TASK_STATUS_IGNORED):
        task_status.started()
        async for change in live.changes():  # begun before the load: the first value is no change
            seen.append(change.new.value)
            if len(seen) == 2:
                return

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            await group.start(read)
            await bench.config.load()
            await anyio.sleep(0.01)
            for value in (1, 2):
                bench.memory.put("base", {"other": {"value": value}})
                await bench.config.reload()
                await anyio.sleep(0.01)
    assert seen == [1, 2]


# -- participants -------------------------------------------------------------------------------------------------------------


class Recorder:
    """A participant that writes down what is asked of it."""

    def __init__(self, name, log, *, refusal=None, hangs=False, fails=()):
        self.name, self.log, self.refusal, self.hangs, self.fails = name, log, refusal, hangs, fails

    async def prepare(self, old, new):
        self.log.append((self.name, "prepare", old.generation, new.generation))
        if self.hangs:
            await anyio.sleep_forever()
        if self.refusal is not None:
            raise self.refusal

    async def commit(self):
        self.log.append((self.name, "commit"))
        if "commit" in self.fails:
            msg = "disk full"
            raise OSError(msg)

    async def rollback(self):
        self.log.append((self.name, "rollback"))
        if "rollback" in self.fails:
            msg = "disk full"
            raise OSError(msg)


async def loaded(bench):
    live = bench.config.bind("other", Other)
    await bench.config.load()
    bench.memory.put("base", {"other": {"value": 2}})
    return live


async def test_participants_prepare_then_commit(bench):
    live, log = await loaded(bench), []
    bench.config.add_participant("a", Recorder("a", log))
    remove = bench.config.add_participant("b", Recorder("b", log))
    assert (await bench.config.reload()).applied
    assert log == [("a", "prepare", 1, 2), ("b", "prepare", 1, 2), ("a", "commit"), ("b", "commit")]
    assert live.current == Other(2)
    remove()
    bench.memory.put("base", {"other": {"value": 3}})
    await bench.config.reload()
    assert log[4:] == [("a", "prepare", 2, 3), ("a", "commit")]


@pytest.mark.parametrize("refusal", [Veto("the pool is in use"), RuntimeError("the pool is in use")])
async def test_a_veto_rolls_back_those_who_prepared(bench, refusal):
    live, log = await loaded(bench), []
    bench.config.add_participant("a", Recorder("a", log))
    bench.config.add_participant("b", Recorder("b", log))
    bench.config.add_participant("c", Recorder("c", log, refusal=refusal))
    bench.config.add_participant("d", Recorder("d", log))
    outcome = await bench.config.reload()
    assert not outcome.applied
    assert "error: c refused the reload: " in str(outcome.problems[0])
    assert "the pool is in use" in str(outcome.problems[0])
    assert [step[:2] for step in log] == [
        ("a", "prepare"),
        ("b", "prepare"),
        ("c", "prepare"),
        ("b", "rollback"),
        ("a", "rollback"),
    ]
    assert (live.current, bench.config.generation) == (Other(0), 1)


async def test_a_veto_that_blames_a_value_names_its_place(bench):
    """As every problem does: who sets the value, and who sets it in vain; of a default, the code that has it."""
    await loaded(bench)
    bench.memory.put("profile", {"other": {"value": 3}}, priority=300)
    recorder = Recorder("pool", [], refusal=Veto("3 is too many", path="other.value"))
    bench.config.add_participant("pool", recorder)
    assert [*map(str, (await bench.config.reload()).problems)] == [
        "profile:other.value: error: other.value: pool refused the reload: 3 is too many (also set at base:other.value)"
    ]
    assert [*map(str, bench.config.problems)] == [*bench.of(ConfigRejected)[-1].problems]
    recorder.refusal = Veto("there is no room", path=("other",))
    assert [*map(str, (await bench.config.reload()).problems)] == [
        "profile:other: error: other: pool refused the reload: there is no room"
    ]
    bench.memory.put("base", {"database": {"url": "x"}})
    bench.config.bind("database", Database)
    recorder.refusal = Veto("too few", path="database.pool.size")
    (problem,) = (await bench.config.reload()).problems
    assert str(problem).startswith(f"default of {__name__}.Database.pool: error: database.pool.size: pool refused")
    with pytest.raises(ValueError, match="is no path"):
        Veto("too few", path="database..pool")


async def test_a_veto_gives_no_secret_away(bench):
    """Whatever the participant put into its reason."""
    bench.config.bind("database", Database)
    await bench.config.load()
    bench.memory.put("base", {"database": {"password": "swordfish"}})
    bench.config.add_participant("pool", Recorder("pool", [], refusal=Veto("no login with swordfish")))
    (problem,) = (await bench.config.reload()).problems
    assert str(problem) == "error: pool refused the reload, for a reason that holds a secret"


@attrs.frozen
class Range:
    low: int = 0
    high: int = 9

    def __attrs_post_init__(self):
        if self.low > self.high:
            raise Veto(f"is above high, which is {self.high}", path="low")


@attrs.frozen
class Ranges:
    all: tuple[Range, ...] = ()


async def test_a_class_may_blame_one_of_its_fields(bench):
    """For values that do not fit together; the path counts from the class on, so the class need not know where it stands."""
    bench.config.bind("ranges", Ranges)
    bench.memory.put("base", {"ranges": {"all": [{"low": 1}, {"low": 7, "high": 5}]}})
    with pytest.raises(ConfigError) as caught:
        await bench.config.load()
    assert str(caught.value) == "base:ranges.all.1.low: error: ranges.all[1].low: is above high, which is 5"


async def test_who_joins_while_a_reload_runs_does_not_miss_it(bench):
    """Before the swap it is asked like the others, and hears the end; after it, what it finds in force is the new snapshot."""
    await loaded(bench)
    log = []
    late, later = Recorder("late", log), Recorder("later", log)

    class Opener(Recorder):
        """Brings another one along when it prepares, and one more when it commits."""

        async def prepare(self, old, new):
            await super().prepare(old, new)
            bench.config.add_participant("late", late)

        async def commit(self):
            await super().commit()
            bench.config.add_participant("later", later)
            log.append(("later", "joins", bench.config.snapshot.generation))

    remove = bench.config.add_participant("opener", Opener("opener", log))
    assert (await bench.config.reload()).applied
    assert log == [
        ("opener", "prepare", 1, 2),
        ("late", "prepare", 1, 2),
        ("opener", "commit"),
        ("later", "joins", 2),
        ("late", "commit"),
    ]
    remove()
    del log[:]
    bench.memory.put("base", {"other": {"value": 3}})
    await bench.config.reload()
    assert [step for step in log if step[1] == "prepare"] == [("late", "prepare", 2, 3), ("later", "prepare", 2, 3)]


async def test_who_joins_a_reload_that_is_refused_hears_that_too(bench):
    await loaded(bench)
    log = []

    class Opener(Recorder):
        async def prepare(self, old, new):
            await super().prepare(old, new)
            bench.config.add_participant("late", Recorder("late", log))
            bench.config.add_participant("no", Recorder("no", log, refusal=Veto("no")))

    bench.config.add_participant("opener", Opener("opener", log))
    assert not (await bench.config.reload()).applied
    assert [step[:2] for step in log[-2:]] == [("late", "rollback"), ("opener", "rollback")]


async def test_who_leaves_before_it_is_asked_is_not_asked(bench):
    await loaded(bench)
    log, leave = [], []

    class Leader(Recorder):
        async def prepare(self, old, new):
            await super().prepare(old, new)
            leave[0]()

    bench.config.add_participant("leader", Leader("leader", log))
    leave.append(bench.config.add_participant("gone", Recorder("gone", log)))
    assert (await bench.config.reload()).applied
    assert {name for name, *_ in log} == {"leader"}


async def test_a_participant_that_hangs_has_a_limit(bench, monkeypatch):
    monkeypatch.setattr(participants, "PARTICIPANT_SECONDS", 0.05)
    live, log = await loaded(bench), []
    bench.config.add_participant("a", Recorder("a", log, hangs=True))
    outcome = await bench.config.reload()
    assert "a refused the reload: no answer within 0.05 s" in str(outcome.problems[0])
    assert live.current == Other(0)


async def test_a_commit_that_fails_is_told_and_the_others_commit(bench):
    live, log = await loaded(bench), []
    bench.config.add_participant("a", Recorder("a", log, fails={"commit"}))
    bench.config.add_participant("b", Recorder("b", log))
    assert (await bench.config.reload()).applied
    assert log[-2:] == [("a", "commit"), ("b", "commit")]
    assert live.current == Other(2)
    assert bench.of(ConfigWarning)[0].message == "a failed to commit a reload: OSError: disk full"


async def test_a_reload_that_is_cancelled_while_participants_prepare_is_rolled_back(bench):
    live, log = await loaded(bench), []
    bench.config.add_participant("a", Recorder("a", log))
    bench.config.add_participant("b", Recorder("b", log, hangs=True))
    with anyio.move_on_after(0.1):
        await bench.config.reload()
    assert ("a", "rollback") in log
    assert (live.current, bench.config.generation) == (Other(0), 1)
    bench.config._store.participants._all.clear()
    assert (await bench.config.reload()).applied


# -- resolvers and secrets ----------------------------------------------------------------------------------------------------


class Vault:
    """A resolver of whole values ``vault:...``."""

    scheme = "vault"
    bare = True

    async def resolve(self, argument, context):
        if argument == "broken":
            msg = "no such secret in the vault"
            raise ValueError(msg)
        return Resolved(f"{argument} for {'.'.join(map(str, context.path))} of {context.kernel}", secret=True)


async def test_references_are_resolved_after_the_merge_and_masked(bench):
    live = bench.config.bind("database", Database)
    bench.config.add_resolver("vault", Vault())
    bench.memory.put("base", {"database": {"url": "vault:broken", "labels": {"free": "a:b", "text": "$${x}"}}})
    bench.memory.put("profile", {"database": {"url": "vault:url"}}, priority=300)
    await bench.config.load()
    assert live.current.url == "url for database.url of orders"
    assert live.current.labels == {"free": "a:b", "text": "${x}"}
    assert bench.config.show()["database"]["url"] == "***"
    assert bench.config.explain("database.url").value == "***"
    assert bench.config.explain("database.url").shadowed[0].value == "***"


async def test_a_reference_that_fails_is_one_problem_at_its_place(bench):
    bench.config.bind("other", Other)
    bench.config.add_resolver("vault", Vault())
    bench.memory.put("base", {"other": {"value": "vault:broken"}})
    assert await problems_of(bench) == ["base:other.value: error: other.value: no such secret in the vault"]


async def test_a_sealed_value_that_nothing_opens_is_no_password(bench):
    bench.config.bind("database", Database)
    bench.memory.put("base", {"database": {"password": "trivet:1:AAAA"}})
    (problem,) = await problems_of(bench)
    assert problem.startswith(
        "base:database.password: error: database.password: the value is sealed and nothing here opens it"
    )


async def test_a_resolver_that_hangs_has_a_limit(bench, monkeypatch):
    monkeypatch.setattr(resolution, "RESOLVE_SECONDS", 0.05)

    class Slow(Vault):
        async def resolve(self, argument, context):
            await anyio.sleep_forever()

    bench.config.bind("database", Database)
    bench.config.add_resolver("vault", Slow())
    bench.memory.put("base", {"database": {"url": "vault:x"}})
    assert "not resolved within 0.05 s" in (await problems_of(bench))[0]


SECRET = "hunter2-" + "x" * 30


NO_PIN = Secret(0)


@attrs.frozen
class Strict:
    key: Secret[str] = attrs.field(default=Secret("k" * 40), validator=attrs.validators.instance_of(Secret))
    pin: Secret[int] = NO_PIN
    token: str = attrs.field(default="", validator=attrs.validators.max_len(5))
    keys: tuple[Secret[str], ...] = ()
    nested: dict[str, Secret[str]] = attrs.field(factory=dict)
    marked: int = attrs.field(default=0, metadata={"secret": True})

    @key.validator
    def _long(self, _attribute, value):
        if len(value.reveal()) < 1000:
            msg = f"the key {value.reveal()} is too short"
            raise ValueError(msg)


@pytest.mark.parametrize(
    "data",
    [
        {"key": SECRET},
        {"key": {"a": SECRET}},
        {"key": [SECRET]},
        {"pin": SECRET},
        {"token": SECRET},
        {"keys": [SECRET, 5]},
        {"keys": SECRET},
        {"nested": {"a": SECRET, "b": [SECRET]}},
        {"nested": SECRET},
        {"marked": SECRET},
    ],
)
@pytest.mark.parametrize("text", [False, True])
async def test_no_secret_is_in_any_report(bench, data, text):
    """Whatever is wrong with a secret, neither the report nor an exception's chain holds it."""
    bench.config.bind("strict", Strict)
    bench.memory.put("base", {"strict": data}, text=text)
    error = None
    try:
        await bench.config.load()
    except ConfigError as caught:
        error = caught
    if error is not None:
        chain = repr(error) + str(error) + repr(error.problems) + repr(error.__context__) + repr(error.__cause__)
        assert SECRET not in chain
        assert error.problems
    shown = repr(bench.events) + repr(bench.memory.layers)
    assert SECRET not in shown


@attrs.frozen
class Twice:
    password: Secret[str] = NO_SECRET
    again: Secret[str] = NO_SECRET

    def __attrs_post_init__(self):
        if self.password != self.again:
            msg = f"{self.password.reveal()} is not {self.again.reveal()}"
            raise ValueError(msg)


async def test_a_class_that_tells_its_secrets_is_not_quoted(bench):
    bench.config.bind("twice", Twice)
    bench.memory.put("base", {"twice": {"password": SECRET}})
    assert await problems_of(bench) == ["base:twice: error: twice: the values do not fit together"]


async def test_a_secret_too_short_to_be_found_in_a_text_is_not_shown_either(bench):
    bench.config.bind("strict", Strict)
    bench.memory.put("base", {"strict": {"pin": "xy", "token": 42}})
    found = await problems_of(bench)
    assert [problem for problem in found if "xy" in problem or "42" in problem] == []
    assert len(found) == 2


async def test_a_secret_layer_masks_all_it_sets(bench):
    live = bench.config.bind("database", Database)
    bench.memory.put("base", {"database": {"url": "open", "hosts": ["a"]}})
    bench.memory.put("secrets", {"database": {"url": SECRET}}, priority=500, secret=True)
    await bench.config.load()
    assert live.current.url == SECRET
    shown = bench.config.show()
    assert (shown["database"]["url"], shown["database"]["hosts"]) == ("***", ["a"])
    assert SECRET not in repr(bench.config.explain("database.url")) + repr(bench.config.snapshot) + repr(shown)


async def test_show_masks_secrets_and_passwords_in_urls(bench):
    bench.config.bind("database", Database)
    bench.memory.put(
        "base",
        {
            "database": {
                "password": SECRET,
                "url": f"postgres://u:{SECRET}@db/x",
                "labels": {"api_key": SECRET, "plain": "p"},
            }
        },
    )
    await bench.config.load()
    assert bench.config.show()["database"] == {
        "url": "postgres://u:***@db/x",
        "password": "***",
        "pool": {"size": 3, "debug": False},
        "hosts": [],
        "labels": {"api_key": "***", "plain": "p"},
    }
    assert SECRET not in repr(bench.config.explain("database"))


# -- explain ------------------------------------------------------------------------------------------------------------------


async def test_explain_names_the_winner_the_shadowed_and_the_default(bench):
    bench.config.bind("database", Database)
    bench.memory.put("base", {"database": {"pool": {"size": 1}, "hosts": ["a", "b"]}})
    bench.memory.put("drop-in", {"database": {"pool": {"size": 2}}}, priority=200)
    bench.memory.put("env", {"database": {"pool": {"size": "3"}}}, priority=700, text=True)
    await bench.config.load()
    found = bench.config.explain("database.pool.size")
    assert (found.path, found.value, str(found.origin)) == ("database.pool.size", 3, "env:database.pool.size")
    assert [(str(one.origin), one.value) for one in found.shadowed] == [
        ("drop-in:database.pool.size", 2),
        ("base:database.pool.size", 1),
    ]
    default = bench.config.explain("database.pool.debug")
    assert (default.value, default.origin.layer, default.shadowed) == (False, "default", ())
    assert default.origin.source.endswith("Pool.debug")
    assert bench.config.explain("database.hosts[1]").value == "b"
    assert bench.config.explain(("database", "pool")).value == {"size": 3, "debug": False}
    with pytest.raises(
        UnknownPathError, match=r"no configuration at database.pool.siez; did you mean database.pool.size\?"
    ):
        bench.config.explain("database.pool.siez")
    with pytest.raises(ValueError, match="is no path"):
        bench.config.explain("database[")


# -- fingerprint --------------------------------------------------------------------------------------------------------------


async def fingerprint_of(bench, data, *, text=False):
    bench.memory.put("base", data, text=text)
    if bench.config.generation:
        await bench.config.reload()
    else:
        bench.config.bind("database", Database)
        await bench.config.load()
    return bench.config.fingerprint


async def test_the_fingerprint_depends_on_effective_values_only(bench):
    one = await fingerprint_of(bench, {"database": {"pool": {"size": 4}}})
    assert len(one) == 64
    assert await fingerprint_of(bench, {"database": {"pool": {"size": 5}}}) != one
    assert await fingerprint_of(bench, {"database": {"pool": {"size": "4"}}}, text=True) == one
    assert await fingerprint_of(bench, {"database": {"pool": {"size": 4, "debug": False}, "hosts": []}}) == one


async def test_the_fingerprint_knows_secrets_by_hash_only(bench):
    one = await fingerprint_of(bench, {"database": {"password": "a"}})
    assert await fingerprint_of(bench, {"database": {"password": "b"}}) != one
    assert await fingerprint_of(bench, {"database": {"password": "a"}}) == one
    bench.config.use_fingerprint_key(b"k" * 32)
    await fingerprint_of(bench, {"database": {"password": "b"}})
    assert await fingerprint_of(bench, {"database": {"password": "a"}}) != one


# -- before the schema is known -----------------------------------------------------------------------------------------------


async def test_preload_serves_peeks_and_provisional_sections(bench):
    bench.memory.put(
        "base", {"plugins": {"enable": ["etcd"], "vault": {"value": 5}, "bad": {"value": "x"}}, "x": {"y": 1}}
    )
    await bench.config.preload()
    assert bench.config.peek(("plugins", "enable")) == ["etcd"]
    assert bench.config.peek(("plugins", "block")) is None
    assert bench.config.provisional("plugins.vault", Other) == Other(5)
    assert bench.config.provisional("plugins.absent", Other) == Other(0)
    with pytest.raises(ConfigError, match=r"base:plugins\.bad\.value: error: plugins\.bad\.value: expected an integer"):
        bench.config.provisional("plugins.bad", Other)


# -- many readers -------------------------------------------------------------------------------------------------------------


async def test_threads_read_whole_sections_through_hundreds_of_reloads(bench):
    """Three threads read while the values change 300 times: both fields always belong together, and nothing is ever missing."""

    @attrs.frozen
    class Pair:
        left: int = 0
        right: int = 0

    Pair.__annotations__ = {"left": int, "right": int}
    live = bench.config.bind("pair", Pair)
    await bench.config.load()
    done = threading.Event()
    torn, errors, reads = [], [], [0, 0, 0]

    def read(number):
        last = -1
        while not done.is_set():
            try:
                pair = live.current
                if pair.left != pair.right or pair.left < last:
                    torn.append(pair)
                last = pair.left
                reads[number] += 1
            except Exception as exc:  # noqa: BLE001 - any is a failure of the promise
                errors.append(exc)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for value in range(1, 301):
            bench.memory.put("base", {"pair": {"left": value, "right": value}})
            assert (await bench.config.reload()).applied
            if value % 10 == 0:
                bench.memory.put("base", {"pair": {"left": "x"}})
                assert not (await bench.config.reload()).applied
    finally:
        done.set()
        for thread in threads:
            thread.join(LIMIT)
    assert (torn, errors) == ([], [])
    assert min(reads) > 0
    assert live.current == Pair(300, 300)


async def test_a_snapshot_gives_sections_that_belong_together(bench):
    one, two = bench.config.bind("one", Other), bench.config.bind("two", Other)
    await bench.config.load()
    old = bench.config.snapshot
    bench.memory.put("base", {"one": {"value": 1}, "two": {"value": 1}})
    await bench.config.reload()
    assert (old.of(one), old.of(two)) == (Other(0), Other(0))
    assert (bench.config.snapshot.of(one), bench.config.snapshot.of(two)) == (Other(1), Other(1))
    with pytest.raises(ConfigNotLoadedError):
        old.of(bench.config.bind("three", Other))


def test_a_name_is_registered_once(bench):
    with pytest.raises(ValueError, match="'memory' is registered already"):
        bench.config.add_source("memory", bench.memory)


async def test_the_fingerprint_sees_a_password_inside_a_url(bench):
    """It is masked wherever it is shown, and counts all the same."""
    one = await fingerprint_of(bench, {"database": {"url": "postgres://u:one@db", "password": "x://u:one@h"}})
    two = await fingerprint_of(bench, {"database": {"url": "postgres://u:two@db", "password": "x://u:one@h"}})
    three = await fingerprint_of(bench, {"database": {"url": "postgres://u:two@db", "password": "x://u:two@h"}})
    assert len({one, two, three}) == 3


async def test_a_secret_in_a_set_hides_the_set(bench):
    @attrs.frozen
    class Holder:
        names: frozenset = frozenset()

    live = bench.config.bind("holder", Holder)
    bench.config.add_resolver("vault", Vault())
    bench.memory.put("base", {"holder": {"names": ["zzz", "vault:aaa"]}})
    await bench.config.load()
    assert "zzz" in live.current.names
    assert bench.config.show() == {"holder": {"names": "***"}}
