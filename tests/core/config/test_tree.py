"""The merge loses nothing: every leaf wins, is shadowed, or was removed on purpose."""

from __future__ import annotations

import copy

from hypothesis import example, given
from hypothesis import strategies as st

from trivet import Layer, Origin
from trivet.config.layer import DELETE
from trivet.config.provenance import trace
from trivet.config.tree import MISSING, differences, look_up, merge, replace, same, scalars

keys = st.sampled_from(["a", "b", "c", "d"])
leaves = st.one_of(
    st.booleans(), st.integers(-2, 2), st.text("xy", max_size=2), st.none(), st.lists(st.integers(0, 2), max_size=2)
)


def tables(leaf):
    return st.recursive(
        st.dictionaries(keys, leaf, max_size=4),
        lambda inner: st.dictionaries(keys, st.one_of(leaf, inner), max_size=4),
        max_leaves=12,
    )


plain = tables(leaves)
with_deletions = tables(st.one_of(leaves, st.just(DELETE)))


def layer(name, data, priority=0):
    return Layer(name=name, priority=priority, data=data, locate=lambda path: Origin(name, name))


@given(plain, plain)
def test_the_merge_changes_none_of_its_arguments(lower, upper):
    before = copy.deepcopy((lower, upper))
    merge(lower, upper)
    assert (lower, upper) == before


# Where a key is a table in one tree and a leaf in another, the order of merging matters: the leaf replaces the table whole.
flat = st.dictionaries(st.sampled_from("ab"), leaves)
steady = st.builds(lambda own, inner: {**own, **inner}, flat, st.dictionaries(st.sampled_from("cd"), flat))


@given(steady, steady, steady)
def test_the_merge_is_associative_where_tables_stay_tables(one, two, three):
    assert same(merge(merge(one, two), three), merge(one, merge(two, three)))


@given(plain)
def test_nothing_laid_over_a_tree_or_under_it_changes_it(tree):
    assert same(merge(tree, {}), tree)
    assert same(merge({}, tree), tree)
    assert same(merge(tree, tree), tree)


@given(st.lists(with_deletions, max_size=4))
@example([{"a": None}, {"a": {"a": DELETE}}])
def test_every_leaf_wins_or_is_listed_as_shadowed(trees):
    """For each leaf that a layer sets, the trace names that layer: as winner of the merged value, or as shadowed."""
    layers = [layer(str(number), tree) for number, tree in enumerate(trees)]
    merged = {}
    for tree in trees:
        merged = merge(merged, tree)
    for one in layers:
        for path, value in scalars(one.data):
            if value is DELETE:
                continue
            seen = trace(layers, path)
            named = ([seen.winner] if seen.winner else []) + list(seen.shadowed)
            assert one in [sighting.layer for sighting in named]
    for path, value in scalars(merged):
        winner = trace(layers, path).winner
        assert winner is not None
        assert same(winner.value, value)


@given(st.lists(with_deletions, min_size=1, max_size=4))
@example([{"c": [0]}, {"c": {}}])
@example([{"c": {"a": 1}}, {"c": 5}, {"c": {"b": 1}}])
@example([{"c": {"a": 1}}, {"c": DELETE}])
def test_what_was_removed_has_no_winner(trees):
    layers = [layer(str(number), tree) for number, tree in enumerate(trees)]
    merged = {}
    for tree in trees:
        merged = merge(merged, tree)
    for one in layers:
        for path, value in scalars(one.data):
            if value is not DELETE and look_up(merged, path) is MISSING:
                assert trace(layers, path).winner is None


@given(plain, plain)
def test_differences_are_empty_exactly_for_equal_trees(old, new):
    assert (list(differences(old, new)) == []) == same(old, new)


def test_values_of_another_type_are_not_the_same():
    """Python calls 1, 1.0 and True equal; a schema does not, so a change from one to another must be seen."""
    for left, right in [(1, True), (1, 1.0), (0, False), ("1", 1), ({}, []), (None, "")]:
        assert not same({"a": left}, {"a": right})
        assert list(differences({"a": left}, {"a": right})) == [("a",)]


def test_untouched_parts_are_shared_not_copied():
    """What makes a reload of one section cheap: an override copies only the tables on its way."""
    lower = {"a": {"x": 1}, "b": {"y": {"z": 2}}}
    merged = merge(lower, {"a": {"x": 2}})
    assert merged["b"] is lower["b"]


def test_replacing_a_value_leaves_the_old_tree_as_it_was():
    tree = {"a": [{"b": 1}], "c": {}}
    new = replace(tree, ("a", 0, "b"), 2)
    assert (tree["a"][0]["b"], new["a"][0]["b"]) == (1, 2)
    assert new["c"] is tree["c"]


def test_a_table_of_mere_deletions_leaves_no_trace():
    assert merge({}, {"a": {"b": DELETE}}) == {}
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"b": DELETE}}) == {"a": {"c": 2}}
