"""Text of a text layer becomes what the schema says; values of files keep their types or are refused."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import typing
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NewType

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet import ByteSize, Secret, Url
from trivet.config.coercion import from_duration, to_duration
from trivet.config.fault import Fault, Faults, walk
from trivet.config.structure import Structurer
from trivet.config.tree import Text

STRUCTURER = Structurer()


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mode(enum.StrEnum):
    FAST = "fast"


Port = NewType("Port", int)


@attrs.frozen
class Inner:
    size: int = 0


def read(kind, value):
    """Structure one field of this type, in both tiers; they must agree."""
    cls = attrs.make_class("Holder", {"value": attrs.field(type=kind)}, frozen=True)
    detailed = STRUCTURER._converter(detailed=True)
    try:
        made = STRUCTURER.section(cls, {"value": value})
    except (Fault, Faults) as fault:
        with pytest.raises(Exception):  # noqa: B017, PT011 - the fast tier fails in its own ways
            STRUCTURER._converter(detailed=False).structure({"value": value}, cls)
        raise next(found for _, found in walk(fault)) from None
    assert detailed.structure({"value": value}, cls) == made
    return made.value


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (bool, "true", True),
        (bool, "Yes", True),
        (bool, "ON", True),
        (bool, "1", True),
        (bool, "false", False),
        (bool, "no", False),
        (bool, "off", False),
        (bool, "0", False),
        (int, "10", 10),
        (int, "-10_000", -10_000),
        (int, "0xff", 255),
        (int, "0o17", 15),
        (int, "0b11", 3),
        (int, "007", 7),
        (int, "10MiB", 10 * 2**20),
        (int, "1.5kB", 1500),
        (int, "2GB", 2_000_000_000),
        (int, "12B", 12),
        (float, "1.5", 1.5),
        (float, "3", 3.0),
        (float, "1e3", 1000.0),
        (str, "10", "10"),
        (str, "", ""),
        (bytes, "ab", b"ab"),
        (dt.timedelta, "10s", dt.timedelta(seconds=10)),
        (dt.timedelta, "1h30m", dt.timedelta(minutes=90)),
        (dt.timedelta, "250ms", dt.timedelta(milliseconds=250)),
        (dt.timedelta, "1.5d", dt.timedelta(hours=36)),
        (dt.datetime, "2026-01-31T12:00:00+00:00", dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)),
        (dt.date, "2026-01-31", dt.date(2026, 1, 31)),
        (dt.time, "12:30", dt.time(12, 30)),
        (pathlib.Path, "/a/b", pathlib.Path("/a/b")),
        (uuid.UUID, "12345678123456781234567812345678", uuid.UUID(int=0x12345678123456781234567812345678)),
        (decimal.Decimal, "1.10", decimal.Decimal("1.10")),
        (ipaddress.IPv4Address, "127.0.0.1", ipaddress.IPv4Address("127.0.0.1")),
        (Colour, "red", Colour.RED),
        (Colour, "BLUE", Colour.BLUE),
        (Level, "2", Level.HIGH),
        (Mode, "fast", Mode.FAST),
        (Port, "80", 80),
        (Annotated[int, "unit"], "5", 5),
        (Literal["a", 2, True], "2", 2),
        (Literal["a", 2, True], "true", True),
        (int | None, "5", 5),
        (int | None, "null", None),
        (typing.Optional[str], "null", None),  # noqa: UP045 - the old spelling works too
        (int | str, "5", 5),
        (int | str, "five", "five"),
        (list[str], "a, b", ["a", "b"]),
        (list[str], '["a", "b"]', ["a", "b"]),
        (list[str], "", []),
        (tuple[int, ...], "1,2", (1, 2)),
        (tuple[int, str], '[1, "x"]', (1, "x")),
        (frozenset[int], "1,1,2", frozenset({1, 2})),
        (Sequence[str], "a,b", ("a", "b")),
        (list[int], "[1, 2]", [1, 2]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Mapping[str, Any], '{"a": [1]}', {"a": [1]}),
        (Inner, '{"size": 3}', Inner(3)),
        (Inner | None, '{"size": 3}', Inner(3)),
        (list[Inner], '[{"size": 3}]', [Inner(3)]),
        (Secret[int], "5", Secret(5)),
        (Secret[str] | None, "x", Secret("x")),
        (Any, "5", 5),
        (Any, "NaN", "NaN"),
        (Url, "https://u:p@Example.org:8443/a?b#c", Url("https://u:p@Example.org:8443/a?b#c")),
        (Url | None, "null", None),
        (ByteSize, "10MiB", ByteSize(10 * 2**20)),
        (ByteSize, "1.5kB", ByteSize(1500)),
        (Any, "10MB", "10MB"),
        (object, "true", True),
    ],
)
def test_text_becomes_what_the_schema_says(kind, text, value):
    made = read(kind, Text(text))
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (bool, "maybe", "expected a boolean (true/false/yes/no/on/off/1/0)"),
        (int, "ten", "expected an integer"),
        (int, "1.5", "expected an integer"),
        (int, "", "expected an integer"),
        (int, "9" * 5000, "an integer of that many digits is not read"),
        (float, "x", "expected a number"),
        (dt.timedelta, "10", "expected a duration such as 250ms, 10s or 1h30m"),
        (dt.timedelta, "10 parsecs", "expected a duration such as 250ms, 10s or 1h30m"),
        (dt.timedelta, "9999999999d", "a duration is at most 999999999d"),
        (dt.date, "31.1.2026", "expected a date such as 2026-01-31"),
        (Colour, "green", "expected one of red, blue"),
        (Literal["a", "b"], "c", "expected one of 'a', 'b'"),
        (list[int], "1,x", "expected an integer"),
        (list[int], "[1", "expected a list as JSON"),
        (dict[str, int], "a=1", "expected a table as JSON"),
        (Inner, "[1]", "expected a table as JSON"),
        (tuple[int, str], "1", "expected a list of 2, not of 1"),
        (int | bool, "x", "fits none of int or bool"),
        (ipaddress.IPv4Address, "localhost", "expected an IPv4 address"),
    ],
)
def test_text_that_does_not_fit_is_refused(kind, text, message):
    with pytest.raises(Fault) as caught:
        read(kind, Text(text))
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, 5),
        (float, 5),
        (float, 5.5),
        (bool, True),
        (str, "x"),
        (list[str], ["a"]),
        (dict[str, int], {"a": 1}),
        (dt.date, dt.date(2026, 1, 1)),
        (dt.timedelta, "10s"),
        (Colour, "red"),
        (Level, 1),
        (int | None, None),
        (Inner, {"size": 1}),
        (int | str, "5"),
        (Secret[str], "x"),
        (decimal.Decimal, 1.5),
        (Url, "postgresql+asyncpg://db/orders"),
        (Url, "unix:///run/app.sock"),
        (ByteSize, 65536),
        (ByteSize, "64KiB"),
    ],
)
def test_values_of_files_that_fit_are_taken(kind, value):
    read(kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "message", "hint"),
    [
        (int, "5432", "expected an integer, not a string", "remove the quotes"),
        (int, 3.9, "expected an integer, not a float", ""),
        (int, 3.0, "expected an integer, not a float", ""),
        (int, True, "expected an integer, not a boolean", ""),
        (int, None, "expected an integer, not null", ""),
        (float, "1.5", "expected a number, not a string", "remove the quotes"),
        (float, True, "expected a number, not a boolean", ""),
        (bool, "false", "expected a boolean, not a string", "remove the quotes"),
        (bool, 1, "expected a boolean, not an integer", ""),
        (bool, "yes", "expected a boolean, not a string", "write true or false"),
        (str, 5, "expected a string, not an integer", "put it in quotes"),
        (str, None, "expected a string, not null", ""),
        (str, ["a"], "expected a string, not a list", ""),
        (bytes, 5, "expected a string, not an integer", ""),
        (list[str], "abc", "expected a list, not a string", ""),
        (list[str], {"a": 1}, "expected a list, not a table", ""),
        (list[int], ["1"], "expected an integer, not a string", "remove the quotes"),
        (dict[str, int], [1], "expected a table, not a list", ""),
        (Inner, [], "expected a table, not a list", ""),
        (Inner, "x", "expected a table, not a string", ""),
        (dt.datetime, dt.date(2026, 1, 1), "expected a date-time such as 2026-01-31T12:00:00Z, not a date", ""),
        (dt.timedelta, 10, "expected a duration such as 250ms, 10s or 1h30m, not an integer", ""),
        (Level, True, "expected one of 1, 2", ""),
        (Secret[int], "5", "expected an integer, not a string", "remove the quotes"),
        (set[str], "ab", "expected a list, not a string", ""),
        (Url, "localhost:8000", "expected a URL such as https://example.org/", ""),
        (Url, "https://", "expected a URL such as https://example.org/", ""),
        (Url, "https://a b/", "expected a URL such as https://example.org/", ""),
        (Url, "https://a:port/", "expected a URL such as https://example.org/", ""),
        (Url, "https://a:70000/", "expected a URL such as https://example.org/", ""),
        (Url, "https://[::1/", "expected a URL such as https://example.org/", ""),
        (Url, 5, "expected a URL such as https://example.org/, not an integer", ""),
        (ByteSize, "ten", "expected a size such as 65536, 64KiB or 1.5GB", ""),
        (ByteSize, -1, "expected a size such as 65536, 64KiB or 1.5GB", ""),
        (ByteSize, "-1", "expected a size such as 65536, 64KiB or 1.5GB", ""),
        (ByteSize, 1.5, "expected a size such as 65536, 64KiB or 1.5GB, not a float", ""),
        (ByteSize, True, "expected a size such as 65536, 64KiB or 1.5GB, not a boolean", ""),
        (complex, "1", "values of the type complex cannot be read from configuration; give the field another type", ""),
    ],
)
def test_values_of_files_are_never_coerced(kind, value, message, hint):
    with pytest.raises(Fault) as caught:
        read(kind, value)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@given(st.timedeltas(dt.timedelta(days=-9999), dt.timedelta(days=9999)))
def test_a_written_duration_reads_as_the_same(duration):
    assert to_duration(from_duration(duration)) == duration


def test_a_url_has_parts_and_shows_no_password():
    url = Url("https://alice:hunter2@Example.org:8443/a?b#c")
    assert (url.scheme, url.host, url.port, url.parts.path) == ("https", "example.org", 8443, "/a")
    assert (Url("unix:///run/app.sock").host, Url("http://[::1]/").host, Url("http://a").port) == ("", "::1", None)
    assert url == "https://alice:hunter2@Example.org:8443/a?b#c"
    assert repr(url) == "Url('https://alice:***@Example.org:8443/a?b#c')"
