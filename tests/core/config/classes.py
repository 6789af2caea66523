"""Configuration classes and documents as hypothesis makes them up."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import typing
import uuid

import attrs
from hypothesis import strategies as st

from trivet import ByteSize, Secret, Url


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Corner(enum.Enum):
    """No file can write these values, so their names are written."""

    NEAR = (0, 0)
    FAR = (9, 9)


ZONES = st.none() | st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)

SCALARS = {
    bool: st.booleans(),
    int: st.integers(),
    float: FLOATS,
    str: TEXTS,
    bytes: TEXTS.map(str.encode),
    dt.timedelta: st.timedeltas(),
    dt.datetime: st.datetimes(timezones=ZONES),
    dt.date: st.dates(),
    dt.time: st.times(timezones=ZONES),
    pathlib.Path: TEXTS.map(pathlib.Path),
    uuid.UUID: st.uuids(),
    decimal.Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    ipaddress.IPv4Address: st.ip_addresses(v=4),
    ipaddress.IPv6Address: st.ip_addresses(v=6),
    Url: st.sampled_from(["https://example.org/", "unix:///run/a.sock", "http://u:p@[::1]:80/a?b#c"]).map(Url),
    ByteSize: st.integers(0, 2**70).map(ByteSize),
    Color: st.sampled_from(Color),
    Level: st.sampled_from(Level),
    Corner: st.sampled_from(Corner),
    typing.Literal["auto", 1] | None: st.sampled_from(["auto", 1, None]),
    int | None: st.none() | st.integers(),
    int | str: st.integers() | TEXTS,
    bool | float | None: st.booleans() | st.none() | FLOATS,
}


def make_class(name, fields):
    """Make an attrs class of ``{name: (type, attrs.field)}``."""
    body = {"__annotations__": {key: kind for key, (kind, _) in fields.items()}, "__module__": __name__}
    return attrs.frozen(kw_only=True)(type(name, (), {**body, **{key: field for key, (_, field) in fields.items()}}))


@st.composite
def kinds(draw, depth=2):
    """A type of a field, and a strategy of its values."""
    shape = draw(
        st.sampled_from(["scalar"] * 4 + ["list", "pair", "table", "numbered", "set", "secret", "class", "maybe"])
    )
    if shape == "scalar" or not depth:
        return draw(st.sampled_from(list(SCALARS.items())))
    if shape == "set":
        kind = draw(st.sampled_from([int, str, dt.date, Color]))
        return frozenset[kind], st.frozensets(SCALARS[kind], max_size=3)
    if shape == "class":
        cls, values = draw(classes(depth=depth - 1))
        return cls, values
    if shape == "maybe":
        cls, values = draw(classes(depth=depth - 1))
        return cls | None, st.none() | values
    kind, values = draw(kinds(depth=depth - 1))
    return {
        "list": (list[kind], st.lists(values, max_size=3)),
        "pair": (tuple[kind, int], st.tuples(values, st.integers())),
        "table": (dict[str, kind], st.dictionaries(TEXTS, values, max_size=3)),
        "numbered": (dict[int, kind], st.dictionaries(st.integers(), values, max_size=3)),
        "secret": (Secret[kind], values.map(Secret)),
    }[shape]


@st.composite
def classes(draw, depth=2):
    """A class, and a strategy of its instances. A field that takes null is null by default, others are required or not."""
    fields, values = {}, {}
    for index in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(["size", "password", "url", "hosts"])) + str(index) * (index > 0)
        kind, values[name] = draw(kinds(depth=depth))
        default = attrs.NOTHING if draw(st.booleans()) else draw(values[name])
        if type(None) in typing.get_args(kind) or None in typing.get_args(kind):
            default = None
        fields[name] = (kind, attrs.field(default=default))
    cls = make_class(draw(st.sampled_from(["Pool", "Node"])), fields)
    return cls, st.fixed_dictionaries(values).map(lambda arguments: cls(**arguments))


@st.composite
def instances(draw):
    """An instance of a class that was made up."""
    _, values = draw(classes())
    return draw(values)
