"""What users of other systems suffer from, where no other test says that it does not happen here.

``docs/explanation/known-pains.md`` lists all of it, with the threads.
"""

from __future__ import annotations

import subprocess
import sys
import types

import anyio
import attrs
import pytest

from trivet import ConfigError, Kernel, Launch, Secret
from trivet_plugins.config import command_line, dotenv, environment, files, resolve_env, toml, watcher, yaml

PLUGINS = [toml, yaml, files, dotenv, environment, command_line, resolve_env]


@attrs.frozen
class Pool:
    size: int
    labels: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Database:
    """Every field is required: nothing but a variable gives it a value in the first test."""

    url: str
    password: Secret[str]
    pool: Pool


@attrs.frozen
class Texts:
    values: dict[str, str] = attrs.field(factory=dict)


def kernel_of(path, *plugins, environ=None, sets=()):
    launch = Launch(files=[path] if path else (), environ=environ or {}, assignments=sets)
    return Kernel("orders", plugins=[*PLUGINS, *plugins], discover="none", launch=launch)


async def loaded(cls, path, section="database", **options):
    kernel = kernel_of(path, **options)
    live = kernel.config.bind(section, cls)
    async with kernel.configured():
        return live.current


async def test_a_variable_needs_neither_a_default_nor_a_key_in_a_file(tmp_path, monkeypatch):
    """The schema says which variables count: a required field that no file names is set by its variable alone."""
    monkeypatch.chdir(tmp_path)
    environ = {
        "ORDERS_DATABASE__URL": "pg://",
        "ORDERS_DATABASE__PASSWORD": "hunter2",
        "ORDERS_DATABASE__POOL__SIZE": "7",
    }
    database = await loaded(Database, None, environ=environ)
    assert (database.url, database.password.reveal(), database.pool.size) == ("pg://", "hunter2", 7)


async def test_keys_keep_their_case(tmp_path):
    """Keys that differ only in case are different keys; a variable finds a field in whatever case it is written."""

    @attrs.frozen
    class Mixed:
        maxSize: int = 0  # noqa: N815 - what is tested
        labels: dict[str, int] = attrs.field(factory=dict)

    path = tmp_path / "base.toml"
    path.write_text('[database]\nmaxSize = 1\n\n[database.labels]\nTeam = 1\nteam = 2\nTEAM = 3\n"Ä.b" = 4\n')
    mixed = await loaded(Mixed, path, environ={"ORDERS_DATABASE__MAXSIZE": "9"})
    assert mixed == Mixed(9, {"Team": 1, "team": 2, "TEAM": 3, "Ä.b": 4})


@pytest.mark.parametrize(
    "text",
    [
        "@jinja {{ this.__class__ }}",
        "@format {env[HOME]}",
        "@int 3",
        "{{ 7 * 7 }}",
        "$(id)",
        "`id`",
        "%(home)s",
        "__import__('os').system('id')",
        "!!python/name:os.system",
    ],
)
async def test_a_value_is_never_code(tmp_path, text):
    """A text that is a program to other systems is that text here, from a file and from a variable."""
    path = tmp_path / "base.yaml"
    path.write_text(f"texts:\n  values:\n    a: {text!r}\n")
    found = await loaded(Texts, path, "texts", environ={"ORDERS_TEXTS__VALUES__B": text})
    assert found.values == {"a": text, "b": text}


async def test_a_reference_holds_no_expression(tmp_path):
    """What looks like a template in ``${}`` is refused with its place, not worked out."""
    path = tmp_path / "base.yaml"
    path.write_text('texts:\n  values:\n    a: "${{ 7 * 7 }}"\n')
    with pytest.raises(ConfigError, match=r"base\.yaml:3:8: error: texts\.values\.a: a reference's name holds a '\{'"):
        await loaded(Texts, path, "texts")


@pytest.mark.parametrize(
    "tag", ["python/object/apply:os.system [touch made]", "python/name:os.system", "python/tuple [1]"]
)
async def test_a_yaml_tag_makes_no_object(tmp_path, monkeypatch, tag):
    """What is not in YAML's own schema is a problem with its place, and nothing runs."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "base.yaml"
    path.write_text(f"texts:\n  values:\n    a: !!{tag}\n")
    with pytest.raises(ConfigError, match=r"base\.yaml:3:8: error: .*tag"):
        await loaded(Texts, path, "texts")
    assert [file.name for file in tmp_path.iterdir()] == ["base.yaml"]


async def test_a_reload_keeps_the_order_of_the_layers(tmp_path):
    """A change of the weakest layer lets through no value that a stronger one sets, however often it happens."""
    path = tmp_path / "base.toml"
    text = '[database]\nurl = "{0}"\npassword = "{0}"\n\n[database.pool]\nsize = {0}\nlabels = {{ a = "{0}" }}\n'
    path.write_text(text.format(1))
    kernel = kernel_of(path, environ={"ORDERS_DATABASE__POOL__SIZE": "70"}, sets=["database.url=set"])
    live = kernel.config.bind("database", Database)
    async with kernel:
        for number in range(2, 6):
            path.write_text(text.format(number))
            assert (await kernel.config.reload()).changed
            now = live.current
            assert (now.url, now.pool.size) == ("set", 70)
            assert (now.password.reveal(), now.pool.labels) == (str(number), {"a": str(number)})
            shadowed = [one.value for one in kernel.config.explain("database.pool.size").shadowed]
            assert shadowed == [number]


async def test_a_change_tells_old_new_and_where_it_comes_from(tmp_path):
    """A subscriber of a section gets both objects; the generation's diff names the place of each value."""
    path = tmp_path / "base.toml"
    path.write_text('[database]\nurl = "a"\npassword = "x"\npool = { size = 1 }\n')
    kernel = kernel_of(path)
    live = kernel.config.bind("database", Database)
    other = kernel.config.bind("texts", Texts)
    seen, others = [], []
    async with kernel:
        live.subscribe(seen.append)
        other.subscribe(others.append)
        path.write_text('[database]\nurl = "a"\npassword = "x"\n\npool = { size = 2 }\n')
        await kernel.config.reload()
        [change] = seen
        assert (change.old.pool.size, change.new.pool.size, others) == (1, 2, [])
        [difference] = kernel.config.diff(change.generation - 1, change.generation)
        assert (str(difference.before.origin), str(difference.after.origin)) == (f"{path}:4:17", f"{path}:5:17")


async def test_a_read_runs_no_code(tmp_path):
    """``live.current.pool.size`` is three slots: no property, no ``__getattr__``, no lock, no proxy on the way."""
    path = tmp_path / "base.toml"
    path.write_text('[database]\nurl = "a"\npassword = "x"\npool = { size = 1 }\n')
    kernel = kernel_of(path)
    live = kernel.config.bind("database", Database)
    async with kernel.configured():
        for owner, name in ((live, "current"), (live.current, "pool"), (live.current.pool, "size")):
            kind = type(owner)
            assert isinstance(kind.__dict__[name], types.MemberDescriptorType)
            assert kind.__getattribute__ is object.__getattribute__
            assert not hasattr(kind, "__getattr__")


WORKERS = """
import os, pathlib, sys
import anyio, attrs
from trivet import Kernel, Launch
from trivet_plugins.config import environment, files, toml, watcher

@attrs.frozen
class Section:
    value: int = 0

path = pathlib.Path(sys.argv[1])
kernel = Kernel("orders", plugins=[toml, files, environment, watcher], discover="none", launch=Launch(files=[path]))
live = kernel.config.bind("section", Section)          # in the parent, at import, as applications do

async def work(number):
    async with kernel:
        first = live.current.value
        os.write(1, f"up {number}\\n".encode())
        with anyio.fail_after(30):
            async for change in live.changes():
                os.write(1, f"saw {number} {first} {change.new.value}\\n".encode())
                return

for number in range(3):
    if os.fork() == 0:
        anyio.run(work, number, backend=sys.argv[2])
        os._exit(0)
for _ in range(3):
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""


def test_forked_workers_have_a_configuration_each(tmp_path, anyio_backend):
    """A kernel made at import starts nothing: each worker loads, watches and reloads for itself after the fork."""
    path = tmp_path / "base.toml"
    path.write_text("[section]\nvalue = 1\n")
    command = [sys.executable, "-c", WORKERS, str(path), anyio_backend]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        up = sorted(process.stdout.readline() for _ in range(3))
        path.write_text("[section]\nvalue = 2\n")
        saw = sorted(process.stdout.readline() for _ in range(3))
    assert up == [f"up {number}\n" for number in range(3)]
    assert saw == [f"saw {number} 1 2\n" for number in range(3)]
    assert process.returncode == 0


async def test_two_kernels_of_one_process_share_nothing(tmp_path):
    """The store is the kernel's, not the module's: the same class in two kernels has two values, and two lives."""
    lives = []
    async with anyio.create_task_group() as group:
        for number in (1, 2):
            path = tmp_path / f"{number}.toml"
            path.write_text(f'[database]\nurl = "{number}"\npassword = "x"\npool = {{ size = {number} }}\n')
            kernel = kernel_of(path, watcher)
            lives.append((kernel, kernel.config.bind("database", Database), path))
        async with lives[0][0], lives[1][0]:
            lives[0][2].write_text('[database]\nurl = "3"\npassword = "x"\npool = { size = 3 }\n')
            with anyio.fail_after(20):
                async for _ in lives[0][1].changes():
                    break
            assert [live.current.pool.size for _, live, _ in lives] == [3, 2]
            assert lives[1][0].config.generation == 1
        group.cancel_scope.cancel()
