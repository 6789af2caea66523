"""Files, environment and command line as a user meets them: precedence, places, one clear message for every bad input."""

from __future__ import annotations

import os
import pathlib

import anyio
import attrs
import pytest

from trivet import ConfigError, Kernel, Launch, Secret
from trivet_plugins.config import command_line, environment, files, json, toml, yaml

PLUGINS = [toml, yaml, json, files, environment, command_line]


NO_SECRET = Secret("")


@attrs.frozen
class Pool:
    size: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    max_size: int = 10


@attrs.frozen
class Node:
    host: str = ""
    zones: tuple[tuple[str, ...], ...] = ()
    backups: tuple[Pool, ...] = ()


@attrs.frozen
class Database:
    url: str = "sqlite:"
    password: Secret[str] = NO_SECRET
    pool: Pool = Pool()
    hosts: tuple[str, ...] = ()
    key_file: str = ""
    labels: dict[str, str] = attrs.field(factory=dict)
    nodes: tuple[Node, ...] = ()
    note: str | None = "none"
    service_port: int = 0


async def load(*paths, environ=None, profile=None, sets=(), name="orders", **more):
    """Load a service's configuration; returns the kernel and its section ``database``."""
    launch = Launch(files=paths, profile=profile, assignments=sets, environ=environ or {}, **more)
    kernel = Kernel(name, plugins=PLUGINS, discover="none", launch=launch)
    live = kernel.config.bind("database", Database)
    async with kernel.configured():
        return kernel, live.current


async def refusal(*paths, **options):
    """The lines of the report."""
    with pytest.raises(ConfigError) as caught:
        await load(*paths, **options)
    assert caught.value.exit_code == 78
    return str(caught.value).split("\n")


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A base file, beside which the test works."""
    monkeypatch.chdir(tmp_path)
    path = pathlib.Path("config/base.toml")
    path.parent.mkdir()
    path.write_text('[database]\nurl = "base"\n\n[database.pool]\nsize = 1\n')
    return path


# -- precedence ---------------------------------------------------------------------------------------------------------------


async def test_stronger_layers_win_one_by_one(base):
    """Base file < conf.d in the order of names < profile < environment < --set; explain lists them all."""
    (base.parent / "conf.d").mkdir()
    (base.parent / "conf.d" / "20-b.yaml").write_text("database: {url: drop-in-b}\n")
    (base.parent / "conf.d" / "10-a.json").write_text('{"database": {"url": "drop-in-a"}}')
    (base.parent / "base.dev.yaml").write_text("database:\n  url: profile\n")
    environ = {"ORDERS_DATABASE__URL": "environment"}
    kernel, database = await load(base, environ=environ, profile="dev", sets=["database.url=one", "database.url=two"])
    assert database == Database(url="two", pool=Pool(size=1))
    found = kernel.config.explain("database.url")
    assert [
        (str(one), value)
        for one, value in [(found.origin, found.value), *((s.origin, s.value) for s in found.shadowed)]
    ] == [
        ("--set #2", "two"),
        ("env ORDERS_DATABASE__URL", "environment"),
        ("config/base.dev.yaml:2:8", "profile"),
        ("config/conf.d/20-b.yaml:1:17", "drop-in-b"),
        ("config/conf.d/10-a.json:1:22", "drop-in-a"),
        ("config/base.toml:2:7", "base"),
    ]
    assert [found.origin.layer, *(one.origin.layer for one in found.shadowed)] == [
        "command line",
        "environment",
        "profile dev",
        "drop-in 20-b.yaml",
        "drop-in 10-a.json",
        "base",
    ]


async def test_of_several_base_files_the_later_wins(base, tmp_path):
    other = tmp_path / "other.json"
    other.write_text('{"database": {"url": "other"}}')
    _, database = await load(base, other)
    assert (database.url, database.pool.size) == ("other", 1)


async def test_a_profile_may_come_from_the_environment(base):
    base.with_name("base.prod.toml").write_text('[database]\nurl = "prod"\n')
    _, database = await load(base, environ={"TRIVET_PROFILE": "prod"})
    assert database.url == "prod"


async def test_without_names_the_first_directory_that_has_a_file_wins(tmp_path, monkeypatch):
    work, xdg = tmp_path / "work", tmp_path / "xdg"
    work.mkdir()
    (xdg / "orders").mkdir(parents=True)
    monkeypatch.chdir(work)
    environ = {"XDG_CONFIG_HOME": str(xdg)}
    _, database = await load(environ=environ)
    assert database == Database()
    (xdg / "orders" / "orders.yaml").write_text("database: {url: xdg}\n")
    kernel, database = await load(environ=environ)
    assert database.url == "xdg"
    assert pathlib.Path("orders.toml") in kernel.config.watched_paths()
    (work / "orders.toml").write_text('[database]\nurl = "here"\n')
    _, database = await load(environ=environ)
    assert database.url == "here"
    (work / "orders.json").write_text("{}")
    assert await refusal(environ=environ) == [
        "orders.json: error: orders.json and orders.toml are both here: keep one, or say --config FILE"
    ]


async def test_conf_d_leaves_alone_what_is_no_configuration_and_refuses_what_looks_like_it(base):
    directory = base.parent / "conf.d"
    directory.mkdir()
    for name in (".hidden.toml", "README", "10-a.toml.bak", "10-a.toml~", "notes.md", "10-a.toml.rpmsave"):
        (directory / name).write_text("not [ configuration")
    (directory / "sub.toml").mkdir()
    await load(base)
    (directory / "old.ini").write_text("[database]\n")
    (line,) = await refusal(base)
    assert line.startswith("config/conf.d/old.ini: error: no format reads .ini; known suffixes are ")


# -- bad files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\x00\x01\xff\xfe", "config/base.toml:1:3: error: not UTF-8 text; a binary file?"),
        ("[database]\nurl = 'k\xf6ln'\n".encode("latin-1"), "config/base.toml:2:9: error: not UTF-8 text; save it as UTF-8"),
        (b'[database]\nurl = "unfinis', None),
        (b"[database]\nurl = 'a'\nurl = 'b'\n", "config/base.toml:3:1: error: duplicate key database.url, first set on line 2"),
        (b"[databse]\nurl = 'a'\n", "config/base.toml:1:2: error: databse: unknown key: nothing binds a section of this name; did you mean 'database'?"),  # noqa: E501 - a case is a line
        (b"[database]\npool = 5\n", "config/base.toml:2:8: error: database.pool: expected a table, not an integer, got 5"),
        (b"[database.pool]\nsize = 0\n", "config/base.toml:2:8: error: database.pool.size: must be >= 1, got 0"),
        (b"[database.pool]\nsize = '9'\n", "config/base.toml:2:8: error: database.pool.size: expected an integer, not a string, got '9'; remove the quotes"),  # noqa: E501 - a case is a line
        (b"[[database]]\nurl = 'a'\n", "config/base.toml:1:3: error: database: expected a table, not a list"),
    ],
)  # fmt: skip
async def test_a_bad_file_gives_one_line_with_its_place(base, content, line):
    base.write_bytes(content)
    (found,) = await refusal(base)
    assert found.startswith("config/base.toml:2:") if line is None else found == line


async def test_a_byte_order_mark_is_no_part_of_the_text(base):
    base.write_bytes(b"\xef\xbb\xbf[database]\nurl = 'bom'\n")
    kernel, database = await load(base)
    assert database.url == "bom"
    assert str(kernel.config.explain("database.url").origin) == "config/base.toml:2:7"


async def test_a_file_that_was_named_must_be_there(base):
    assert await refusal("config/nowhere.toml") == [
        "config/nowhere.toml: error: no such file; create it, or correct --config"
    ]
    assert await refusal(base.parent) == [
        "config: error: no format reads a file without suffix; known suffixes are .json, .toml, .yaml, .yml"
    ]  # fmt: skip
    (base.parent / "dir.toml").mkdir()
    assert await refusal("config/dir.toml") == ["config/dir.toml: error: is no regular file"]


async def test_a_file_that_may_not_be_read_says_who_must_be_let(base, monkeypatch):
    if os.geteuid() == 0:  # root may read anything: take the refusal from the system call
        real = os.open

        def deny(path, *arguments, **options):
            if pathlib.Path(path) == base:
                raise PermissionError(13, "Permission denied")
            return real(path, *arguments, **options)

        monkeypatch.setattr(os, "open", deny)
    else:
        base.chmod(0)
    assert await refusal(base) == [
        f"config/base.toml: error: cannot be read: Permission denied; let user {os.geteuid()} read it"
    ]


async def test_a_named_pipe_is_not_waited_for(base):
    os.mkfifo("config/pipe.toml")
    with anyio.fail_after(5):
        assert await refusal("config/pipe.toml") == ["config/pipe.toml: error: is no regular file"]


async def test_a_link_to_itself_is_a_problem_not_a_loop(base):
    pathlib.Path("config/loop.toml").symlink_to("loop.toml")  # noqa: ASYNC240 - a test may
    (line,) = await refusal("config/loop.toml")
    assert line.startswith("config/loop.toml: error: cannot be read: Too many levels of symbolic links")


async def test_a_huge_file_is_refused_unread(base):
    base.write_bytes(b"# " + b"x" * 6_000_000)
    assert await refusal(base) == ["config/base.toml: error: larger than 5,242,880 bytes, too large for configuration"]


async def test_problems_of_all_files_come_together(base):
    (base.parent / "conf.d").mkdir()
    (base.parent / "conf.d" / "10.yaml").write_text("database:\n  url: [\n")
    (base.parent / "conf.d" / "20.json").write_text('{"database": {"pool": {"size": "x"}}}')
    base.write_text("[database]\nurl = 1\nurll = 2\n")
    lines = await refusal(base, environ={"ORDERS_DATABASE__POOL__MAXSIZE": "5"}, sets=["nonsense"])
    assert [line.split(" error: ")[0] for line in lines] == [
        "config/base.toml:2:7:",
        "config/base.toml:3:8:",
        "config/conf.d/10.yaml:3:1:",
        "config/conf.d/20.json:1:32:",
        "env ORDERS_DATABASE__POOL__MAXSIZE:",
        "--set #1:",
    ]


async def test_a_half_written_file_is_read_once_more(base):
    """What does not parse, and was written just now, may be half written."""
    base.write_text("[database]\nurl = ")

    async def finish():
        await anyio.sleep(0.02)
        base.write_text("[database]\nurl = 'whole'\n")

    async with anyio.create_task_group() as group:
        group.start_soon(finish)
        _, database = await load(base)
    assert database.url == "whole"


async def test_only_what_changed_is_parsed_again(base):
    kernel, _ = await load(base)
    parsed = []
    parse = toml.Toml.parse
    (base.parent / "conf.d").mkdir()
    (base.parent / "conf.d" / "10.toml").write_text("[database]\nurl = 'drop-in'\n")
    try:
        toml.Toml.parse = lambda self, text: parsed.append(text) or parse(self, text)
        async with kernel.configured():
            parsed.clear()
            (base.parent / "conf.d" / "10.toml").write_text("[database]\nurl = 'new'\n")
            assert (await kernel.config.reload()).changed == ("database.url",)
    finally:
        toml.Toml.parse = parse
    assert parsed == ["[database]\nurl = 'new'\n"]


# -- environment --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ORDERS_DATABASE__POOL__MAX_SIZE": "20"}, Database(pool=Pool(max_size=20))),
        ({"orders_database__pool__max_size": "20"}, Database(pool=Pool(max_size=20))),
        ({"ORDERS_DATABASE__HOSTS": "a, b"}, Database(hosts=("a", "b"))),
        ({"ORDERS_DATABASE__HOSTS": '["a", "b,c"]'}, Database(hosts=("a", "b,c"))),
        ({"ORDERS_DATABASE__HOSTS__1": "b", "ORDERS_DATABASE__HOSTS__0": "a"}, Database(hosts=("a", "b"))),
        ({"ORDERS_DATABASE__LABELS__TEAM": "x"}, Database(labels={"team": "x"})),
        ({"ORDERS_DATABASE__LABELS": '{"Team": "x"}'}, Database(labels={"Team": "x"})),
        ({"ORDERS_DATABASE": '{"url": "x", "pool": {"size": 5}}'}, Database(url="x", pool=Pool(5))),
        ({"ORDERS_DATABASE__URL": ""}, Database(url="")),
        ({"ORDERS_DATABASE__NOTE": ""}, Database(note=None)),
        ({"ORDERS_DATABASE__NOTE": "null"}, Database(note=None)),
        ({"ORDERS_DATABASE__HOSTS": ""}, Database(hosts=())),
        ({"ORDERS_DATABASE__SERVICE_PORT": "80"}, Database(service_port=80)),
        (
            {
                "ORDERS_DATABASE__NODES__0__HOST": "a",
                "ORDERS_DATABASE__NODES__1__BACKUPS__0__MAX_SIZE": "5",
                "ORDERS_DATABASE__NODES__1__ZONES__0__0": "x",
                "ORDERS_DATABASE__NODES__1__ZONES__0__1": "y",
                "ORDERS_DATABASE__NODES__1__ZONES__1": "z,w",
            },
            Database(nodes=(Node("a"), Node("", (("x", "y"), ("z", "w")), (Pool(max_size=5),)))),
        ),
        (
            {"ORDERS_DATABASE__NODES": '[{"host": "a", "zones": [["x"], []], "backups": [{"size": 2}]}]'},
            Database(nodes=(Node("a", (("x",), ()), (Pool(2),)),)),
        ),
        (
            {"ORDERS_DATABASE__NODES__0": '{"host": "a"}', "ORDERS_DATABASE__NODES__1__HOST": "b"},
            Database(nodes=(Node("a"), Node("b"))),
        ),
        ({"ORDERS_DATABASE__KEY_FILE": "/nowhere"}, Database(key_file="/nowhere")),
        ({"OTHER_DATABASE__URL": "x", "ORDERSX": "y"}, Database()),
        (
            {
                "ORDERS_SERVICE_HOST": "10.0.0.1",
                "ORDERS_SERVICE_PORT": "80",
                "ORDERS_SERVICE_PORT_HTTP": "80",
                "ORDERS_PORT": "tcp://10.0.0.1:80",
                "ORDERS_PORT_80_TCP": "tcp://10.0.0.1:80",
                "ORDERS_PORT_80_TCP_ADDR": "10.0.0.1",
                "ORDERS_PORT_80_TCP_PORT": "80",
                "ORDERS_PORT_80_TCP_PROTO": "tcp",
                "ORDERS_DB_SERVICE_HOST": "10.0.0.2",
                "ORDERS_DB_PORT_5432_TCP_ADDR": "10.0.0.2",
            },
            Database(),
        ),
    ],
)
async def test_variables_set_fields(tmp_path, monkeypatch, environ, expected):
    """Any depth, any case, lists and tables; other services' variables and Kubernetes' service links are left alone."""
    monkeypatch.chdir(tmp_path)
    _, database = await load(environ=environ)
    assert database == expected


@pytest.mark.parametrize(
    ("environ", "path", "message"),
    [
        ({"ORDERS_DATABASE__POOL__MAX_SIZ": "1"}, "", "no setting is named like this; did you mean ORDERS_DATABASE__POOL__MAX_SIZE (database.pool.max_size)?"),  # noqa: E501 - a case is a line
        ({"ORDERS_XYZZY": "1"}, "", "no setting is named like this; variables with ORDERS_ are read as settings, so unset or rename it"),  # noqa: E501 - a case is a line
        ({"ORDERS_DATABASE__POOL__SIZE": "0"}, "database.pool.size: ", "must be >= 1, got 0"),
        ({"ORDERS_DATABASE__POOL__SIZE": "many"}, "database.pool.size: ", "expected an integer, got 'many'"),
        ({"ORDERS_DATABASE__POOL": "5"}, "database.pool: ", "expected a table as JSON, got '5'"),
        ({"ORDERS_DATABASE__HOSTS__0": "a", "ORDERS_DATABASE__HOSTS__2": "c"}, "database.hosts: ", "the items of a list are numbered __0, __1, ... without a gap"),  # noqa: E501 - a case is a line
        ({"ORDERS_DATABASE__HOSTS": "a", "ORDERS_DATABASE__HOSTS__0": "b"}, "", "sets database.hosts[0], and env ORDERS_DATABASE__HOSTS sets database.hosts: remove one"),  # noqa: E501 - a case is a line
        ({"ORDERS_DATABASE__NODES__0__ZONES__0__0": "a", "ORDERS_DATABASE__NODES__0__ZONES__0__2": "c"}, "database.nodes[0].zones[0]: ", "the items of a list are numbered __0, __1, ... without a gap"),  # noqa: E501 - a case is a line
        ({"ORDERS_DATABASE__NODES__0__BACKUPS__0__SIZE": "0"}, "database.nodes[0].backups[0].size: ", "must be >= 1, got 0"),
        ({"ORDERS_DATABASE__POOL__SIZE": ""}, "database.pool.size: ", "expected an integer, got ''"),
        ({"ORDERS_DATABASE__SERVICE_PORT_FILE": "/no/such/file"}, "", "/no/such/file cannot be read: No such file or directory"),
        ({"ORDERS_DATABASE__URL_FILE": "/no/such/file"}, "", "/no/such/file cannot be read: No such file or directory"),
    ],
)  # fmt: skip
async def test_a_bad_variable_is_named(tmp_path, monkeypatch, environ, path, message):
    """The last of the variables is the bad one."""
    monkeypatch.chdir(tmp_path)
    assert await refusal(environ=environ) == [f"env {[*environ][-1]}: error: {path}{message}"]


async def test_a_variable_may_name_a_file_that_holds_the_value(tmp_path, monkeypatch):
    """The Docker convention: one trailing newline is not part of the value, and the file is watched."""
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n\n")
    kernel, database = await load(environ={"ORDERS_DATABASE__PASSWORD_FILE": str(secret)})
    assert database.password.reveal() == "hunter2\n"
    assert secret in kernel.config.watched_paths()
    assert str(kernel.config.explain("database.password").origin) == "env ORDERS_DATABASE__PASSWORD_FILE"
    secret.write_bytes(b"\xff")
    assert "is not UTF-8 text" in (await refusal(environ={"ORDERS_DATABASE__PASSWORD_FILE": str(secret)}))[0]
    secret.write_bytes(b"a\0b")
    assert "it holds NUL bytes" in (await refusal(environ={"ORDERS_DATABASE__PASSWORD_FILE": str(secret)}))[0]
    os.mkfifo(tmp_path / "pipe")
    with anyio.fail_after(5):
        (line,) = await refusal(environ={"ORDERS_DATABASE__PASSWORD_FILE": str(tmp_path / "pipe")})
    assert line.endswith("/pipe is no regular file")
    secret.write_bytes(b"x" * 70_000)
    assert "larger than 65,536 bytes" in (await refusal(environ={"ORDERS_DATABASE__PASSWORD_FILE": str(secret)}))[0]


async def test_empty_variables_may_count_as_not_set(tmp_path, monkeypatch):
    """Where an orchestrator writes ``ORDERS_X=`` for what it has no value for; what is empty is not even looked at."""
    monkeypatch.chdir(tmp_path)
    environ = {"ORDERS_DATABASE__URL": "", "ORDERS_DATABASE__POOL__SIZE": "", "ORDERS_NOTHING": ""}
    _, database = await load(environ=environ, ignore_empty=True)
    assert database == Database()


async def test_the_prefix_is_the_kernels_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, database = await load(
        name="my-orders_2", environ={"MY_ORDERS_2_DATABASE__URL": "x", "ORDERS_DATABASE__URL": "y"}
    )
    assert database.url == "x"


async def test_variables_of_trivet_itself_are_no_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    await load(name="trivet", environ={"TRIVET_PROFILE": "dev", "TRIVET_TRACE": "1"})


async def test_a_provider_section_is_set_by_a_variable_before_the_schema_is_known(tmp_path, monkeypatch):
    """What must start before the validation reads its section from the preloaded layers, variables among them."""
    monkeypatch.chdir(tmp_path)
    launch = Launch(environ={"ORDERS_PLUGINS__KEYS__SIZE": "7", "ORDERS_PLUGINS__ENABLE": "a,b"})
    kernel = Kernel("orders", plugins=PLUGINS, discover="none", launch=launch)
    source = environment.Environment()
    kernel.config.add_source("environment", source)
    await kernel.config.preload()
    assert kernel.config.provisional("plugins.keys", Pool) == Pool(size=7)
    assert kernel.config.peek(("plugins", "enable")) == "a,b"


# -- command line -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (["database.pool.size=9"], Database(url="base", pool=Pool(9))),
        (["database.url=a=b"], Database(url="a=b", pool=Pool(1))),
        (["database.url="], Database(url="", pool=Pool(1))),
        (["database.url=5"], Database(url="5", pool=Pool(1))),
        (['database.url="null"'], Database(url="null", pool=Pool(1))),
        (["database.url=null"], Database(pool=Pool(1))),
        (["database=null"], Database()),
        (["database.pool=null", "database.pool.max_size=5"], Database(url="base", pool=Pool(max_size=5, size=1))),
        (["database.hosts=a,b"], Database(url="base", pool=Pool(1), hosts=("a", "b"))),
        (['database.hosts=["a"]'], Database(url="base", pool=Pool(1), hosts=("a",))),
        (['database.pool={"size": 4}'], Database(url="base", pool=Pool(4))),
        (['database.labels."a.b"=c'], Database(url="base", pool=Pool(1), labels={"a.b": "c"})),
    ],
)
async def test_assignments_set_fields(base, sets, expected):
    _, database = await load(base, sets=sets)
    assert database == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("database.url", "--set #1: error: an assignment is written PATH=VALUE, e.g. --set database.pool_size=20"),
        ("=5", "--set #1: error: an assignment is written PATH=VALUE, e.g. --set database.pool_size=20"),
        ("database..url=5", "--set #1: error: 'database..url' is no path; write it like database.hosts[0]"),
        ("database.hosts[0]=a", "--set #1: error: database.hosts[0]: a list is set as a whole, e.g. --set a.hosts=x,y"),
        ("database.ulr=x", "--set #1: error: database.ulr: unknown key; did you mean 'url'?"),
        ("database.pool.size=x", "--set #1: error: database.pool.size: expected an integer, got 'x' (also set at config/base.toml:5:8)"),  # noqa: E501 - a case is a line
    ],
)  # fmt: skip
async def test_a_bad_assignment_is_named_by_its_number(base, text, line):
    assert await refusal(base, sets=[text]) == [line]


async def test_a_string_is_a_text_and_nothing_else(base):
    """``--set-string`` guesses nothing: no null, no number, no JSON, no reference, no quotes taken off."""
    texts = ["null", "5", '"x"', '{"a": 1}', " x ", "a=b", "", "${database.pool.size}", "$${x}"]
    for text in texts:
        kernel, database = await load(base, strings=[f"database.url={text}", f"database.note={text}"])
        assert (database.url, database.note) == (text, text)
        assert str(kernel.config.explain("database.url").origin) == "--set-string #1"
    assert await refusal(base, strings=["database.url=x", "database.pool.size=5"]) == [
        "--set-string #2: error: database.pool.size: expected an integer, not a string, got '5'; remove the quotes (also set at config/base.toml:5:8)"  # noqa: E501 - a line is a line
    ]
    assert await refusal(base, strings=["nonsense"]) == [
        "--set-string #1: error: an assignment is written PATH=VALUE, e.g. --set-string database.name=20"
    ]


async def test_a_value_may_come_from_a_file(base, tmp_path):
    """``--set-file`` reads what is in it, as the schema says, without one newline at its end; it is watched."""
    for name, content in (("size", "0x10\n"), ("url", "null"), ("hosts", "a,b"), ("password", "hunter2\n\n")):
        (tmp_path / name).write_text(content)
    named = ["database.pool.size=size", "database.url=url", "database.hosts=hosts", "database.password=password"]
    kernel, database = await load(base, value_files=named)
    assert (database.pool.size, database.url, database.hosts) == (16, "null", ("a", "b"))
    assert database.password.reveal() == "hunter2\n"
    assert str(kernel.config.explain("database.hosts").origin) == "--set-file #3 (hosts)"
    assert {pathlib.Path(name) for name in ("size", "url", "hosts", "password")} <= {*kernel.config.watched_paths()}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("database.url=nowhere", "--set-file #1 (nowhere): error: nowhere cannot be read: No such file or directory"),
        ("database.url=config", "--set-file #1 (config): error: config is no regular file"),
        ("database.url=binary", "--set-file #1 (binary): error: binary is not UTF-8 text; store binary content as base64"),
        ("database.url", "--set-file #1: error: an assignment is written PATH=VALUE, e.g. --set-file database.password=/run/secrets/db"),  # noqa: E501 - a case is a line
        ("database.pool.size=word", "--set-file #1 (word): error: database.pool.size: expected an integer, got 'many' (also set at config/base.toml:5:8)"),  # noqa: E501 - a case is a line
        ("database.ulr=word", "--set-file #1 (word): error: database.ulr: unknown key; did you mean 'url'?"),
    ],
)  # fmt: skip
async def test_a_bad_file_of_a_value_is_named(base, tmp_path, text, line):
    (tmp_path / "word").write_text("many\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert await refusal(base, value_files=[text]) == [line]


async def test_what_the_code_assigns_is_weaker_than_the_command_line(base, tmp_path):
    """Numbers count what the user wrote, so the first ``--set`` is the first; the code's own have a name of their own."""
    (tmp_path / "url").write_text("code file")
    code = Launch(
        assignments=["database.pool.size=7", "database.pool.max_size=9"],
        strings=["database.note=code"],
        value_files=["database.url=url"],
    )
    kernel, database = await load(base, sets=["database.url=user", "database.pool.size=8"], code=code)
    assert (database.url, database.note, database.pool) == ("user", "code", Pool(8, 9))
    found = kernel.config.explain("database.url")
    assert [str(one.origin) for one in (found, *found.shadowed)] == [
        "--set #1",
        "Launch.value_files #1 (url)",
        "config/base.toml:2:7",
    ]
    assert str(kernel.config.explain("database.pool.max_size").origin) == "Launch.assignments #2"
    assert str(kernel.config.explain("database.note").origin) == "Launch.strings #1"
    assert pathlib.Path("url") in kernel.config.watched_paths()


async def test_files_win_over_strings_and_strings_over_plain_assignments(base, tmp_path):
    """As with Helm; within one option the later wins, and all win over the environment."""
    (tmp_path / "url").write_text("file")
    options = {"environ": {"ORDERS_DATABASE__URL": "environment"}, "sets": ["database.url=null", "database.url=plain"]}
    _, database = await load(base, **options)
    assert database.url == "plain"
    strings = ["database.url=one", "database.url=two"]
    _, database = await load(base, strings=strings, **options)
    assert database.url == "two"
    kernel, database = await load(base, strings=strings, value_files=["database.url=url"], **options)
    assert database.url == "file"
    assert [str(one.origin) for one in kernel.config.explain("database.url").shadowed] == [
        "--set-string #2",
        "--set #2",
        "env ORDERS_DATABASE__URL",
        "config/base.toml:2:7",
    ]
