"""Manifests: any change of the set of sealed values is found, and only the canonical form is read."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.ciphers.binding import Binding
from trivet.ciphers.contracts import Key
from trivet.ciphers.manifests import ENTRIES
from trivet.ciphers.registry import Ciphers
from trivet_plugins.security.sealed.manifest import Manifest
from trivet_plugins.security.sealed.manifests import SealedManifests

VALUES = {
    ("database", "password"): "trivet:1:aaa",
    ("users", 0, "key"): "x ${trivet:1:bbb}",
    ("odd.key", 'q"'): "trivet:1:c",
}


class Ring:
    """Two keys, one of them primary."""

    def __init__(self, *ids):
        self.keys = {id_: Key(id_, 2, hashlib.sha256(b"%d" % id_).digest()) for id_ in ids}

    def primary(self):
        return next(iter(self.keys.values()))

    def find(self, key_id):
        return self.keys.get(key_id)

    def key_ids(self):
        return [*self.keys]


def manifests(*ids, name="orders"):
    ciphers = Ciphers(name)
    ciphers.use_ring(Ring(*(ids or (1,))))
    return SealedManifests(ciphers)


async def test_what_was_signed_is_vouched_for():
    """All kinds of places; under a key that is not primary any more, too."""
    entries = manifests(7).make(VALUES, generation=3)
    verdict = await manifests(8, 7).check(entries, dict(reversed(VALUES.items())))
    assert (verdict.generation, verdict.faults) == (3, ())
    assert manifests().key_of(entries) == f"{7:016x}"
    assert Manifest.parse(entries).dump() == entries


def test_the_signed_statement_is_the_documented_one():
    """Label, generation, count, and the root over place and hash of each value: computed here by hand."""
    places = sorted(Binding("manifest", "", path).encode() for path in VALUES)
    by_place = {Binding("manifest", "", path).encode(): text for path, text in VALUES.items()}
    one, two, three = (
        hashlib.sha256(b"\0" + place + hashlib.sha256(by_place[place].encode()).digest()).digest() for place in places
    )
    left = hashlib.sha256(b"\1" + one + two).digest()
    root = hashlib.sha256(b"\1" + left + three).digest()
    expected = b"trivet/manifest/v1" + (5).to_bytes(8, "big") + (3).to_bytes(8, "big") + root
    assert Manifest.of(VALUES, 5).statement() == expected


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (
            {("database", "password"): "trivet:1:old"},
            ("database", "password"),
            "an older one or another was put in its place",
        ),
        ({("users", 0, "key"): None}, (*ENTRIES, 3), r"at users\[0\]\.key, and there is none: it was removed"),
        ({("new",): "trivet:1:n"}, ("new",), "it was added without the key"),
        (
            {("users", 0, "key"): None, ("users", 1, "key"): VALUES["users", 0, "key"]},
            ("users", 1, "key"),
            r"moved here from users\[0\]\.key",
        ),
    ],
    ids=["replaced", "removed", "added", "moved"],
)
async def test_each_change_of_the_set_is_named_with_its_place(change, path, words):
    """One fault, with what to do."""
    values = {place: text for place, text in {**VALUES, **change}.items() if text is not None}
    (fault,) = (await manifests().check(manifests().make(VALUES, generation=1), values)).faults
    assert fault.path == path
    assert re.search(words, fault.message)
    assert "trivet secrets manifest FILE" in fault.message
    assert "trivet:1:" not in fault.message


async def test_another_key_or_service_or_generation_is_not_authentic():
    """And nothing else is said then."""
    entries = manifests().make(VALUES, generation=1)
    newer = [entries[0].replace("1 1 ", "1 2 "), *entries[1:]]
    for checker, document in ((manifests(2), entries), (manifests(name="billing"), entries), (manifests(), newer)):
        (fault,) = (await checker.check(document, VALUES)).faults
        assert (fault.path, "not authentic" in fault.message) == (ENTRIES, True)


@given(st.data())
async def test_no_altered_manifest_is_authentic(data):
    """Any character of any text changed, any text dropped, doubled or moved to another manifest."""
    entries = manifests().make(VALUES, generation=1)
    other = manifests().make({**VALUES, ("x",): "trivet:1:x"}, generation=2)
    at = data.draw(st.integers(0, len(entries) - 1))
    text = entries[at]
    where = data.draw(st.integers(0, len(text) - 1))
    mark = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda one: one != text[where]))
    altered = [
        [*entries[:at], text[:where] + mark + text[where + 1 :], *entries[at + 1 :]],
        [*entries[:at], *entries[at + 1 :]],
        [*entries, entries[-1]],
        [other[0], *entries[1:]],
        [entries[0], *other[1:]],
    ]
    for document in altered:
        assert (await manifests().check(document, VALUES)).faults, document


@pytest.mark.parametrize(
    "entries",
    [
        None,
        "1 1 x",
        [],
        {},
        [1],
        ["1 1"],
        ["2 1 trivet-mac:1:x"],
        ["1 0 trivet-mac:1:x"],
        ["1 1 trivet-mac:1:x", "y z"],
        ["1 1 trivet-mac:1:" + "A" * 54, "A" * 43 + " " + "[" * 5000],
    ],
    ids=lambda entries: repr(entries)[:40],
)
async def test_what_is_no_manifest_is_said_to_be_none(entries):
    """Without an exception, whatever stands there."""
    (fault,) = (await manifests().check(entries, VALUES)).faults
    assert "the manifest cannot be read" in fault.message


paths = st.lists(st.text(max_size=6) | st.integers(0, 5), min_size=1, max_size=4).map(
    lambda parts: (str(parts[0]), *parts[1:])
)


@given(st.dictionaries(paths, st.text(max_size=5).map("trivet:1:{}".format), max_size=8))
async def test_any_set_of_places_is_written_and_read_back(values):
    """Keys with dots, brackets, quotes, line ends, lone surrogates."""
    entries = manifests().make(values, generation=1)
    assert (await manifests().check(entries, values)).faults == ()
