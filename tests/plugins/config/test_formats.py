"""The three formats: the text at each place parses to the value, what is written reads as the same, bad text has a place."""

from __future__ import annotations

import datetime as dt
import json
import math
import string
import tomllib

import pytest
import yaml as pyyaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trivet import FormatError
from trivet.config.limits import LIMITS
from trivet.config.tree import same
from trivet_plugins.config.document_file import decode
from trivet_plugins.config.json import Json
from trivet_plugins.config.toml import Toml
from trivet_plugins.config.yaml import Yaml
from trivet_plugins.config.yaml_scalar import plain

FORMATS = [Toml(), Yaml(), Json()]
by_format = pytest.mark.parametrize("reader", FORMATS, ids=lambda reader: reader.suffixes[0])


def paths(value, at=()):
    """Yield every path of a tree, and the value there."""
    if at:
        yield at, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in items:
        yield from paths(inner, (*at, part))


def equal(left, right):
    """Compare with types, NaN being equal to itself."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return type(left) is type(right) and left == right


def reparse(reader, text, span):
    """Parse the text at a place by itself."""
    piece = text[span.start : span.end]
    if isinstance(reader, Toml):
        return tomllib.loads(f"x = {piece}")["x"]
    if isinstance(reader, Json):
        return json.loads(piece)
    if "\n" in piece:  # block style: the columns of the further lines count from where the first begins
        shifted = " " * span.column + piece.replace("\n", "\n ")
        return Yaml().parse("x:\n" + shifted).data["x"]
    return Yaml().parse(f"x: {piece}").data["x"]


def check_places(reader, text):
    """Each value has a span, line and column fit the offset, and the text there parses to the value."""
    document = reader.parse(text)
    spans = document.spans()
    lines = text.split("\n")
    for path, value in paths(document.data):
        span = spans[path]
        before = text[: span.start]
        assert (span.line, span.column) == (before.count("\n") + 1, span.start - before.rfind("\n"))
        assert span.line <= len(lines)
        if isinstance(reader, Yaml) and "*" in text[span.start : span.end]:
            continue  # an alias says nothing without its anchor
        if span.start < span.end:
            assert equal(reparse(reader, text, span), value), (path, text[span.start : span.end])
        else:
            assert isinstance(reader, Toml), path
            assert isinstance(value, dict | list), path
    return document


# -- TOML against the published tests -----------------------------------------------------------------------------------------


def toml_files(test_data, which):
    root = test_data / "toml"
    names = (root / "files-toml-1.0.0.txt").read_text().split()
    return [root / name for name in names if name.startswith(which) and name.endswith(".toml")]


def untagged(value):
    """Turn toml-test's tagged JSON into what tomllib gives."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if set(value) != {"type", "value"} or not isinstance(value["type"], str):
        return {key: untagged(item) for key, item in value.items()}
    text = value["value"]
    readers = {
        "string": str,
        "integer": int,
        "float": float,
        "bool": lambda word: word == "true",
        "datetime": dt.datetime.fromisoformat,
        "datetime-local": dt.datetime.fromisoformat,
        "date-local": dt.date.fromisoformat,
        "time-local": dt.time.fromisoformat,
    }
    return readers[value["type"]](text)


def test_every_valid_toml_document_is_read_and_every_value_has_its_place(test_data):
    """toml-test 1.0.0, valid: the values are right, and the text at each place parses to the value."""
    found = toml_files(test_data, "valid")
    assert len(found) > 50
    for path in found:
        document = check_places(Toml(), decode(path.read_bytes()))
        expected = untagged(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
        assert equal(document.data, expected), path


def test_every_invalid_toml_document_is_refused_with_a_line(test_data):
    found = toml_files(test_data, "invalid")
    assert len(found) > 100
    for path in found:
        with pytest.raises(FormatError) as caught:
            Toml().parse(decode(path.read_bytes()))
        assert caught.value.line is not None, path


def test_what_toml_writes_reads_as_the_same(test_data):
    for path in toml_files(test_data, "valid"):
        data = Toml().parse(decode(path.read_bytes())).data
        assert equal(Toml().parse(Toml().dump(data)).data, data), path


# -- all three ----------------------------------------------------------------------------------------------------------------

texts = st.one_of(
    st.text(max_size=12),
    st.text(string.printable, max_size=12),
    st.sampled_from(
        ["no", "yes", "0o17", "0777", "1:30", "~", "null", "", " ", "a: b", "#x", "1e3", "'", '"', "\u2028", "\x85"]
    ),
).filter(lambda text: not any(0xD800 <= ord(mark) <= 0xDFFF for mark in text))
keys = st.one_of(st.text("abc_-", min_size=1, max_size=4), texts)
numbers = st.one_of(st.integers(-(2**62), 2**62), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(texts, numbers, st.booleans())
trees = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=4,
)


@by_format
@given(tree=trees)
@example(tree={"\\e": 1, "\x1b": 2, "\\": {"x": []}})
@settings(max_examples=150, deadline=None)
def test_what_is_written_reads_as_the_same_and_has_places(reader, tree):
    """Any tree of texts, numbers and booleans, written and read again; then the text at each place parses to the value."""
    text = reader.dump(tree)
    document = check_places(reader, text)
    assert equal(document.data, tree)


@by_format
@given(text=texts, like=st.sampled_from(['"old"', "'old'", "old"]))
@settings(max_examples=200, deadline=None)
def test_a_scalar_can_be_spliced_in_for_another(reader, text, like):
    """In place of the old text of a value stands a new one, and only that value changes."""
    if isinstance(reader, Json) or (isinstance(reader, Toml) and like == "old"):
        like = '"old"'
    document = {".toml": f"a = 1\nb = {like} # note\nc = 2\n", ".yaml": f"a: 1\nb: {like} # note\nc: 2\n"}.get(
        reader.suffixes[0], f'{{"a": 1,\n "b": {like},\n "c": 2}}'
    )
    span = reader.parse(document).spans()[("b",)]
    new = document[: span.start] + reader.scalar(text, like=document[span.start : span.end]) + document[span.end :]
    assert equal(reader.parse(new).data, {"a": 1, "b": text, "c": 2})


def test_a_sealed_value_keeps_the_quotes_of_the_old_one():
    sealed = "trivet:1:VFYBAA-_xyz="
    assert Toml().scalar(sealed, like="'x'") == f"'{sealed}'"
    assert Toml().scalar(sealed, like='"x"') == f'"{sealed}"'
    assert Yaml().scalar(sealed, like="x") == sealed
    assert Yaml().scalar(sealed, like="'x'") == f"'{sealed}'"
    assert Yaml().scalar(sealed, like="|\n  x") == f'"{sealed}"'
    assert Json().scalar(sealed, like='"x"') == f'"{sealed}"'


BAD = {
    ".toml": [
        ("a = 1\nb = 2\na = 3\n", "duplicate key a, first set on line 1", 3, 1),
        ("[a]\nx = 1\n[b]\n[a]\ny = 1\n", "duplicate key a, first set on line 1", 4, 2),
        ("[a]\nx = 1\nx.y = 2\n", None, 3, None),
        ("a = {x = 1, x = 2}\n", "duplicate key a.x, first set on line 1", 1, 13),
        ('[a]\n"x y" = 1\n"x y" = 2\n', "duplicate key a.x y, first set on line 2", 3, 1),
        ("a = \n", None, 1, 5),
        ("[a\n", None, 1, 3),
        ("a = 1\nb = [1, 2", "not valid TOML: unclosed array (the document ends too early)", 2, None),
        ("a = " + "[" * 3000 + "]" * 3000, "nested too deep: at most 64 containers in each other", None, None),
        ("a = " + "[" * 70 + "]" * 70, "nested too deep: at most 64 containers in each other", None, None),
    ],
    ".yaml": [
        ("a: 1\nb: 2\na: 3\n", "duplicate key a, first set on line 1", 3, 1),
        ("a:\n  b: 1\n  b: 2\n", "duplicate key b, first set on line 2", 3, 3),
        ("a: &x [1, *x]\n", "the alias *x stands inside what it names: that has no end", 1, 11),
        ("a: &x\n  b: *x\n", "the alias *x stands inside what it names: that has no end", 2, 6),
        ("a: *x\n", "the alias *x names nothing before it", 1, 4),
        ("- 1\n", "the document must be a mapping, like 'database: ...'", 1, 1),
        ("just text\n", "the document must be a mapping, like 'database: ...'", 1, 1),
        ("a: 1\n---\nb: 2\n", "a second document begins; keep one", 2, 1),
        ("a: !!python/object:os.system x\n", None, 1, 4),
        ("a: !!int x\n", "the tag !!int does not fit the value", 1, 4),
        ("? [1]\n: 2\n", "a key must be a text, not a container", 1, 3),
        ("a: {b: 1\n", None, None, None),
        ("a: 1\n b: 2\n", None, 2, None),
        ("a:\n\tb: 1\n", None, 2, 1),
        ("a: \x01\n", None, 1, 4),
        ("a: b\n<<: 5\n", "<< takes a mapping, or a list of mappings", None, None),
        ("[" * 100_000, None, 1, None),
        ("a: " + "[" * 64, "nested too deep: at most 64 containers in each other", 1, 67),
        ("a: " + "9" * 5000, "an integer of that many digits is not read", 1, 4),
    ],
    ".json": [
        ('{"a": 1,\n "b": {"c": 1,\n "c": 2}}', "duplicate key b.c, first set on line 2", 3, 2),
        ('{"a": {"b": 1,\n "b": 2}, ', "duplicate key a.b, first set on line 1", 2, 2),  # found by make fuzz
        ('{"a": NaN}', "not valid JSON: NaN is no JSON number", None, None),
        ('{"a": -Infinity}', "not valid JSON: -Infinity is no JSON number", None, None),
        ('{"a": 1,}', None, 1, None),
        ('{"a": 1\n "b": 2}', None, 2, 2),
        ('{"a": ', None, 1, None),
        ("[1]", 'the document must be an object, like {"database": {...}}', 1, 1),
        ('{"a": ' + "[" * 100_000, "nested too deep: at most 64 containers in each other", None, None),
        ('{"a": ' + "[" * 70 + "]" * 70 + "}", "nested too deep: at most 64 containers in each other", None, None),
    ],
}


@by_format
def test_bad_text_is_refused_with_its_place(reader):
    for text, message, line, column in BAD[reader.suffixes[0]]:
        with pytest.raises(FormatError) as caught:
            reader.parse(text)
        error = caught.value
        assert message is None or str(error) == message, text[:40]
        assert line is None or error.line == line, text[:40]
        assert column is None or error.column == column, text[:40]
        assert error.__cause__ is None


@by_format
def test_a_refusal_never_holds_a_value(reader):
    """Parsers like to quote what they stumble over; here that may be a password."""
    secret = "hunter2hunter2"
    broken = {
        ".toml": [
            f'a = "{secret}',
            f"a = {secret}",
            f'a = "{secret}"\na = "{secret}"',
            f'[x]\na = "{secret}" {secret}',
        ],
        ".yaml": [
            f'a: "{secret}',
            f"a: [{secret}",
            f"a: {secret}\na: {secret}",
            f"a: b: {secret}",
            f"a: %{secret}\n\tx",
        ],
        ".json": [f'{{"a": "{secret}', f'{{"a": {secret}}}', f'{{"a": "{secret}", "a": "{secret}"}}'],
    }
    for text in broken[reader.suffixes[0]]:
        with pytest.raises(FormatError) as caught:
            reader.parse(text)
        assert secret not in str(caught.value), text


@by_format
def test_an_empty_document_is_an_empty_table(reader):
    assert reader.parse("").data == {}
    assert reader.parse("\n").data == {}


# -- YAML ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("0777", 777),
        ("0o17", 15),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("~", None),
        ("null", None),
        ("nUll", "nUll"),
        ("", None),
        ("True", True),
        ("tRue", "tRue"),
        ("2026-01-31", "2026-01-31"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("+.INF", math.inf),
        (".", "."),
        ("-", "-"),
        ("+1", 1),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_plain_yaml_means_what_version_1_2_says(text, value):
    assert equal(plain(text), value)


def test_aliases_and_merges_share_values_and_places():
    text = "base: &b\n  size: 1\n  hosts: [a, b]\none:\n  <<: *b\n  size: 2\ntwo: *b\nthree:\n  <<: [{x: 1}, *b]\n"
    document = check_places(Yaml(), text.replace("<<: *b\n  size: 2", "size: 2\n  <<: *b"))
    assert document.data == {
        "base": {"size": 1, "hosts": ["a", "b"]},
        "one": {"size": 2, "hosts": ["a", "b"]},
        "two": {"size": 1, "hosts": ["a", "b"]},
        "three": {"x": 1, "size": 1, "hosts": ["a", "b"]},
    }
    spans = document.spans()
    assert (spans[("two", "size")].line, spans[("one", "hosts", 1)].line, spans[("three", "x")].line) == (2, 3, 9)


def test_an_alias_bomb_is_refused_before_it_explodes():
    """Nine levels of nine aliases: a billion values in a few lines."""
    lines = ["a: &a [" + "x, " * 9 + "x]"]
    for one, two in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{two}: &{two} [" + f"*{one}, " * 9 + f"*{one}]")
    with pytest.raises(FormatError, match="more than 500,000 values"):
        Yaml().parse("\n".join(lines))


def test_yaml_without_libyaml_reads_the_same(monkeypatch):
    """PyYAML may lack its C part; the pure one is slow and right."""
    text = "a: &x\n  b: [1, '2', no]\n  c: |\n    text\nd: *x\ne: >-\n  folded\n  text\n"
    fast = Yaml().parse(text)
    fast_spans = fast.spans()
    from trivet_plugins.config import yaml_tree

    monkeypatch.setattr(yaml_tree, "_parser", lambda: pyyaml.SafeLoader)
    slow = Yaml().parse(text)
    assert same(fast.data, slow.data)
    assert {path: (span.line, span.column) for path, span in slow.spans().items()} == {
        path: (span.line, span.column) for path, span in fast_spans.items()
    }


@by_format
def test_a_document_may_not_be_larger_than_the_limits(reader, monkeypatch):
    text = reader.dump({"a": {"list": [{"x": 1}] * 50}})
    assert reader.parse(text)
    import attrs

    from trivet_plugins.config import json as json_plugin
    from trivet_plugins.config import toml as toml_plugin
    from trivet_plugins.config import yaml as yaml_plugin

    for module in (json_plugin, toml_plugin, yaml_plugin):
        monkeypatch.setattr(module, "LIMITS", attrs.evolve(LIMITS, nodes=60))
    with pytest.raises(FormatError, match="more than 60 values"):
        reader.parse(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{key} = 1", (1, 1)),
        ("[{key}]", (1, 2)),
        ("x = {{ {key} = 1 }}", (1, 7)),
        ('y = 1\n  "q" . {key} = 1', (2, 3)),
    ],
)
def test_a_toml_key_of_many_parts_is_refused_before_it_is_read(text, place):
    """tomllib takes hours for a hundred thousand parts; nothing can stop it once it reads."""
    with pytest.raises(FormatError, match="nested too deep") as caught:
        Toml().parse(text.format(key=".".join("a" * 100_000)))
    assert (caught.value.line, caught.value.column) == place


def test_text_with_many_dots_is_no_key():
    """Only what stands where a key stands counts."""
    text = f'row = """\n{"." * 200}\n"""\nwords = "{".".join("a" * 200)}"\n'
    assert Toml().parse(text).data["words"].startswith("a.a.a")
