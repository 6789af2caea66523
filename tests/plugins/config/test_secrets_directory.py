"""Directories of secrets: Docker's, Kubernetes's, systemd's and named ones; nothing from outside, nothing shown."""

from __future__ import annotations

import os
import pathlib
import shutil
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from trivet import ConfigError, Kernel, Launch, Secret
from trivet.events import ConfigRejected, ConfigReloaded, ConfigWarning
from trivet_plugins.config import command_line, dotenv, environment, files, secrets_directory, toml, watcher
from trivet_plugins.config.secret_files import SecretFiles

PLUGINS = [toml, files, environment, dotenv, secrets_directory, command_line]
NO_SECRET = Secret("")


@attrs.frozen
class Database:
    url: str = "sqlite:"
    password: Secret[str] = NO_SECRET
    pool_size: int = 3
    hosts: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def default(tmp_path, monkeypatch):
    """A directory in place of ``/run/secrets``, not made yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(secrets_directory, "DEFAULT", tmp_path / "run" / "secrets")
    return tmp_path / "run" / "secrets"


def put(directory, mode=0o600, **contents):
    """Write files."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
    return directory


@asynccontextmanager
async def loaded(*, environ=None, plugins=(), events=None, **launch):
    """A kernel with its configuration, and its section ``database``."""
    launch = Launch(environ=environ or {}, **launch)
    kernel = Kernel("orders", plugins=[*PLUGINS, *plugins], discover="none", launch=launch)
    if events is not None:
        kernel.observe(events.append)
    live = kernel.config.bind("database", Database)
    async with kernel.configured():
        yield kernel, live.current


async def load(**options):
    async with loaded(**options) as (_, database):
        return database


async def refusal(**options):
    with pytest.raises(ConfigError) as caught:
        await load(**options)
    return str(caught.value).split("\n")


# -- settings -----------------------------------------------------------------------------------------------------------------


async def test_a_file_is_a_setting(default):
    """Nested by ``__``, in any case, with the prefix or without, as the schema says; one newline at the end does not count."""
    put(
        default,
        database__password="hunter2\n\n",
        DATABASE__POOL_SIZE="20\r\n",
        orders_database__url="x",
        database__hosts__0="a",
        database__hosts__1="b",
    )
    async with loaded() as (kernel, database):
        assert attrs.evolve(database, password=NO_SECRET) == Database(url="x", pool_size=20, hosts=("a", "b"))
        assert database.password.reveal() == "hunter2\n"
        assert str(kernel.config.explain("database.url").origin) == str(default / "orders_database__url")


async def test_what_fits_no_setting_belongs_to_others(default):
    """Files, directories and links of others are not even read; but a name with the prefix was meant for us."""
    put(
        default, **{"tls.crt": b"\xff", "password": "x", "other__thing": "x", ".hidden": b"\xff", "database__nope": "x"}
    )
    put(default / "kubernetes.io", database__url="x")
    (default / "away").symlink_to("/etc/passwd")
    os.mkfifo(default / "pipe")
    with anyio.fail_after(5):
        assert await load() == Database()
    put(default, orders_database__pasword="s3cr3t", ORDERS_XYZZY="s3cr3t")
    assert await refusal() == [
        f"{default}/ORDERS_XYZZY: error: no setting is named like this; files with ORDERS_ are read as settings, so rename or remove it",  # noqa: E501 - a line is a line
        f"{default}/orders_database__pasword: error: no setting is named like this; did you mean orders_database__password (database.password)?",  # noqa: E501 - a line is a line
    ]


async def test_it_lies_above_files_and_below_dotenv(default, tmp_path):
    """Of the directories the named ones are strongest, then systemd's."""
    (tmp_path / "base.toml").write_text('[database]\nurl = "base"\npool_size = 1\n')
    (tmp_path / ".env").write_text("ORDERS_DATABASE__POOL_SIZE=9\n")
    for directory in ("run/secrets", "credentials", "one", "two"):
        put(tmp_path / directory, database__url=directory, database__pool_size="7")
    async with loaded(
        files=["base.toml"],
        environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")},
        secrets=["one", "two"],
    ) as (kernel, database):
        assert (database.url, database.pool_size) == ("two", 9)
        found = kernel.config.explain("database.url")
        assert [str(one.origin) for one in (found, *found.shadowed)] == [
            "two/database__url",
            "one/database__url",
            f"{tmp_path}/credentials/database__url",
            f"{default}/database__url",
            "base.toml:2:7",
        ]


async def test_directories_that_nobody_named_need_not_be_there(default, tmp_path):
    """What was named must be."""
    assert await load(environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "nowhere")}) == Database()
    assert await refusal(secrets=["nowhere"]) == [
        "nowhere: error: cannot be listed: No such file or directory; create it, or correct --secrets-dir"
    ]


async def test_every_value_is_a_secret(default):
    """Whatever the schema says of it: it is masked where configuration is shown, and in messages."""
    put(default, database__url="s3cr3t-url", database__hosts="s3cr3t-host")
    async with loaded() as (kernel, database):
        assert database.url == "s3cr3t-url"
        shown = repr(kernel.config.show()) + repr(kernel.config.explain("database.url")) + repr(kernel.config.snapshot)
        assert "s3cr3t" not in shown
    put(default, database__pool_size="s3cr3t-number")
    (line,) = await refusal()
    assert line.startswith(f"{default}/database__pool_size: error: database.pool_size: expected an integer")
    assert "s3cr3t" not in line


async def test_a_section_of_a_plugin_is_there_before_the_schema_is_known(default, tmp_path):
    """Sources with settings of their own may take their password from here; others' files are not read for it."""
    put(default, plugins__enable="a,b", plugins__vault__token="t0ken", others__file="x")
    launch = Launch(environ={})
    kernel = Kernel("orders", plugins=PLUGINS, discover="none", launch=launch)
    kernel.config.add_source("secrets", secrets_directory.SecretsDirectory(kernel))
    await kernel.config.preload()
    assert kernel.config.peek(("plugins", "enable")) == "a,b"
    assert kernel.config.peek(("plugins", "vault", "token")) == "t0ken"
    assert kernel.config.peek(("others",)) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\x01", "is not text: it holds NUL bytes; store binary content as base64"),
        (b"k\xf6ln", "is not UTF-8 text; store binary content as base64"),
        (b"x" * 70_000, "is larger than 65,536 bytes, more than is read"),
    ],
)
async def test_what_is_no_text_is_a_problem(default, content, message):
    put(default, database__password=content)
    assert await refusal() == [f"{default}/database__password: error: {message}"]


async def test_two_files_for_one_setting_are_a_problem(default):
    put(default, database__url="s3cr3t", orders_database__url="s3cr3t")
    assert await refusal() == [
        f"{default}/orders_database__url: error: sets database.url, and {default}/database__url sets database.url: remove one"
    ]


# -- links --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hop", ["/etc/hostname", "../../outside", "..gone/../../../outside", "inner"])
async def test_links_that_leave_the_directory_are_refused(default, tmp_path, hop):
    """GHSA-4xgf-cpjx-pc3j: who may write here must not choose what else is read; in several steps neither."""
    (tmp_path / "outside").write_text("s3cr3t")
    put(default)
    (default / "..gone").mkdir()
    (default / "inner").symlink_to(tmp_path / "outside")
    (default / "database__password").symlink_to(hop)
    assert await refusal() == [
        f"{default}/database__password: error: leads out of the directory; put the file itself there, or name it by ..._FILE"
    ]


async def test_a_link_to_the_directory_and_links_inside_are_no_escape(default, tmp_path):
    """``/var/run/secrets`` is a link; a directory of a similar name is another directory."""
    real = put(tmp_path / "real", value="x")
    (real / "database__url").symlink_to("value")
    put(tmp_path / "real-too", value="y")
    default.parent.mkdir()
    default.symlink_to(real)
    assert (await load()).url == "x"
    (real / "database__url").unlink()
    (real / "database__url").symlink_to("../real-too/value")
    assert "leads out of the directory" in (await refusal())[0]


async def test_links_in_circles_and_into_nothing_are_problems(default):
    put(default)
    (default / "database__url").symlink_to("database__password")
    (default / "database__password").symlink_to("database__url")
    (default / "database__hosts").symlink_to("nothing")
    lines = await refusal()
    assert [line.partition(": error: ")[2].partition(" (")[0] for line in lines] == [
        "cannot be read: No such file or directory",
        "cannot be read: Too many levels of symbolic links",
        "cannot be read: Too many levels of symbolic links",
    ]


# -- modes --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o440, False), (0o604, True), (0o602, True)])
async def test_files_open_to_everyone_are_used_with_a_warning(default, mode, warns):
    """Once, by name, for all files of a directory; files of others are not counted."""
    put(default, mode, database__url="s3cr3t", database__password="s3cr3t")
    put(default, 0o644, others="x")
    events = []
    async with loaded(events=events) as (kernel, database):
        assert database.url == "s3cr3t"
        await kernel.config.reload()
    warnings = [event.message for event in events if isinstance(event, ConfigWarning)]
    names = "database__password, database__url"
    expected = f"secrets in {default} are open to every user of this machine: {names}; take the rights of others away (chmod o=)"
    assert warnings == ([expected] if warns else [])


async def test_a_directory_that_nobody_named_may_be_closed_to_us(default, monkeypatch):
    """It may be others'; this is said, and the service starts. One that was named must open."""
    put(default, database__url="x")
    if os.geteuid() == 0:  # root may list anything: take the refusal from the system call
        real = os.scandir

        def deny(path="."):
            if pathlib.Path(path).name == default.name:
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(os, "scandir", deny)
    else:
        default.chmod(0)
    events = []
    assert await load(events=events) == Database()
    warnings = {event.message for event in events if isinstance(event, ConfigWarning)}
    assert warnings == {f"{default} cannot be listed: Permission denied: no secrets are read from it"}
    assert await refusal(secrets=[default]) == [
        f"{default}: error: cannot be listed: Permission denied; create it, or correct --secrets-dir"
    ]
    default.chmod(0o700)


# -- watching -----------------------------------------------------------------------------------------------------------------


def kubernetes(directory, number):
    """Do what the kubelet does to a volume: a new directory of data, and ``..data`` turned to it by a rename."""
    old = directory / "..data"
    before = old.readlink() if old.is_symlink() else None
    put(directory / f"..{number}", database__url=f"url{number}", database__password=f"password{number}")
    (directory / "..data_tmp").symlink_to(f"..{number}")
    (directory / "..data_tmp").replace(directory / "..data")
    for name in ("database__url", "database__password"):
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"..data/{name}")
    if before is not None:
        shutil.rmtree(directory / before)


def test_a_swap_while_files_are_read_mixes_no_generations(default, monkeypatch):
    """All is read again where ``..data`` has turned in the meantime, and its old target may be gone."""
    kubernetes_first(default)
    read, swaps = SecretFiles._read, iter([1, 2])

    def read_then_swap(self, name):
        found = read(self, name)
        if name == "database__password" and (number := next(swaps, None)) is not None:
            kubernetes(default, number)
        return found

    monkeypatch.setattr(SecretFiles, "_read", read_then_swap)
    assert [one.value for one in SecretFiles(default).read(lambda _: True)] == ["password2", "url2"]


def docker(directory, number):
    """Write the files in place."""
    put(directory, database__url=f"url{number}", database__password=f"password{number}")


@pytest.mark.parametrize("change", [kubernetes, docker])
async def test_a_change_is_seen_by_the_watcher(default, change):
    """A ``..data`` swap shows url and password of one generation, and is one reload."""
    await anyio.to_thread.run_sync(change, default, 0) if change is docker else kubernetes_first(default)
    launch = Launch(environ={}, assignments=["plugins.watcher.poll_interval=600"])
    kernel = Kernel("orders", plugins=[*PLUGINS, watcher], discover="none", launch=launch)
    live = kernel.config.bind("database", Database)
    events = []
    kernel.observe(events.append)
    async with kernel:
        await anyio.sleep(0.3)  # the look back at the start, and what the making of the files still stirs up
        events.clear()
        for number in range(1, 4):
            await anyio.to_thread.run_sync(change, default, number)
            await until(lambda number=number: live.current.password.reveal() == f"password{number}")
            await until(lambda number=number: live.current.url == f"url{number}")
            await anyio.sleep(0.15)
        assert [event for event in events if isinstance(event, ConfigRejected)] == []
        if change is kubernetes:
            assert len([event for event in events if isinstance(event, ConfigReloaded)]) == 3


def kubernetes_first(directory):
    directory.mkdir(parents=True)
    kubernetes(directory, 0)


async def test_a_directory_that_comes_later_is_seen(default):
    """A volume may be mounted after the start; a file that goes takes its value with it."""
    default.parent.mkdir()
    launch = Launch(environ={}, assignments=["plugins.watcher.poll_interval=600"])
    kernel = Kernel("orders", plugins=[*PLUGINS, watcher], discover="none", launch=launch)
    live = kernel.config.bind("database", Database)
    async with kernel:
        await anyio.to_thread.run_sync(docker, default, 1)
        await until(lambda: live.current.url == "url1")
        await anyio.to_thread.run_sync((default / "database__url").unlink)
        await until(lambda: live.current.url == "sqlite:")


async def until(holds):
    with anyio.fail_after(10):
        while not holds():
            await anyio.sleep(0.005)
