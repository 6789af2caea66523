r"""`AuditRecord`: one line of the audit log, as canonical JSON.

The rules, a part of RFC 8785 (JSON Canonicalization Scheme): one object of the members below, sorted by name, no white space;
texts in UTF-8, in which only ``"``, ``\`` and the characters below U+0020 are escaped, in their short form where there is one;
the only number is ``seq``, a whole one. What RFC 8785 refuses, a lone surrogate, is written ``?``; a text that is too long ends
in ``…``. A line whose bytes are not those that these rules give for its content is no record.

``tag`` authenticates the object without it (`trivet_plugins.security.audit.ratchet`).
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from json.encoder import encode_basestring
from typing import Final, cast

import attrs

MAX_LINE_BYTES: Final = 8192
"""A longer line is no record: reading stops there."""
MAX_SEQ: Final = 2**53

_LIMITS: Final = {
    "actor": 200,
    "key_id": 64,
    "kernel": 64,
    "node": 64,
    "op": 64,
    "outcome": 16,
    "reason": 64,
    "target": 400,
}
_OPTIONAL: Final = frozenset({"actor", "key_id", "reason"})
_MEMBERS: Final = frozenset({*_LIMITS, "seq", "tag", "ts"})
_TAG: Final = re.compile(r"[0-9a-f]{64}\Z")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")


def timestamp(seconds: float) -> str:
    """Return a time as records have it (RFC 3339, UTC, microseconds): ``2026-11-25T02:45:00.000001Z``."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def clean(member: str, text: str) -> str:
    """Return a text as it may stand in a record: not too long, and without lone surrogates."""
    limit = _LIMITS[member]
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@functools.lru_cache(maxsize=1024)  # few texts come again and again
def _quoted(member: str, text: str | None) -> str:
    return "null" if text is None else encode_basestring(clean(member, text))


@attrs.frozen(kw_only=True)
class AuditRecord:
    """One operation.

    Args:
        seq: Its place in the log, from 0.
        ts: When, see `timestamp`.
        kernel: The service.
        node: The host it ran on.
        actor: Who asked.
        op: What was done.
        target: What it was about; a path, never a value.
        key_id: The key it was done with.
        outcome: ``ok`` or ``failed``.
        reason: Why it failed, a code.
    """

    seq: int
    ts: str
    kernel: str
    node: str
    actor: str | None
    op: str
    target: str
    key_id: str | None
    outcome: str
    reason: str | None

    def parts(self) -> tuple[str, str]:
        """Return the canonical text in two parts: the tag's member comes between them, by its name."""
        head = (
            f'{{"actor":{_quoted("actor", self.actor)},"kernel":{_quoted("kernel", self.kernel)}'
            f',"key_id":{_quoted("key_id", self.key_id)},"node":{_quoted("node", self.node)}'
            f',"op":{_quoted("op", self.op)},"outcome":{_quoted("outcome", self.outcome)}'
            f',"reason":{_quoted("reason", self.reason)},"seq":{self.seq}'
        )
        return head, f',"target":{_quoted("target", self.target)},"ts":"{self.ts}"}}'


def line_of(parts: tuple[str, str], tag: bytes) -> bytes:
    """Return the line of a record, without its end."""
    head, tail = parts
    return f'{head},"tag":"{tag.hex()}"{tail}'.encode()


@attrs.frozen
class TaggedRecord:
    """A record as it stands in the log.

    Args:
        record: What it says.
        tag: 32 bytes.
        text: The canonical bytes that the tag authenticates.
    """

    record: AuditRecord
    tag: bytes
    text: bytes

    @classmethod
    def parse(cls, line: bytes) -> TaggedRecord:
        """Read a line, without its end.

        Raises:
            ValueError: with what is wrong with it; never with content.
        """
        members = _members(line)
        tag = members.pop("tag")
        if not isinstance(tag, str) or not _TAG.match(tag):
            raise ValueError("its tag is not 64 hex digits")
        _check(members)
        record = AuditRecord(**members)  # type: ignore[arg-type]  # checked above
        parts, raw = record.parts(), bytes.fromhex(tag)
        if line_of(parts, raw) != line:
            raise ValueError("it is not in canonical form")
        return cls(record, raw, "".join(parts).encode())


def _members(line: bytes) -> dict[str, object]:
    try:
        loaded = json.loads(line)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, a number without end, nested too deep
        pass
    else:
        if isinstance(loaded, dict) and loaded.keys() == _MEMBERS:
            return cast("dict[str, object]", loaded)
        raise ValueError("it is not an object with the members of a record")
    raise ValueError("it is not JSON")


def _check(members: dict[str, object]) -> None:
    seq, time = members["seq"], members["ts"]
    if type(seq) is not int or not 0 <= seq < MAX_SEQ:
        raise ValueError("seq is not a number of a record")
    if not isinstance(time, str) or not _TIME.match(time):
        raise ValueError("ts is not a time")
    for name in _LIMITS:
        value = members[name]
        if not (isinstance(value, str) or (value is None and name in _OPTIONAL)):
            raise ValueError(f"{name} is not a text")
