"""The place that a sealed value is bound to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trivet.ciphers.binding import Binding

texts = st.text(st.characters(), max_size=8)
paths = st.lists(texts | st.integers(0, 2**70), max_size=4).map(tuple)
bindings = st.builds(Binding, texts, texts, paths, texts)


def test_separators_inside_a_part_make_no_other_place():
    """``a.b`` as one key and ``a``, ``b`` as two are two places, whatever separator is in the text."""
    for mark in ".:/\0\x1f":
        one = Binding("config", "orders", (f"a{mark}b",))
        assert one.encode() != Binding("config", "orders", ("a", "b")).encode()
        assert one.encode() != Binding(f"config{mark}orders", f"a{mark}b").encode()


def test_an_index_is_not_the_key_of_the_same_digits():
    """``hosts[0]`` and ``hosts.0`` are two places."""
    assert Binding("config", "orders", ("hosts", 0)).encode() != Binding("config", "orders", ("hosts", "0")).encode()


def test_the_encoding_is_the_documented_one():
    """Count, then kind, length and bytes of each item: what the docstring says, byte for byte."""
    expected = b"\0\0\0\x05s\0\0\0\x06configs\0\0\0\x06orderss\0\0\0\x02dbi\0\0\0\x0212s\0\0\0\x03str"
    assert Binding("config", "orders", ("db", 12), "str").encode() == expected


@given(bindings, bindings)
def test_two_bindings_have_one_encoding_only_if_they_are_equal(one, other):
    """No two places share their bytes."""
    assert (one.encode() == other.encode()) == (one == other)


@given(bindings, st.sampled_from(["purpose", "namespace", "type"]))
def test_moving_text_between_neighbours_changes_the_encoding(binding, field):
    """A part that grows at its neighbour's cost is another place."""
    longer = Binding(
        **{
            **{name: getattr(binding, name) for name in ("purpose", "namespace", "path", "type")},
            field: "x" + getattr(binding, field),
        }
    )
    assert longer.encode() != binding.encode()
