"""Records are canonical JSON: one content has one form, and every other form is no record."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet_plugins.security.audit.record import MAX_LINE_BYTES, AuditRecord, TaggedRecord, line_of, timestamp

TAG = bytes(range(32))
texts = st.text(st.characters(), max_size=600)  # lone surrogates among them
optional = st.none() | texts


def record(**values):
    given_ = {
        "seq": 5,
        "ts": timestamp(1_764_000_000.25),
        "kernel": "orders",
        "node": "web-1",
        "actor": "user:alice",
        "op": "open",
        "target": "config database.password",
        "key_id": "9f86d081884c7d65",
        "outcome": "ok",
        "reason": None,
    }
    return AuditRecord(**{**given_, **values})


def test_a_line_is_what_the_documentation_shows():
    assert line_of(record().parts(), TAG).decode() == (
        '{"actor":"user:alice","kernel":"orders","key_id":"9f86d081884c7d65","node":"web-1","op":"open","outcome":"ok"'
        f',"reason":null,"seq":5,"tag":"{TAG.hex()}","target":"config database.password","ts":"2025-11-24T16:00:00.250000Z"}}'
    )


@given(
    actor=optional, op=texts, target=texts, key_id=optional, outcome=texts, reason=optional, kernel=texts, node=texts
)
def test_any_texts_give_a_canonical_line_that_is_read_back(**values):
    """The hand-made text is that of the rules, whatever the texts are; a line never grows past what a reader takes."""
    line = line_of(record(**values).parts(), TAG)
    loaded = json.loads(line)
    assert json.dumps(loaded, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == line
    assert len(line) <= MAX_LINE_BYTES
    assert b"\n" not in line
    parsed = TaggedRecord.parse(line)
    assert parsed.tag == TAG
    assert json.loads(parsed.text) == {name: value for name, value in loaded.items() if name != "tag"}


def test_a_text_is_cut_with_a_mark_and_made_well_formed():
    parsed = TaggedRecord.parse(line_of(record(target="x" * 1000, actor="a\udc80b").parts(), TAG)).record
    assert (len(parsed.target), parsed.target[-1], parsed.actor) == (400, "…", "a?b")


GOOD = line_of(record().parts(), TAG)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 8000,
        b'{"seq":' + b"9" * 5000 + b"}",
        GOOD + b" ",
        GOOD.replace(b'"seq":5', b'"seq":5.0'),
        GOOD.replace(b'"seq":5', b'"seq":-5'),
        GOOD.replace(b'"seq":5', b'"seq":true'),
        GOOD.replace(b'"seq":5', b'"seq":05'),
        GOOD.replace(b'"seq":5', b'"seq":' + b"%d" % 2**53),
        GOOD.replace(b'"seq":5', b'"seq":5,"seq":5'),
        GOOD.replace(b'"ok"', b'"\\u006fk"'),
        GOOD.replace(b'"ok"', b"null"),
        GOOD.replace(b'"op":"open",', b""),
        GOOD.replace(b'"op"', b'"oq"'),
        GOOD.replace(b'"reason":null', b'"reason":1'),
        GOOD.replace(TAG.hex().encode(), TAG.hex().upper().encode()),
        GOOD.replace(TAG.hex().encode(), TAG.hex()[:-2].encode()),
        GOOD.replace(b"T16:00", b" 16:00"),
        GOOD.replace(b"00Z", b"00+"),
        GOOD.replace(b'"user:alice"', b'"' + b"a" * 201 + b'"'),
    ],
    ids=lambda line: line[:40].decode(errors="replace"),
)
def test_what_is_not_exactly_a_record_is_none(line):
    with pytest.raises(ValueError, match=r"it is not|not a|not 64"):
        TaggedRecord.parse(line)
