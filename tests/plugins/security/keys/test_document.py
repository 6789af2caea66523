"""The content of a key file, version 2, with and without a master key."""

from __future__ import annotations

import datetime as dt
import json
import os

import pytest

from trivet import Argon2Cost, KeyRingError, KeyState, Passphrase
from trivet_plugins.security.keys import lifecycle
from trivet_plugins.security.keys.document import KeyDocument
from trivet_plugins.security.keys.entry import RingKey
from trivet_plugins.security.keys.masters import Master, Masters
from trivet_plugins.security.keys.wrapping import Header, Wrap

NOW = dt.datetime(2026, 11, 24, 18, tzinfo=dt.UTC)
CHEAP = Argon2Cost(memory=64, passes=1, lanes=1)
SECRET = os.urandom(32)


def masters(*secrets, **options):
    return Masters(*(Master(f"test:{number}", secret) for number, secret in enumerate(secrets)), cost=CHEAP, **options)


def document(wrap=None):
    """A ring with a key in every state."""
    keys = [RingKey.generate(2, state, now=NOW, activates=NOW, age=dt.timedelta(days=90)) for state in KeyState]
    made = KeyDocument(tuple(keys), 7, wrap)
    made = lifecycle.reserved(made, keys[1].id, 2**33)
    return KeyDocument((*made.keys[:4], made.keys[4].destroyed()), 7, wrap)


def same(one, other):
    names = ("id", "state", "created", "activates", "expires", "messages", "check")
    for mine, theirs in zip(one.keys, other.keys, strict=True):
        assert [getattr(mine, name) for name in names] == [getattr(theirs, name) for name in names]
        assert (mine.key.suite, mine.key.material) == (theirs.key.suite, theirs.key.material)
    assert one.generation == other.generation


@pytest.fixture(params=["plain", "key", "passphrase"])
def unlocking(request):
    """All ways in which a file is protected."""
    secret = {"plain": (), "key": (SECRET,), "passphrase": (Passphrase("correct horse"),)}[request.param]
    return masters(*secret)


def test_a_document_survives_dump_and_parse(unlocking):
    """All states, dates and counts; and a second writing differs in what is random only."""
    made = document(unlocking.fresh())
    read = KeyDocument.parse(made.dump(), unlocking.unlock)
    same(made, read)
    same(made, KeyDocument.parse(read.dump(), unlocking.unlock))


def test_no_key_stands_in_a_wrapped_file(unlocking):
    """Neither as bytes nor as text; a destroyed key has nothing at all."""
    made = document(unlocking.fresh())
    text = made.dump()
    materials = [one["material"] for one in json.loads(document().dump())["keys"] if "material" in one]
    assert len(materials) == 4
    entries = json.loads(text)["keys"]
    assert [("wrapped" in one, "material" in one) for one in entries] == (
        [(unlocking.configured, not unlocking.configured)] * 4 + [(False, False)]
    )
    for one in made.keys[:4]:
        assert one.key.material.hex().encode() not in text
        assert one.key.material not in text


def test_every_changed_bit_is_found(unlocking):
    """Whatever it hits: a number, a state, a wrapped key, the MAC, the salt. White space at the end is the one exception."""
    raw = bytearray(document(unlocking.fresh()).dump().rstrip())
    for bit in range(0, len(raw) * 8, 5 if unlocking.configured else 3):
        raw[bit // 8] ^= 1 << bit % 8
        try:
            tree = json.loads(raw)
        except ValueError:
            tree = None
        if tree is None or json.dumps(tree) != json.dumps(json.loads(document_of(raw, bit))):
            with pytest.raises(ValueError, match=r".") as caught:
                KeyDocument.parse(bytes(raw), unlocking.unlock)
            assert "correct horse" not in str(caught.value)
        raw[bit // 8] ^= 1 << bit % 8


def document_of(raw, bit):
    """The content before the bit was changed."""
    before = bytearray(raw)
    before[bit // 8] ^= 1 << bit % 8
    return bytes(before)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tree: tree.update(generation=6), "MAC does not fit"),
        (lambda tree: tree["keys"][3].update(state="decrypt-only"), "MAC does not fit"),
        (lambda tree: tree["keys"].pop(), "MAC does not fit"),
        (lambda tree: tree["keys"].reverse(), "MAC does not fit"),
        (lambda tree: tree["keys"][1].update(messages=0), "MAC does not fit"),
        (lambda tree: tree.update(extra=1), "must be an object of generation, keys, mac, version, wrapping"),
        (lambda tree: tree.pop("mac"), "must be an object of"),
        (lambda tree: tree.update(mac="AAAA"), "base64url of 32 bytes"),
        (lambda tree: tree.update(generation=-1), "generation must be a count"),
        (lambda tree: tree.update(generation=True), "generation must be a count"),
        (lambda tree: tree.update(wrapping=[]), "wrapping must be"),
        (lambda tree: tree.update(version=3), "another version of trivet"),
        (lambda tree: tree.update(version=[]), "another version of trivet"),
    ],
)
def test_what_was_changed_by_hand_is_refused(unlocking, change, reason):
    """States, counts, order and generation are under the MAC."""
    tree = json.loads(document(unlocking.fresh()).dump())
    change(tree)
    with pytest.raises(ValueError, match=reason):
        KeyDocument.parse(json.dumps(tree).encode(), unlocking.unlock)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"state": "sleeping"}, "key 1: must be an object whose state is one of"),
        ({"state": []}, "key 1: must be an object whose state is one of"),
        ({"suite": 0}, "key 1: suite must be"),
        ({"id": "12"}, "key 1: id has not the form"),
        ({"created": 5}, "key 1: created, activates and expires must be dates"),
        ({"expires": "soon"}, "key 1: created, activates and expires must be dates"),
        ({"messages": -1}, "key 1: messages must be a count"),
        ({"messages": 2**101}, "key 1: messages must be a count"),
        ({"messages": 1.5}, "key 1: messages must be a count"),
        ({"check": "AAAAAAAAAAA"}, "key 1: its bytes are not those"),
        ({"extra": 1}, "key 1: must be an object of"),
        ({"state": "destroyed"}, "key 1: must be an object of"),
    ],
)
def test_whoever_makes_the_mac_must_still_keep_the_form(entry, reason):
    """A file without wrapping has a checksum only, so that every field is looked at."""
    from trivet.ciphers import base64url
    from trivet_plugins.security.keys.document import _mac

    tree = json.loads(document().dump())
    tree["keys"][0].update(entry)
    tree["mac"] = base64url.encode(_mac(tree, None))
    with pytest.raises(ValueError, match=reason):
        KeyDocument.parse(json.dumps(tree).encode(), masters().unlock)


def test_a_wrapped_key_belongs_to_its_entry():
    """One entry's bytes in another's place do not unwrap, even for who could make the MAC."""
    wrap = Wrap.fresh(SECRET, CHEAP)
    one, other = document(wrap).keys[:2]
    entry = {**one.entry(wrap), "wrapped": other.entry(wrap)["wrapped"]}
    with pytest.raises(ValueError, match="belongs to another entry"):
        RingKey.of(entry, wrap)


def test_another_master_key_is_told_from_a_changed_file():
    """The message says which ones were tried, and which settings to look at."""
    raw = document(masters(SECRET).fresh()).dump()
    with pytest.raises(
        KeyRingError, match=r"wrapped by a master key, and test:0 does not fit; .*plugins\.key_file\.master"
    ):
        KeyDocument.parse(raw, masters(os.urandom(32)).unlock)
    with pytest.raises(KeyRingError, match="wrapped by a master key; name it"):
        KeyDocument.parse(raw, masters().unlock)


def test_a_former_master_key_still_opens():
    """While a new one is being put in place."""
    raw = document(masters(SECRET).fresh()).dump()
    assert KeyDocument.parse(raw, masters(os.urandom(32), SECRET).unlock).generation == 7


def test_a_file_without_wrapping_is_refused_where_there_is_a_master_key():
    """Whoever can write the file, but has no master key, could slip a ring of his own in."""
    with pytest.raises(
        KeyRingError, match=r"not wrapped, and plugins\.key_file\.master is test:0; .*trivet keys rewrap"
    ):
        KeyDocument.parse(document().dump(), masters(SECRET).unlock)
    assert KeyDocument.parse(document().dump(), masters(SECRET).unlock_any).wrap is None


def test_a_source_that_failed_is_named_where_its_key_is_needed():
    """And not where another one fits."""
    raw = document(masters(SECRET).fresh()).dump()
    broken = Master("file:/nowhere", refusal="there is no master key")
    with pytest.raises(KeyRingError, match="cannot be loaded: file:/nowhere: there is no master key"):
        KeyDocument.parse(raw, Masters(broken).unlock)
    assert KeyDocument.parse(raw, Masters(broken, Master("test:1", SECRET)).unlock).generation == 7
    with pytest.raises(KeyRingError, match="cannot be loaded"):
        Masters(broken).fresh()


@pytest.mark.parametrize(
    ("cost", "reason"),
    [
        ({"memory": 2**31, "passes": 1, "lanes": 1}, "more than the .* that are allowed"),
        ({"memory": 64, "passes": 10**9, "lanes": 1}, "more than the .* that are allowed"),
        ({"memory": 8000, "passes": 1, "lanes": 1000}, "more than the .* that are allowed"),
        ({"memory": 64, "passes": 1, "lanes": 9}, "8 KiB of memory per lane"),
        ({"memory": 64, "passes": 0, "lanes": 1}, "passes"),
        ({"memory": 64, "passes": True, "lanes": 1}, "argon2id must be"),
        ({"memory": 64, "passes": 1}, "argon2id must be"),
        ({"memory": "64", "passes": 1, "lanes": 1}, "argon2id must be"),
    ],
)
def test_the_cost_of_a_passphrase_is_looked_at_before_it_is_paid(cost, reason, monkeypatch):
    """A file must not make a service work for minutes or take all memory."""
    import argon2.low_level

    unlocking = masters(Passphrase("correct horse"))
    tree = json.loads(document(unlocking.fresh()).dump())
    tree["wrapping"]["argon2id"] = cost
    monkeypatch.setattr(argon2.low_level, "hash_secret_raw", None)
    with pytest.raises(ValueError, match=reason):
        KeyDocument.parse(json.dumps(tree).encode(), unlocking.unlock)


def test_a_passphrase_is_stretched_once_per_wrapping(monkeypatch):
    """The file is read often; what Argon2id takes is paid at the first reading, at the cost it was written with."""
    import argon2.low_level

    costs, real = [], argon2.low_level.hash_secret_raw

    def counted(*arguments, **options):
        costs.append((options["memory_cost"], options["time_cost"], options["parallelism"]))
        return real(*arguments, **options)

    monkeypatch.setattr(argon2.low_level, "hash_secret_raw", counted)
    raw = document(masters(Passphrase("correct horse")).fresh()).dump()
    unlocking = Masters(Master("test:0", Passphrase("correct horse")), cost=Argon2Cost(memory=128, passes=2, lanes=1))
    for _ in range(3):
        KeyDocument.parse(raw, unlocking.unlock)
    assert costs == [(64, 1, 1), (64, 1, 1)]
    header = KeyDocument.parse(raw, unlocking.unlock).wrap.header
    assert unlocking.knows(header)
    assert not unlocking.knows(Header(bytes(32), bytes(8), CHEAP))
    assert str(header) == "a passphrase (Argon2id, 64 KiB, 1 passes, 1 lanes)"


def test_a_passphrase_that_does_not_fit_is_stretched_once(monkeypatch):
    """A service with the wrong one says so to each value that asks, and does no work for it."""
    import argon2.low_level

    raw, wrong = document(masters(Passphrase("correct horse")).fresh()).dump(), masters(Passphrase("incorrect horse"))
    with pytest.raises(KeyRingError, match="does not fit"):
        KeyDocument.parse(raw, wrong.unlock)
    monkeypatch.setattr(argon2.low_level, "hash_secret_raw", None)
    for _ in range(3):
        with pytest.raises(KeyRingError, match="does not fit"):
            KeyDocument.parse(raw, wrong.unlock)


def test_a_passphrase_and_a_key_are_not_taken_for_each_other():
    """32 characters are no 32 random bytes."""
    text = "x" * 32
    raw = document(masters(Passphrase(text)).fresh()).dump()
    with pytest.raises(KeyRingError, match="does not fit"):
        KeyDocument.parse(raw, masters(text.encode()).unlock)


def test_nothing_that_holds_a_key_shows_it():
    """Documents, wraps and masters in a log line or a traceback with local variables."""
    wrap = Wrap.fresh(SECRET, CHEAP)
    made = document(wrap)
    shown = f"{made!r} {wrap!r} {Master('test:0', SECRET)!r} {Master('test:0', Passphrase('correct horse'))!r}"
    for secret in (SECRET, wrap.key, wrap.mac_key, *(one.key.material for one in made.keys[:4])):
        assert repr(secret) not in shown
        assert secret.hex() not in shown
    assert "correct horse" not in shown
