"""Replacing one value in a configuration file."""

from __future__ import annotations

import codecs
import importlib
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet import TrivetError, UnknownPathError
from trivet_plugins.cli import splice
from trivet_plugins.cli.splice import SpliceError, SpliceFile, UnreadableFileError, UnwritableFileError

NEW = "trivet:1:VFYBAAKLJfnSL5v2gQDK-_"

TOML = """\
# Comments stay.
title = "orders"   # here too

[database]
password = 'change me'  # and here
pool = {size = 10, "odd key" = "x"}
hosts = [ "one",  # first
          "two" ]

[[users]]
name = "é𝄞"
token = \"\"\"
several
lines\"\"\"
"""
YAML = """\
# Comments stay.
title:   orders
database:
  password: change me   # and here
  quoted: "change me"
  single: 'change me'
  hosts: [one, "two"]
  pool: {size: 10, é: ü}
users:
- name: é𝄞
  token: |
    several
    lines
  folded: >-
    several
    lines
  empty:
anchored: &a
  deep: value
alias: *a
scalar: &s text
again: *s
"""
JSON = """\
{ "title" : "orders",
\t"database": {"password": "change me", "pool": { "size":10 }, "hosts":["one","two"]},
  "users": [ {"name":"é𝄞", "token": "a\\nb", "none": null, "on": true} ]
}
"""
CASES = [
    ("toml", TOML, ("title",), '"orders"'),
    ("toml", TOML, ("database", "password"), "'change me'"),
    ("toml", TOML, ("database", "pool", "size"), "10"),
    ("toml", TOML, ("database", "pool", "odd key"), '"x"'),
    ("toml", TOML, ("database", "hosts", 1), '"two"'),
    ("toml", TOML, ("users", 0, "name"), '"é𝄞"'),
    ("toml", TOML, ("users", 0, "token"), '"""\nseveral\nlines"""'),
    ("yaml", YAML, ("title",), "orders"),
    ("yaml", YAML, ("database", "password"), "change me"),
    ("yaml", YAML, ("database", "quoted"), '"change me"'),
    ("yaml", YAML, ("database", "single"), "'change me'"),
    ("yaml", YAML, ("database", "hosts", 0), "one"),
    ("yaml", YAML, ("database", "hosts", 1), '"two"'),
    ("yaml", YAML, ("database", "pool", "é"), "ü"),
    ("yaml", YAML, ("users", 0, "name"), "é𝄞"),
    ("json", JSON, ("title",), '"orders"'),
    ("json", JSON, ("database", "password"), '"change me"'),
    ("json", JSON, ("database", "pool", "size"), "10"),
    ("json", JSON, ("database", "hosts", 1), '"two"'),
    ("json", JSON, ("users", 0, "none"), "null"),
    ("json", JSON, ("users", 0, "on"), "true"),
]


def format_of(name):
    (provider,) = importlib.import_module(f"trivet_plugins.config.{name}").register_config_formats(None)
    return provider.factory()


def write(tmp_path, name, content):
    file = tmp_path / f"orders.{name}"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["plain", "bom"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_every_other_byte_stays(tmp_path, case, line_end, mark):
    """Comments, spacing, quotes, line ends, byte order mark: all of the file but the value's own characters."""
    name, text, path, old = case
    text, old = text.replace("\n", line_end), old.replace("\n", line_end)
    assert text.count(old) >= 1
    file = write(tmp_path, name, mark + text.encode())
    SpliceFile.read(file, format_of(name)).write(path, NEW)
    after = file.read_bytes()
    assert after.startswith(mark)
    places = [at for at in range(len(text)) if text.startswith(old, at)]
    spliced = {text[:at] + quoted + text[at + len(old) :] for at in places for quoted in (f'"{NEW}"', f"'{NEW}'", NEW)}
    assert after.removeprefix(mark).decode() in spliced
    assert SpliceFile.read(file, format_of(name)).value(path) == NEW


@pytest.mark.parametrize("path", [("users", 0, "token"), ("users", 0, "folded"), ("users", 0, "empty")], ids=str)
def test_a_yaml_block_or_nothing_is_replaced_or_refused_whole(tmp_path, path):
    """Block scalars and empty values: either the new value stands there and all others as before, or nothing was written."""
    file = write(tmp_path, "yaml", YAML)
    target = SpliceFile.read(file, format_of("yaml"))
    before = target.document.data
    try:
        target.write(path, NEW)
    except SpliceError:
        assert file.read_text() == YAML
    else:
        after = SpliceFile.read(file, format_of("yaml")).document.data
        assert after["users"][0][path[-1]] == NEW
        assert {**after, "users": None} == {**before, "users": None}


@pytest.mark.parametrize("path", [("anchored", "deep"), ("scalar",)], ids=str)
def test_what_stands_in_two_places_is_not_replaced_in_one(tmp_path, path):
    """A YAML anchor: the alias elsewhere would change too, so nothing is written and the error says why."""
    file = write(tmp_path, "yaml", YAML)
    with pytest.raises(SpliceError, match=r"orders\.yaml:\d+:\d+: error: .* cannot be replaced in place"):
        SpliceFile.read(file, format_of("yaml")).write(path, NEW)
    assert file.read_text() == YAML


@pytest.mark.parametrize(("name", "text"), [("toml", TOML), ("yaml", YAML), ("json", JSON)])
def test_a_missing_path_is_named_with_the_remedy(tmp_path, name, text):
    """Nothing is guessed into the file."""
    file = write(tmp_path, name, text)
    target = SpliceFile.read(file, format_of(name))
    for path in (("nope",), ("database", "nope"), ("database", "hosts", 7), ("title", "deeper"), ("database", 0)):
        with pytest.raises(UnknownPathError, match=rf"orders\.{name}: has no .*write it there .* first"):
            target.write(path, NEW)
    for path in (("database",), ("database", "hosts"), ("users", 0)):
        with pytest.raises(SpliceError, match=r":\d+:\d+: error: .* is a table or list; name one value"):
            target.write(path, NEW)
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("toml", b"a = [", r"orders\.toml:1.*not valid TOML"),
        ("json", b'{"a": ', r"orders\.json:1"),
        ("yaml", b"a: [", r"orders\.yaml:"),
        ("toml", b"a = '\xff'", r"not UTF-8 \(byte 5\)"),
        ("toml", b"\0\0\0\0", r"orders\.toml:1"),
        ("json", b"nonsense", r"orders\.json:1"),
    ],
)
def test_a_file_that_does_not_parse_is_refused_with_its_place(tmp_path, name, content, reason):
    """A half-written file is not made worse."""
    file = write(tmp_path, name, content)
    with pytest.raises(SpliceError, match=reason) as caught:
        SpliceFile.read(file, format_of(name))
    assert "nothing was changed" in str(caught.value)
    assert caught.value.__context__ is None
    assert file.read_bytes() == content


def test_what_cannot_be_read_is_refused(tmp_path, monkeypatch):
    """Missing, a directory, a pipe, too large: each with its own words, and exit code 66."""
    os.mkfifo(tmp_path / "pipe.toml")
    monkeypatch.setattr(splice, "MAX_BYTES", 10)
    write(tmp_path, "toml", "a = 'more than ten bytes'")
    for name, reason in (
        ("nothing.toml", "No such file"),
        (".", "not a regular file"),
        ("pipe.toml", "not a regular file"),
        ("orders.toml", "larger than 10 bytes"),
    ):
        with pytest.raises(UnreadableFileError, match=reason) as caught:
            SpliceFile.read(tmp_path / name, format_of("toml"))
        assert caught.value.exit_code == 66


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path):
    """Somebody else's edit is never lost."""
    file = write(tmp_path, "toml", TOML)
    target = SpliceFile.read(file, format_of("toml"))
    file.write_text("title = 'theirs'\n")
    with pytest.raises(SpliceError, match="changed by someone else meanwhile"):
        target.write(("title",), NEW)
    assert file.read_text() == "title = 'theirs'\n"


def test_of_many_writers_at_once_none_loses_anothers_work(tmp_path):
    """Each adds a key of its own, again when it is told that the file changed: in the end all are there."""
    file = write(tmp_path, "toml", "[keys]\n")

    def add(number):
        while True:
            try:
                target = SpliceFile.read(file, format_of("toml"))
                target.write_text(target.inserted(("keys", f"key{number}"), "x"))
            except SpliceError as exc:
                if "changed by someone else" not in str(exc):
                    raise
            else:
                return

    children = [_forked(lambda number=number: [add(number * 5 + one) for one in range(5)]) for number in range(6)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 6
    assert len(SpliceFile.read(file, format_of("toml")).document.data["keys"]) == 30


def _forked(work):
    child = os.fork()
    if child == 0:  # pragma: no cover - the other process
        try:
            work()
        except BaseException:  # noqa: BLE001 - it must not go on as a second pytest
            os._exit(1)
        os._exit(0)
    return child


def test_a_failed_write_is_named_and_changes_nothing(tmp_path, monkeypatch):
    """A full disk: exit code 74."""

    def full(*_args):
        raise OSError(28, "No space left on device")

    file = write(tmp_path, "toml", TOML)
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UnwritableFileError, match="No space left on device") as caught:
        SpliceFile.read(file, format_of("toml")).write(("title",), NEW)
    assert caught.value.exit_code == 74
    assert file.read_text() == TOML


def test_the_mode_of_the_file_stays(tmp_path):
    """A file of 0600 does not become readable, nor one of 0644 unreadable for the service."""
    file = write(tmp_path, "toml", TOML)
    file.chmod(0o640)
    SpliceFile.read(file, format_of("toml")).write(("title",), NEW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_neither_repr_nor_error_shows_values(tmp_path):
    """The old value may be the secret in the clear."""
    file = write(tmp_path, "toml", 'a = "hunter2-canary"\n')
    target = SpliceFile.read(file, format_of("toml"))
    assert "hunter2-canary" not in repr(target)
    with pytest.raises(TrivetError) as caught:
        target.write(("a", "b"), "hunter2-canary")
    assert "hunter2-canary" not in str(caught.value)


values = st.recursive(
    st.booleans()
    | st.integers(-1000, 1000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.é \"'", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
trees = st.dictionaries(st.text("abc -é", min_size=1, max_size=4), values, min_size=1, max_size=4)


def leaves(tree, at=()):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from leaves(value, (*at, key))
        else:
            yield (*at, key)


@given(trees.filter(lambda tree: list(leaves(tree))), st.sampled_from(["toml", "yaml", "json"]), st.data())
def test_any_value_of_any_document_can_be_spliced(tmp_path_factory, tree, name, data):
    """Whatever the format's own writer makes: the value is replaced, and the rest parses as before."""
    format_ = format_of(name)
    file = write(tmp_path_factory.mktemp("splice"), name, format_.dump(tree))
    path = data.draw(st.sampled_from(list(leaves(tree))))
    target = SpliceFile.read(file, format_)
    span = target.span(path)
    target.write(path, NEW)
    after = file.read_bytes().decode()
    assert after.startswith(target.text[: span.start])
    assert after.endswith(target.text[span.end :])
    assert SpliceFile.read(file, format_).value(path) == NEW


def put(tree, path, value):
    """The tree with a value at one more path."""
    if not path:
        return value
    if isinstance(tree, list):
        return [put(item, path[1:], value) if index == path[0] else item for index, item in enumerate(tree)]
    return {**tree, path[0]: put(tree.get(path[0], {}), path[1:], value)}


@pytest.mark.parametrize("value", [NEW, ["1 a", "b c"]], ids=["text", "list"])
@given(trees, st.sampled_from(["toml", "yaml", "json"]), st.data())
def test_a_new_key_comes_into_any_document_without_changing_another_byte(tmp_path_factory, value, tree, name, data):
    """What was there is there, around the new; in an item of a list it may be refused."""
    format_ = format_of(name)
    file = write(tmp_path_factory.mktemp("splice"), name, format_.dump(tree))
    target = SpliceFile.read(file, format_)
    tables = [(), *(path[:end] for path in leaves(tree) for end in range(1, len(path)) if isinstance(path[end], str))]
    path = (
        *data.draw(st.sampled_from(tables)),
        *data.draw(st.sampled_from([("new",), ("new", "x y"), ("ne.w", "zz")])),
    )
    try:
        text = target.inserted(path, value)
    except SpliceError:
        assert any(isinstance(part, int) for part in path)
        return
    assert format_.parse(text).data == put(tree, path, value)
    old = target.text
    cut = next((at for at in range(len(old)) if text[at : at + 1] != old[at]), len(old))
    assert text.endswith(old[cut:])


@pytest.mark.parametrize("suffix", ["toml", "yaml", "json"])
def test_many_values_are_replaced_at_once(tmp_path, suffix):
    """In one write; each byte between them stays."""
    text = {"toml": TOML, "yaml": YAML, "json": JSON}[suffix]
    target = SpliceFile.read(write(tmp_path, suffix, text), format_of(suffix))
    paths = [path for name, _, path, _ in CASES if name == suffix]
    new = target.with_text(
        target.replaced({path: (target.format.scalar(NEW, like=target.source(path)), NEW) for path in paths})
    )
    assert [new.value(path) for path in paths] == [NEW] * len(paths)
    assert new.replaced({path: (target.source(path), target.value(path)) for path in paths}) == text
