"""`kernel.config.schema`: accepts what files may say, rejects what they may not, and gives no secret away."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import json
import typing

import attrs
import jsonschema
import pytest
from attrs import validators as v
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trivet import ByteSize, Kernel, Launch, Secret, Url
from trivet.config.fault import Fault, Faults
from trivet.config.json_reference import References
from trivet.config.json_schema import json_schema
from trivet.config.schema import Schema
from trivet.config.structure import Structurer

SLOW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@attrs.frozen
class Leaf:
    name: str
    size: int = attrs.field(default=1, validator=v.ge(1))


@attrs.frozen
class Tree:
    """Holds itself."""

    label: str = ""
    below: tuple[Tree, ...] = ()


# Type and validator of a field. Of what a validator says, these are said by JSON Schema exactly.
FIELDS = [
    (bool, None),
    (int, None),
    (float, None),
    (str, None),
    (dt.timedelta, None),
    (dt.datetime, None),
    (dt.date, None),
    (dt.time, None),
    (Color, None),
    (Color, v.in_([Color.RED])),
    (Level, None),
    (typing.Literal["auto", 1, True] | None, None),
    (int, v.ge(1)),
    (int, v.and_(v.gt(0), v.lt(10), v.le(8))),
    (float, [v.ge(0), v.le(1)]),
    (float, v.or_(v.lt(0), v.gt(5.5))),
    (int | None, v.ge(1)),
    (int | None, v.optional(v.ge(1))),
    (int | str, v.or_(v.ge(1), v.in_(["auto"]))),
    (int | str | None, v.optional(v.instance_of(int))),
    (str | None, v.max_len(2)),
    (str, v.min_len(1)),
    (str, [v.min_len(2), v.max_len(4), v.matches_re("[a-z]+")]),
    (str, v.matches_re("[ab]")),
    (str | None, v.optional(v.matches_re("a"))),
    (str, v.in_({"red", "blue"})),
    (str | None, v.optional(v.in_(["red"]))),
    (int, v.in_(range(1, 4))),
    (typing.Any, None),
    (typing.Any, v.instance_of((str, int))),
    (list[int], v.deep_iterable(v.ge(0), v.max_len(2))),
    (tuple[str, ...], v.deep_iterable(v.in_(["red", "auto"]))),
    (tuple[int, str], None),
    (list[Leaf], None),
    (dict[str, int], v.deep_mapping(v.min_len(2), v.ge(1), v.min_len(1))),
    (dict[Color, int], None),
    (dict[int, bool], None),
    (dict[str, Leaf], v.max_len(1)),
    (frozenset[str], v.min_len(1)),
    (Leaf, None),
    (Leaf | None, None),
    (Leaf | int, None),
    (Tree, None),
    (Url, None),
    (ByteSize, None),
    (ByteSize | None, None),
    (Secret[str], None),
    (Secret[Leaf] | None, None),
    (list[Secret[int]], None),
]

WORDS = [
    "",
    "a",
    "ab",
    "abc",
    "ab\n",
    "abcde",
    "auto",
    "red",
    "RED",
    "LOW",
    "1",
    "0x1F",
    "10",
    "s",
    "true",
    "null",
    "noon",
    "https://a/b",
    "http://a b",
    "a:80",
    "10MiB",
    "1.5 kB",
]
DURATIONS = ["10s", "-1h30m", "1.5h", " 2d ", "1 h", "1w", "1y", "5ms3us"]
DAYS = ["2026-01-31", "2026-1-3", "20260131", "2026-W05-6", "2026-13-01", "2026-01-31T"]
MOMENTS = [
    "2026-01-31T12:00:00Z",
    "2026-01-31 12:00",
    "2026-01-31T12:00:00.123456789",
    "12:30",
    "12:30:00+01:00",
    "T12",
    "24:00",
]
ALL_TEXTS = [*WORDS, *DURATIONS, *DAYS, *MOMENTS]
TEXTS = st.sampled_from(ALL_TEXTS)
# No 1.0 and its like: to JSON Schema they are integers.
ATOMS = st.none() | st.booleans() | st.integers(-2, 12) | st.sampled_from([0.5, -0.5, 1.5, 7.25]) | TEXTS
KEYS = st.sampled_from(["name", "size", "label", "below", "red", "BLUE", "1", "x"])
JUNK = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
LEAVES = st.fixed_dictionaries({}, optional={"name": TEXTS | JUNK, "size": st.integers(0, 3) | JUNK})
TREES = st.recursive(
    st.fixed_dictionaries({}, optional={"label": TEXTS}),
    lambda inner: st.fixed_dictionaries({}, optional={"label": TEXTS, "below": st.lists(inner | JUNK, max_size=2)}),
    max_leaves=4,
)
NUMBERS = st.dictionaries(
    st.sampled_from(["a", "ab", "red", "RED", "1", "0b1"]), st.integers(0, 2) | st.booleans(), max_size=2
)
VALUES = JUNK | LEAVES | TREES | NUMBERS | st.lists(st.integers(-1, 3), max_size=3) | st.lists(LEAVES, max_size=2)


def make_class(fields):
    """Make an attrs class of ``{name: (type, validator, is required)}``."""
    body = {"__annotations__": {key: kind for key, (kind, _, _) in fields.items()}, "__module__": __name__}
    for key, (_, validator, required) in fields.items():
        body[key] = attrs.field(default=attrs.NOTHING if required else None, validator=validator)
    return attrs.frozen(kw_only=True)(type("Made", (), body))


@st.composite
def cases(draw):
    """A class, and a document for it."""
    fields = {}
    for index in range(draw(st.integers(1, 3))):
        kind, validator = draw(st.sampled_from(FIELDS))
        # The default is checked by attrs too: a field with a validator is required here, so that only documents matter.
        fields[f"f{index}"] = (kind, validator, validator is not None or draw(st.booleans()))
    document = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, VALUES)))
    if draw(st.integers(0, 9)) == 0:
        document["unknown"] = draw(ATOMS)
    return make_class(fields), document


def structures(cls, document):
    """Tell whether a section structures."""
    try:
        Structurer().section(cls, document)
    except (Fault, Faults):
        return False
    return True


def validator_of(schema):
    """A validator of documents, of a schema that is one."""
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@SLOW
@given(case=cases())
def test_the_schema_and_the_structuring_agree(case):
    """What one accepts the other accepts, for types, unions, validators, missing and unknown keys."""
    cls, document = case
    schema = json_schema("orders", Schema({("section",): cls}))
    assert validator_of(schema).is_valid({"section": document}) == structures(cls, document), (schema, document)


@functools.cache
def section_of(index):
    """A class with the field of that index, and the validator of its schema."""
    cls = make_class({"f": (*FIELDS[index], True)})
    return cls, validator_of(json_schema("orders", Schema({("section",): cls})))


@pytest.mark.parametrize("index", range(len(FIELDS)), ids=lambda index: str(FIELDS[index][0]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(value=VALUES)
def test_the_schema_and_the_structuring_agree_on_every_kind_of_field(index, value):
    """As above, one type and validator at a time."""
    cls, validator = section_of(index)
    assert validator.is_valid({"section": {"f": value}}) == structures(cls, {"f": value}), validator.schema


@pytest.mark.parametrize("index", range(len(FIELDS)), ids=lambda index: str(FIELDS[index][0]))
def test_the_schema_and_the_structuring_agree_on_every_text(index):
    """Durations, dates and times in every spelling, and what almost is one."""
    cls, validator = section_of(index)
    # CPython 3.11 takes eight digits for a time, the last two as a fraction; the schema does not.
    quirk = "20260131" if FIELDS[index][0] is dt.time else None
    for value in ALL_TEXTS:
        if value == quirk:
            continue
        assert validator.is_valid({"section": {"f": value}}) == structures(cls, {"f": value}), value


def positive(_instance, _attribute, value):
    if value < 1:
        raise ValueError("must be positive")


# What the schema accepts and structuring rejects: JSON Schema cannot say it, or would have to run code. Never the other way.
WEAKER = {
    "a whole float is an integer to JSON Schema": (int, None, 1.0),
    "days that a month has not": (dt.date, None, "2026-02-30"),
    "durations beyond Python's": (dt.timedelta, None, "9999999999d"),
    "bounds that are no numbers": (dt.timedelta, v.ge(dt.timedelta(seconds=1)), "1ms"),
    "a validator of the application's own": (int, positive, 0),
    "a negation": (int, v.not_(v.in_([3])), 3),
    "a regular expression that only Python has": (str, v.matches_re(r"(?P<word>a)(?P=word)"), "ab"),
    "flags of a regular expression": (str, v.matches_re("A", flags=2), "b"),
    "the length of what is no text in Python": (bytes, v.min_len(2), "a"),
    "an integer where a float is asked of any value": (typing.Any, v.instance_of(float), 1),
}


@pytest.mark.parametrize("name", WEAKER)
def test_where_the_schema_is_weaker_is_known(name):
    """The list is the documented one; whoever makes one of these exact takes it off."""
    kind, validator, value = WEAKER[name]
    cls = make_class({"f": (kind, validator, True)})
    schema = json_schema("orders", Schema({("section",): cls}))
    assert not structures(cls, {"f": value})
    assert validator_of(schema).is_valid({"section": {"f": value}})


def test_validators_after_a_converter_say_nothing():
    """They see what the converter made, which no schema knows."""

    @attrs.frozen
    class Size:
        kilobytes: int = attrs.field(converter=lambda value: value * 1000, validator=v.ge(1000))

    schema = json_schema("orders", Schema({("size",): Size}))
    assert schema["$defs"]["Size"]["properties"]["kilobytes"] == {
        "type": ["integer", "string"],
        "pattern": References().pattern,
    }


@attrs.frozen
class Database:
    """Where orders are kept.

    A second paragraph that no editor needs.

    Args:
        url: The address,
            with credentials.
        pool_size: Connections that are held open.

    Raises:
        Nothing: ever.
    """

    password: Secret[str] = Secret("swordfish-1")  # noqa: RUF009 - it is immutable
    token: str = "swordfish-2"
    url: str = "postgres://orders:swordfish-3@db/orders"
    nested: dict[str, Secret[str]] = attrs.field(factory=lambda: {"a": Secret("swordfish-4")})
    endpoint: Leaf = Leaf("a", 2)
    timeout: dt.timedelta = dt.timedelta(minutes=2)
    color: Color = Color.RED
    pool_size: int = attrs.field(default=4, validator=v.ge(1))
    labels: dict[str, str] = attrs.field(factory=dict)
    limit: float = float("inf")
    hint: str = attrs.field(default="", metadata={"description": "Said by the field."})


def test_no_default_of_a_secret_is_in_the_schema():
    """Neither of `Secret`, nor of what sounds like one, nor of a password in a URL; they are marked as write-only."""
    schema = json_schema("orders", Schema({("database",): Database}))
    assert "swordfish" not in json.dumps(schema)
    fields = schema["$defs"]["Database"]["properties"]
    assert {key for key, field in fields.items() if field.get("writeOnly")} == {"password", "token", "nested"}


def test_defaults_and_descriptions_are_what_an_editor_shows():
    """Defaults as files would write them, texts from docstrings or from the field."""
    made = json_schema("orders", Schema({("database",): Database}))["$defs"]["Database"]
    fields = made["properties"]
    assert made["description"] == "Where orders are kept."
    assert fields["url"]["description"] == "The address, with credentials."
    assert fields["hint"]["description"] == "Said by the field."
    assert fields["endpoint"]["default"] == {"name": "a", "size": 2}
    assert fields["timeout"]["default"] == "2m"
    assert fields["color"]["default"] == "red"
    assert fields["labels"]["default"] == {}
    assert fields["pool_size"] == {
        "type": ["integer", "string"],
        "pattern": References().pattern,
        "minimum": 1,
        "description": "Connections that are held open.",
        "default": 4,
    }
    assert "default" not in fields["limit"]  # JSON has no infinity


REFERENCES = ["${a.b}", "${env:X}", "${env:X:-5}", "x${a}", "$$${a} ${b}", " trivet:1:AAAA"]
NO_REFERENCES = ["$${a}", "$$${a}", "$a", "{a}", "trivet:2:A", "x trivet:1:A"]


@pytest.mark.parametrize("index", range(len(FIELDS)), ids=lambda index: str(FIELDS[index][0]))
def test_a_reference_may_stand_wherever_a_value_may(index):
    """For every type and validator, and for what lies in lists, tables and classes; text that refers to nothing may not."""
    cls, validator = section_of(index)
    for text in REFERENCES:
        assert validator.is_valid({"section": {"f": text}}), (text, validator.schema)
        assert validator.is_valid({"section": text})
    for text in NO_REFERENCES:
        assert validator.is_valid({"section": {"f": text}}) == structures(cls, {"f": text}), (text, validator.schema)
        assert not validator.is_valid({"section": text})
    for value in (
        [0],
        [0, "a"],
        ["red"],
        ["a"],
        {"ab": 1},
        {"a": {"name": "x"}},
        {"name": "a"},
        {"label": ""},
        [{"name": "x"}],
    ):
        if structures(cls, {"f": value}):
            parts = dict.fromkeys(value, "${a}") if isinstance(value, dict) else ["${a}"] * len(value)
            assert validator.is_valid({"section": {"f": parts}}), (parts, validator.schema)
    assert not validator.is_valid({"section": {"f": {object.__name__: []}, "unknown": "${a}"}})


def test_the_schemes_of_resolvers_count_like_that_of_sealed_values():
    cls = make_class({"f": (int, None, True)})
    schema = json_schema("orders", Schema({("section",): cls}), schemes=["vault", "a.b"])
    for text, good in (("vault:x", True), ("a.b:x", True), ("axb:x", False), ("volt:x", False)):
        assert validator_of(schema).is_valid({"section": {"f": text}}) is good


def test_references_take_nothing_from_the_place_of_a_mistake():
    """A wrong number deep inside is told there, not as a section that is neither one nor a reference."""
    schema = json_schema("orders", Schema({("section",): Tree, ("leaf",): Leaf}))
    document = {"section": {"below": [{"below": [{"label": 5}]}]}, "leaf": {"name": "x", "size": 0}}
    found = [*validator_of(schema).iter_errors(document)]
    assert {tuple(error.absolute_path) for error in found} == {
        ("section", "below", 0, "below", 0, "label"),
        ("leaf", "size"),
    }
    assert "0 is less than the minimum of 1" in [error.message for error in found]


@attrs.frozen
class Endpoint:
    port: int = 0
    timeout: dt.timedelta = dt.timedelta()
    color: Color = Color.RED
    leaf: Leaf = Leaf("a")
    numbers: tuple[int, ...] = ()


async def test_what_refers_and_loads_fits_the_schema(tmp_path):
    """Numbers, durations, enums, tables, lists, items of lists and a whole section, in a file."""
    tree = {
        "one": {
            "port": "${env:PORT}",
            "timeout": "${one.port}s",
            "color": "${env:COLOR:-blue}",
            "numbers": [1, "${env:PORT}"],
        },
        "two": {"leaf": "${three.leaf}", "numbers": "${one.numbers}", "port": "${env:PORT}0"},
        "three": {"leaf": {"name": "x", "size": "${env:PORT}"}},
        "four": "${three}",
    }
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(tree))
    kernel = Kernel("orders", launch=Launch(files=[path], environ={"PORT": "80"}))
    lives = {name: kernel.config.bind(name, Endpoint) for name in tree}
    async with kernel.configured():
        assert lives["one"].current == Endpoint(80, dt.timedelta(seconds=80), Color.BLUE, numbers=(1, 80))
        assert lives["two"].current == Endpoint(800, leaf=Leaf("x", 80), numbers=(1, 80))
        assert lives["four"].current == lives["three"].current == Endpoint(leaf=Leaf("x", 80))
        assert [*validator_of(kernel.config.schema()).iter_errors(tree)] == []


def test_a_partial_schema_requires_nothing():
    """For one of several files that are merged; what is there is checked all the same."""
    whole = json_schema("orders", Schema({("a", "leaf"): Leaf}))
    partial = json_schema("orders", Schema({("a", "leaf"): Leaf}), partial=True)
    assert not validator_of(whole).is_valid({})
    assert not validator_of(whole).is_valid({"a": {"leaf": {}}})
    assert validator_of(partial).is_valid({})
    assert validator_of(partial).is_valid({"a": {"leaf": {}}})
    assert not validator_of(partial).is_valid({"a": {"leaf": {"size": 0}}})
    assert not validator_of(partial).is_valid({"a": {"leef": {}}})


def test_classes_of_one_name_are_told_apart():
    """Two plugins may each call their class ``Settings``."""
    one, other = make_class({"f": (int, None, True)}), make_class({"f": (str, None, True)})
    schema = json_schema("orders", Schema({("one",): one, ("other",): other}))
    assert len(schema["$defs"]) == 3
    assert validator_of(schema).is_valid({"one": {"f": 1}, "other": {"f": "a"}})


async def test_a_kernels_schema_holds_the_sections_of_its_plugins():
    """Bound sections and those of providers, as one document; what `kernel.config` exports fits it."""
    kernel = Kernel("orders", launch=Launch(environ={}, assignments=("database.limit=1.5",)))
    kernel.config.bind("database", Database)
    async with kernel.configured():
        schema = validator_of(kernel.config.schema())
        document = json.loads(kernel.config.export("json", redact=False))
    assert list(schema.iter_errors(document)) == []
    found = list(schema.iter_errors({"plugins": {"watcher": {"debounce": "no"}, "wotcher": {}}}))
    assert {tuple(error.absolute_path) for error in found} == {("plugins",), ("plugins", "watcher", "debounce")}
