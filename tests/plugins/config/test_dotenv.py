"""``.env`` files: one dialect, the environment's names, a place for every value and every mistake."""

from __future__ import annotations

import pathlib
import time
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet import ConfigError, Kernel, Launch, Secret
from trivet_plugins.config import command_line, dotenv, environment, files, toml, watcher
from trivet_plugins.config.dotenv_entries import entries, raw_entries

NO_SECRET = Secret("")


@attrs.frozen
class Node:
    host: str = ""
    ports: tuple[int, ...] = ()


@attrs.frozen
class Database:
    url: str = "sqlite:"
    password: Secret[str] = NO_SECRET
    size: int = 3
    nodes: tuple[Node, ...] = ()
    labels: dict[str, str] = attrs.field(factory=dict)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@asynccontextmanager
async def loaded(*paths, environ=None, profile=None, plugins=(), **launch):
    """A kernel with its configuration, and its section ``database``."""
    launch = Launch(files=paths, profile=profile, environ=environ or {}, **launch)
    built_in = [toml, files, environment, dotenv, command_line, *plugins]
    kernel = Kernel("orders", plugins=built_in, discover="none", launch=launch)
    live = kernel.config.bind("database", Database)
    async with kernel.configured():
        yield kernel, live.current


async def load(*paths, **options):
    async with loaded(*paths, **options) as (_, database):
        return database


async def refusal(*paths, **options):
    with pytest.raises(ConfigError) as caught:
        await load(*paths, **options)
    return str(caught.value).split("\n")


def put(text, name=".env"):
    path = pathlib.Path(name)
    path.write_text(text)
    return path


# -- the dialect --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", "x"),
        ("export A=x", "x"),
        ("  export\t A = x  ", "x"),
        ("A=", ""),
        ("A=   ", ""),
        ("A= # nothing", ""),
        ("A=#fff", "#fff"),
        ("A=x # comment", "x"),
        ("A=x\t# comment", "x"),
        ("A=x# none", "x# none"),
        ("A=a b  c", "a b  c"),
        ("A=it's", "it's"),
        ("A=a=b=c", "a=b=c"),
        ("A=$HOME ${HOME} $$", "$HOME ${HOME} $$"),
        ("A='$HOME # \"x\" \\n'", '$HOME # "x" \\n'),
        ("A='it\\'s'", "it's"),
        ("A='x' # comment", "x"),
        ("A='x'# comment", "x"),
        ("A=''", ""),
        ("A='one\ntwo'", "one\ntwo"),
        ('A="one\ntwo\n"', "one\ntwo\n"),
        ('A="a\\nb\\tc\\rd"', "a\nb\tc\rd"),
        ('A="\\"\\\\\\$"', '"\\$'),
        ('A="C:\\dir\\x"', "C:\\dir\\x"),
        ('A="$HOME # x"', "$HOME # x"),
        ('A="{\\"a\\": 1}" # json', '{"a": 1}'),
        ("A=x\r\n", "x"),
        ("A='x\r\ny'\r\n", "x\ny"),
        ("A=köln", "köln"),
    ],
)
def test_a_value_means_what_it_means_in_docker_compose(line, value):
    """But for ``$``, which means nothing: a password that holds one stays what it is."""
    (entry,) = entries(line)
    assert (entry.name, entry.text, entry.refusal) == ("A", value, "")


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ("A=${b} $${c}", "${b} $${c}"),
        ('A="${b} $${c}"', "${b} $${c}"),
        ("A='${b} $${c} $d'", "$${b} $$${c} $d"),
        ('A="\\${b} \\$c ${d}"', "$${b} $c ${d}"),
        ('A="\\\\${b}"', "\\${b}"),
    ],
)
def test_what_is_quoted_as_literal_refers_to_nothing(line, setting):
    """Single quotes, and a backslash before the ``$`` in double ones, as in a shell."""
    (entry,) = entries(line)
    assert entry.setting == setting


async def test_a_reference_stands_where_a_shell_would_put_one():
    put(
        "ORDERS_DATABASE__URL=${database.size}\n"
        'ORDERS_DATABASE__LABELS__DOUBLE="<${database.size}>"\n'
        "ORDERS_DATABASE__LABELS__SINGLE='<${database.size}>'\n"
        'ORDERS_DATABASE__LABELS__ESCAPED="<\\${database.size}>"\n'
        "ORDERS_DATABASE__PASSWORD='${x}$${y}$z'\n"
        "ORDERS_DATABASE__SIZE=4\n"
    )
    database = await load()
    assert database.url == "4"
    assert database.labels == {"double": "<4>", "single": "<${database.size}>", "escaped": "<${database.size}>"}
    assert database.password.reveal() == "${x}$${y}$z"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", "x"),
        ("  A= x ", " x "),
        ("A=", ""),
        ("A='x' # y", "'x' # y"),
        ('A="a\\n"', '"a\\n"'),
        ("A=#x=y", "#x=y"),
        ("A=${b} $c", "${b} $c"),
        ("A=x\r\n", "x"),
        ("A='x\nB=y'", "'x"),
    ],
)
def test_a_raw_value_is_all_that_stands_behind_the_equals_sign(line, value):
    entry, *others = raw_entries(line)
    assert (entry.name, entry.text, entry.refusal) == ("A", value, "")
    assert [(other.name, other.text) for other in others] == [("B", "y'")] * ("B" in line)


@pytest.mark.parametrize("text", ["A", "export A=x", "A =x", "=x", "1A=x", "A: x"])
def test_a_bad_raw_line_has_a_place_and_a_remedy(text):
    comment, line = "\n # comment\n", f"  {text}\n"
    (entry,) = raw_entries(comment + line)
    assert (entry.line, entry.column) == (3, 3)
    assert entry.refusal == "a line is written NAME=value, or # before a comment"


async def test_a_raw_file_is_read_where_the_application_says_so():
    """Nothing in a value has a meaning but what the schema gives it; the place is that of the value."""
    put(
        "# comment\nORDERS_DATABASE__PASSWORD='a # \\n${b}' \n"
        '  ORDERS_DATABASE__SIZE=5\nORDERS_DATABASE__LABELS={"a": "${b}"}\n'
    )
    async with loaded(dotenv_format="raw") as (kernel, database):
        assert database.password.reveal() == "'a # \\n${b}' "
        assert (database.size, database.labels) == (5, {"a": "${b}"})
        assert str(kernel.config.explain("database.size").origin) == ".env:3:25"
    put("ORDERS_DATABASE__SIZE\n export ORDERS_DATABASE__SIZE=5\n")
    assert await refusal(dotenv_format="raw") == [
        ".env:1:1: error: a line is written NAME=value, or # before a comment",
        ".env:2:2: error: a line is written NAME=value, or # before a comment",
    ]
    with pytest.raises(ValueError, match="dotenv_format"):
        Launch(dotenv_format="shell")


def test_comments_and_blank_lines_are_nothing():
    assert [*entries("\n# A=x\n   # B=y\n\t\n#\n")] == []


@pytest.mark.parametrize(
    ("text", "place", "refusal"),
    [
        ("A", (1, 1), "a line is written NAME=value, or # before a comment"),
        ("# x\n  A: x", (2, 3), "a line is written NAME=value, or # before a comment"),
        ("=x", (1, 1), "a line is written NAME=value, or # before a comment"),
        ("1A=x", (1, 1), "a line is written NAME=value, or # before a comment"),
        ("\nA='x", (2, 3), "the quote ' is never closed"),
        ('A="x\\"', (1, 3), 'the quote " is never closed'),
        ('A="x" y', (1, 6), 'after the closing quote only a comment may stand; escape a quote in the value as \\"'),
        ("B='1\n2'\nA='it's'", (3, 7), "after the closing quote only a comment may stand; escape a quote in the value as \\'"),
    ],
)  # fmt: skip
def test_a_bad_line_has_a_place_and_a_remedy(text, place, refusal):
    *_, entry = entries(text)
    assert ((entry.line, entry.column), entry.refusal) == (place, refusal)


def test_a_bad_line_spoils_no_other():
    assert [(one.name, one.text) for one in entries("A=1\nwhat is this\nB='x' y\nC=3\n") if not one.refusal] == [
        ("A", "1"),
        ("C", "3"),
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=20), max_size=4))
def test_whatever_is_quoted_by_the_rules_is_read_as_it_was(values):
    """Both quotes take any text, and every place is where the value's text stands."""
    lines = []
    for number, value in enumerate(values):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'V{number}="{escaped}"  # "')
        if "\\" not in value:
            lines.append("W{}='{}'".format(number, value.replace("'", "\\'")))
    text = "\n".join(lines)
    found = [*entries(text)]
    assert [one.refusal for one in found] == [""] * len(lines)
    assert {one.name: one.text for one in found} == {
        f"{letter}{number}": value
        for number, value in enumerate(values)
        for letter in ("VW" if "\\" not in value else "V")
    }
    rows = text.split("\n")
    assert all(rows[one.line - 1][one.column - 1] in "'\"" for one in found)


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("A=\"'\\#$ \t\r\nx"), max_size=40))
def test_no_text_breaks_the_reader(text):
    """It ends, and says something with a place in the text."""
    lines = text.replace("\r\n", "\n").split("\n")
    for entry in entries(text):
        assert 1 <= entry.line <= len(lines)
        assert 1 <= entry.column <= len(lines[entry.line - 1]) + 1


def test_a_quote_that_is_never_closed_is_found_quickly():
    begun = time.process_time()
    (entry,) = entries('A="' + "\\a b" * 250_000)
    assert entry.refusal == 'the quote " is never closed'
    assert time.process_time() - begun < 5


# -- settings -----------------------------------------------------------------------------------------------------------------


async def test_names_mean_what_they_mean_in_the_environment():
    """Prefix, levels, lists, tables and files, by the same code."""
    put("hunter2\n", "password")
    put(
        "ORDERS_DATABASE__URL=x\n"
        "orders_database__size=0x10\n"
        "ORDERS_DATABASE__NODES__0__HOST=a\n"
        "ORDERS_DATABASE__NODES__0__PORTS=1,2\n"
        "ORDERS_DATABASE__NODES__1__PORTS__0=3\n"
        'ORDERS_DATABASE__LABELS={"a": "b"}\n'
        "ORDERS_DATABASE__PASSWORD_FILE=password\n"
        "OTHER_URL=y\n"
        "TRIVET_PROFILE=z\n"
    )
    async with loaded() as (kernel, database):
        assert attrs.evolve(database, password=NO_SECRET) == Database(
            url="x", size=16, nodes=(Node("a", (1, 2)), Node("", (3,))), labels={"a": "b"}
        )
        assert database.password.reveal() == "hunter2"
        assert {pathlib.Path(".env"), pathlib.Path("password")} <= {*kernel.config.watched_paths()}


async def test_it_lies_above_files_and_below_the_environment():
    """Profile file < .env < .env.<profile> < environment, and each says where, to the column."""
    base = put('[database]\nurl = "base"\n', "base.toml")
    put('[database]\nurl = "profile"\n', "base.dev.toml")
    put("ORDERS_DATABASE__URL=plain\nORDERS_DATABASE__SIZE=1\n")
    put("\nORDERS_DATABASE__URL = 'dev'\n", ".env.dev")
    put("ORDERS_DATABASE__URL=wrong\n", ".env.prod")
    environ = {"ORDERS_DATABASE__URL": "environment", "TRIVET_PROFILE": "dev"}
    async with loaded(base, environ=environ) as (kernel, database):
        assert (database.url, database.size) == ("environment", 1)
        found = kernel.config.explain("database.url")
        assert [(str(one.origin), one.value) for one in found.shadowed] == [
            (".env.dev:2:24", "dev"),
            (".env:1:22", "plain"),
            ("base.dev.toml:2:7", "profile"),
            ("base.toml:2:7", "base"),
        ]
        assert str(kernel.config.explain("database.size").origin) == ".env:2:23"


async def test_it_stands_beside_the_base_file(here):
    """Not where the service happens to be started; without a base file there is no other place."""
    (here / "etc").mkdir()
    base = put("", "etc/base.toml")
    put("ORDERS_DATABASE__URL=beside\n", "etc/.env")
    put("ORDERS_DATABASE__URL=here\n")
    assert (await load(base)).url == "beside"
    assert (await load()).url == "here"


async def test_of_one_name_the_last_line_counts():
    put("ORDERS_DATABASE__URL=one\norders_database__url=two\n")
    async with loaded() as (kernel, database):
        assert database.url == "two"
        assert str(kernel.config.explain("database.url").origin) == ".env:2:22"


async def test_mistakes_come_in_one_report_with_their_places():
    put(
        "ORDERS_DATABASE__URLL=x\n"
        "ORDERS_DATABASE__SIZE='many'\n"
        "ORDERS_DATABASE__LABELS\n"
        "ORDERS_PORT=80\n"
        "nonsense here\n"
        "ORDERS_DATABASE__PASSWORD='s3cr3t' s3cr3t\n"
    )
    assert await refusal() == [
        ".env:1:23: error: no setting is named like this; did you mean ORDERS_DATABASE__URL (database.url)?",
        ".env:2:23: error: database.size: expected an integer, got 'many'",
        ".env:3:1: error: a line is written NAME=value, or # before a comment",
        ".env:4:13: error: no setting is named like this; variables with ORDERS_ are read as settings, so unset or rename it",
        ".env:6:35: error: after the closing quote only a comment may stand; escape a quote in the value as \\'",
    ]


async def test_other_peoples_lines_are_none_of_our_business():
    """Other readers have other dialects; but a quote that is left open takes ours with it."""
    put("JUST_A_NAME\nYAML: like\nOTHER='it's'\nORDERS_DATABASE__URL=x\n")
    assert (await load()).url == "x"
    put("OTHER='x\nORDERS_DATABASE__URL=x\n")
    assert await refusal() == [".env:1:7: error: the quote ' is never closed"]


async def test_an_empty_value_is_an_empty_text_unless_it_is_to_count_as_not_set():
    put("ORDERS_DATABASE__URL=\n")
    assert (await load()).url == ""
    assert (await load(ignore_empty=True)).url == "sqlite:"


async def test_files_that_are_none():
    """A virtual environment may be called ``.env``; what cannot be read is a problem."""
    pathlib.Path(".env").mkdir()  # noqa: ASYNC240 - a test may
    assert await load() == Database()
    pathlib.Path(".env").rmdir()  # noqa: ASYNC240 - a test may
    pathlib.Path(".env").symlink_to("nowhere")  # noqa: ASYNC240 - a test may
    assert await refusal() == [".env: error: cannot be read: No such file or directory"]
    pathlib.Path(".env").unlink()  # noqa: ASYNC240 - a test may
    pathlib.Path(".env").write_bytes(b"A=1\nB=\xff\n")  # noqa: ASYNC240 - a test may
    assert await refusal() == [".env:2:3: error: not UTF-8 text; save it as UTF-8"]
    pathlib.Path(".env").write_bytes(b"\xef\xbb\xbfORDERS_DATABASE__URL=bom\n")  # noqa: ASYNC240 - a test may
    assert (await load()).url == "bom"


async def test_a_file_that_comes_changes_or_goes_is_seen():
    """The watcher reloads at once, with the file there or not."""
    launch = Launch(environ={}, assignments=["plugins.watcher.poll_interval=600"])
    kernel = Kernel("orders", plugins=[dotenv, command_line, watcher], discover="none", launch=launch)
    live = kernel.config.bind("database", Database)
    path = pathlib.Path(".env")
    async with kernel:
        for value in ("one", "two"):
            await anyio.to_thread.run_sync(path.write_text, f"ORDERS_DATABASE__URL={value}\n")
            await becomes(live, value)
        await anyio.to_thread.run_sync(path.unlink)
        await becomes(live, "sqlite:")


async def becomes(live, value):
    with anyio.fail_after(10):
        while live.current.url != value:
            await anyio.sleep(0.01)
