"""Lists replace, unless their field says otherwise; then every item keeps its place of origin and none is lost."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet import ConfigError, Layer, Origin, Secret
from trivet.config.combination import combine
from trivet.config.layer import DELETE
from trivet.config.merging import merge_layers
from trivet.config.provenance import trace
from trivet.config.schema import Schema
from trivet.config.tree import look_up, same


@attrs.frozen
class User:
    name: str
    role: str = "guest"
    tags: tuple[str, ...] = attrs.field(default=(), metadata={"merge": "append"})


@attrs.frozen
class Server:
    replaced: tuple[str, ...] = ()
    appended: tuple[str, ...] = attrs.field(default=(), metadata={"merge": "append"})
    prepended: tuple[str, ...] = attrs.field(default=(), metadata={"merge": "prepend"})
    unique: tuple[int, ...] = attrs.field(default=(), metadata={"merge": "unique"})
    words: frozenset[str] = attrs.field(default=frozenset(), metadata={"merge": "unique"})
    users: tuple[User, ...] = attrs.field(default=(), metadata={"merge": "by:name"})
    tokens: tuple[Secret[str], ...] = attrs.field(default=(), metadata={"merge": "append"})
    notes: tuple[Any, ...] = attrs.field(default=(), metadata={"merge": "append"})


@pytest.fixture
def load(bench):
    """Load layers, the weakest first; those called ``text...`` are text."""
    live = bench.config.bind("server", Server)

    async def run(*layers, **options):
        for number, data in enumerate(layers):
            is_text = any(isinstance(value, str) for value in data.values())
            bench.memory.put(f"layer{number}", {"server": data}, priority=number, text=is_text)
        await bench.config.load()
        return live.current

    return run


def origins(bench, path, count):
    """The layers of the items of a list."""
    return [str(bench.config.explain(f"server.{path}[{index}]").origin) for index in range(count)]


async def test_lists_replace_unless_their_field_says_otherwise(load, bench):
    got = await load({"replaced": ["a", "b"]}, {"replaced": ["c"]})
    assert got.replaced == ("c",)
    assert [str(one.origin) for one in bench.config.explain("server.replaced").shadowed] == ["layer0:server.replaced"]


@pytest.mark.parametrize(
    ("key", "expected", "places"),
    [
        ("appended", ("a", "b", "b", "c", "d"), ["0:0", "0:1", "1:0", "1:1", "2:0"]),
        ("prepended", ("d", "b", "c", "a", "b"), ["2:0", "1:0", "1:1", "0:0", "0:1"]),
    ],
)
async def test_append_and_prepend(load, bench, key, expected, places):
    """Each item is explained by the layer that has it, at its place there."""
    got = await load({key: ["a", "b"]}, {key: ["b", "c"]}, {key: ["d"]})
    assert getattr(got, key) == expected
    want = [f"layer{place[0]}:server.{key}.{place[2]}" for place in places]
    assert origins(bench, key, len(expected)) == want
    assert bench.config.explain(f"server.{key}").shadowed == ()


async def test_unique_adds_what_is_not_there_yet(load, bench):
    got = await load({"unique": [1, 2]}, {"unique": "2,3,3"}, {"unique": [4, 1]})
    assert got.unique == (1, 2, 3, 4)
    assert bench.config.explain("server.unique[3]").origin == Origin("layer2", "layer2:server.unique.0")
    found = bench.config.explain("server.unique[1]")
    assert (found.origin.layer, [one.origin.layer for one in found.shadowed]) == ("layer1", ["layer0"])


async def test_sets_are_combined_too(load):
    assert (await load({"words": ["a"]}, {"words": ["b", "a"]})).words == {"a", "b"}


async def test_by_a_key_tables_merge_and_others_are_added(load, bench):
    got = await load(
        {"users": [{"name": "ann", "role": "user", "tags": ["x"]}, {"name": "bob"}]},
        {"users": [{"name": "cid"}, {"name": "ann", "role": "admin", "tags": ["y"]}]},
        {"users": '[{"name": "bob", "role": "user"}]'},
    )
    assert got.users == (User("ann", "admin", ("x", "y")), User("bob", "user"), User("cid"))
    found = bench.config.explain("server.users[0].role")
    assert str(found.origin) == "layer1:server.users.1.role"
    assert [str(one.origin) for one in found.shadowed] == ["layer0:server.users.0.role"]
    assert origins(bench, "users[0].tags", 2) == ["layer0:server.users.0.tags.0", "layer1:server.users.1.tags.0"]
    assert str(bench.config.explain("server.users[2]").origin) == "layer1:server.users.0"
    assert bench.config.explain("server.users[1].role").origin.layer == "layer2"


async def test_text_layers_take_part(load):
    assert (await load({"appended": ["a"]}, {"appended": "b, c"}, {"appended": '["d"]'})).appended == tuple("abcd")


async def test_a_deletion_still_removes_what_is_below_it(load, bench):
    got = await load(
        {"appended": ["a"]}, {"appended": ["b"]}, {"appended": DELETE}, {"appended": ["c"]}, {"appended": ["d"]}
    )
    assert got.appended == ("c", "d")
    assert origins(bench, "appended", 2) == ["layer3:server.appended.0", "layer4:server.appended.0"]
    assert {one.origin.layer for one in bench.config.explain("server.appended").shadowed} == {"layer0", "layer1"}


async def test_a_reference_in_place_of_a_list_replaces_it(load):
    got = await load({"appended": ["a"], "replaced": ["x"]}, {"appended": "${server.replaced}"})
    assert got.appended == ("x",)


async def test_references_in_items_resolve(load):
    got = await load({"appended": ["a"], "replaced": ["x"]}, {"appended": ["${server.replaced[0]}!"]})
    assert got.appended == ("a", "x!")


async def test_a_problem_in_a_combined_list_has_its_own_place(load):
    with pytest.raises(ConfigError) as caught:
        await load({"unique": [1, "x"]}, {"unique": [2, "y"]})
    assert [str(problem.origin) for problem in caught.value.problems] == [
        "layer0:server.unique.1",
        "layer1:server.unique.1",
    ]


async def test_an_item_of_a_secret_layer_is_masked_at_its_new_place(bench):
    live = bench.config.bind("server", Server)
    bench.memory.put("base", {"server": {"notes": ["open"]}})
    bench.memory.put("hidden", {"server": {"notes": ["hunter2"]}}, priority=200, secret=True)
    bench.memory.put("top", {"server": {"notes": ["last"]}}, priority=300)
    await bench.config.load()
    assert live.current.notes == ("open", "hunter2", "last")
    assert bench.config.show()["server"]["notes"] == ["open", "***", "last"]


def test_what_was_combined_and_then_removed_is_forgotten():
    """Nobody has a share in the list that came after."""
    layers = [layer(number, {"notes": notes}) for number, notes in enumerate((["a"], ["b"], DELETE, ["c", "d"]))]
    merged = merge_layers(layers, SCHEMA)
    assert merged.tree == {"server": {"notes": ["c", "d"]}}
    assert not any(one.shares for one in merged.layers)


async def test_reloads_of_the_same_publish_nothing_and_forget_nothing(load, bench):
    await load({"appended": ["a"]}, {"appended": ["b"]})
    for _ in range(2):
        outcome = await bench.config.reload()
        assert outcome.applied
        assert not outcome.changed
    assert origins(bench, "appended", 2) == ["layer0:server.appended.0", "layer1:server.appended.0"]
    bench.memory.put("layer1", {"server": {"appended": ["c", "d"]}}, priority=1)
    assert (await bench.config.reload()).changed
    assert bench.config.show()["server"]["appended"] == ["a", "c", "d"]


@attrs.frozen
class Wrong:
    hosts: tuple[str, ...] = attrs.field(default=(), metadata={"merge": "add"})


@attrs.frozen
class Scalar:
    host: str = attrs.field(default="", metadata={"merge": "append"})


@pytest.mark.parametrize(
    ("cls", "why"),
    [
        (Wrong, r"Wrong\.hosts: there is no merge='add'; there is append, prepend, unique, by:<key>"),
        (Scalar, r"Scalar\.host: merge='append' combines lists"),
    ],
)
async def test_what_is_no_strategy_is_refused_when_the_kernel_starts(bench, cls, why):
    bench.config.bind("server", cls)
    with pytest.raises(TypeError, match=why):
        await bench.config.load()


# -- properties -------------------------------------------------------------------------------------------------------

scalars = st.one_of(st.integers(0, 3), st.sampled_from(["a", "b"]))
users = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c"])},
    optional={"role": st.sampled_from("xy"), "tags": st.lists(st.sampled_from("mn"), max_size=2)},
)
lists = st.fixed_dictionaries(
    {},
    optional={
        "appended": st.lists(scalars, max_size=3),
        "prepended": st.lists(scalars, max_size=3),
        "unique": st.lists(scalars, max_size=3),
        "users": st.lists(users, max_size=3, unique_by=lambda user: user["name"]),
        "replaced": st.lists(scalars, max_size=3),
    },
)
trees = st.lists(
    st.one_of(lists, lists, lists.map(lambda tree: {**tree, "appended": DELETE}), st.just({"users": 5})), max_size=5
)
SCHEMA = Schema({("server",): Server})


def layer(number, data):
    """A layer whose places are what is there."""
    return Layer(
        name=str(number),
        priority=number,
        data={"server": data},
        locate=lambda path: Origin(str(number), repr(look_up({"server": data}, path))),
    )


@given(trees)
def test_every_item_of_every_list_is_the_winner_of_its_place_or_shadowed(data):
    """The layer that an item is said to be from has it, at the place that is named."""
    layers = [layer(number, tree) for number, tree in enumerate(data)]
    merged = merge_layers(layers, SCHEMA)
    server = merged.tree.get("server", {})
    for key in ("appended", "prepended", "unique", "replaced"):
        for index, item in enumerate(server.get(key, ())):
            winner = trace(merged.layers, ("server", key, index)).winner
            assert winner is not None
            assert same(winner.value, item)
            assert winner.layer.locate(("server", key, index)).source == repr(item)
    for key in ("appended", "prepended"):
        below = [tree.get(key, []) for tree in data]
        cut = max((number for number, one in enumerate(below) if one is DELETE), default=-1)
        kept = [one for one in below[cut + 1 :] if isinstance(one, list)]
        assert server.get(key, []) == [item for one in (kept if key == "appended" else reversed(kept)) for item in one]


@given(trees)
def test_every_field_of_every_table_wins_or_is_shadowed(data):
    layers = [layer(number, tree) for number, tree in enumerate(data)]
    merged = merge_layers(layers, SCHEMA)
    found = merged.tree.get("server", {}).get("users", [])
    for index, user in enumerate(found if isinstance(found, list) else []):
        for key in ("name", "role"):
            if key in user:
                seen = trace(merged.layers, ("server", "users", index, key))
                assert seen.winner is not None
                assert same(seen.winner.value, user[key])
                says = {seen.winner.layer.name, *(one.layer.name for one in seen.shadowed)}
                alive = [number for number, tree in enumerate(data) if isinstance(tree.get("users"), list)]
                cut = max((number for number, tree in enumerate(data) if tree.get("users") == 5), default=-1)
                for number in alive:
                    mine = any(one["name"] == user["name"] and key in one for one in data[number]["users"])
                    if number > cut and mine:
                        assert str(number) in says


@pytest.mark.parametrize("strategy", ["append", "prepend", "unique", "by:name"])
@given(st.data())
def test_combining_is_associative(strategy, data):
    """So a drop-in may be split in two, or two drop-ins be put together, and nothing changes."""
    items = st.lists(users if strategy == "by:name" else scalars, max_size=4)
    if strategy == "by:name":
        items = st.lists(users, max_size=3, unique_by=lambda user: user["name"])
    one, two, three = (data.draw(items) for _ in range(3))

    def join(left, right):
        return combine(strategy, left, right, lambda _index, below, above: {**below, **above}).items

    assert same(join(join(one, two), three), join(one, join(two, three)))


@given(st.lists(lists, max_size=3))
def test_the_layers_are_left_as_they_were(data):
    before = repr(data)
    layers = [layer(number, tree) for number, tree in enumerate(data)]
    merged = merge_layers(layers, SCHEMA)
    again = merge_layers(merged.layers, SCHEMA)
    assert repr(data) == before
    assert same(merged.tree, again.tree)
    assert [one.shares for one in merged.layers] == [one.shares for one in again.layers]
